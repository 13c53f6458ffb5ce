//! Webhooks: the endpoints of a tenant to which its events are posted. The worker posts them.

pub(crate) mod create;
pub(crate) mod deliveries;
pub(crate) mod lifecycle;

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::http::outbound_url::MAX_URL_CHARACTERS;

/// The URL to which events are posted. It never changes, so that events meant for one receiver do
/// not reach another.
pub(crate) const URL: Field = Field::new(
    "url",
    Kind::Text {
        min: 1,
        max: MAX_URL_CHARACTERS,
    },
    "The URL to which events are posted. It must use https, name a host on the public internet, and have neither \
     credentials nor a fragment.",
)
.required()
.on_create();

/// The purpose of the webhook.
pub(crate) const DESCRIPTION: Field = Field::new(
    "description",
    Kind::Multiline { min: 1, max: 500 },
    "The purpose of the webhook.",
)
.nullable();

/// The kinds of events that the webhook receives.
pub(crate) const KINDS: Field = Field::new(
    "kinds",
    Kind::TextList {
        items: 100,
        max: 100,
    },
    "The events that the webhook receives: kinds, such as `student.created`, and entities, such as `students`. If \
     empty, it receives all events.",
)
.default("'[]'::jsonb");

/// A webhook.
pub(crate) const WEBHOOKS: Resource = Resource {
    name: "webhooks",
    table: "webhooks",
    singular: "webhook",
    plural: "webhooks",
    description: "An endpoint that receives events, signed according to Standard Webhooks (standardwebhooks.com).",
    fields: &[
        URL,
        DESCRIPTION,
        KINDS,
        Field::new(
            "status",
            Kind::OneOf(&["active", "disabled"]),
            "Whether the webhook receives events. It changes with the enable and disable operations.",
        )
        .default("'active'")
        .read_only()
        .filterable(),
        Field::new("disabled_at", Kind::Time, "The time at which the webhook was disabled.")
            .nullable()
            .read_only(),
        Field::new(
            "disabled_reason",
            Kind::Text { min: 1, max: 500 },
            "The reason why the webhook was disabled. Null if a user disabled it.",
        )
        .nullable()
        .read_only(),
        Field::new(
            "secret_changed_at",
            Kind::Time,
            "The time at which the present secret was created. It changes with the rotate-secret operation.",
        )
        .default("now()")
        .read_only(),
    ],
    owner: None,
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Update,
        Verb::Delete,
        Verb::Restore,
    ],
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Rotates the secret.
const ROTATE_SECRET_VERB: Verb = Verb::Action("rotate-secret");
/// Enables the webhook.
const ENABLE_VERB: Verb = Verb::Action("enable");
/// Disables the webhook.
const DISABLE_VERB: Verb = Verb::Action("disable");
/// Replays events to the webhook.
const REPLAY_VERB: Verb = Verb::Action("replay");
/// Lists the deliveries.
const DELIVERIES_VERB: Verb = Verb::Action("deliveries");

/// The grants on webhooks, which only administrators have because webhooks receive all events.
pub(crate) const POLICY: Policy = Policy {
    resource: "webhooks",
    grants: &[Grant::new(role::ADMIN, verbs::EDIT).with_verbs(&[
        ROTATE_SECRET_VERB,
        ENABLE_VERB,
        DISABLE_VERB,
        REPLAY_VERB,
        DELIVERIES_VERB,
    ])],
};
