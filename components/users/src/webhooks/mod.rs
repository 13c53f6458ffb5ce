//! Webhooks: endpoints of a tenant that are told of its events. What tells them is the worker.

pub(crate) mod deliveries;
pub(crate) mod making;
pub(crate) mod moves;

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::http::outbound_url::MAX_URL_CHARACTERS;

/// Where events are posted. Another address is another webhook: what was meant for one receiver never goes to the next.
pub(crate) const URL: Field = Field::new(
    "url",
    Kind::Text {
        min: 1,
        max: MAX_URL_CHARACTERS,
    },
    "Where events are posted: https, a host on the internet, neither credentials nor fragment.",
)
.required()
.on_create();

/// What it is for.
pub(crate) const DESCRIPTION: Field = Field::new(
    "description",
    Kind::Multiline { min: 1, max: 500 },
    "What it is for.",
)
.nullable();

/// What it is told of.
pub(crate) const KINDS: Field = Field::new(
    "kinds",
    Kind::TextList {
        items: 100,
        max: 100,
    },
    "What it is told of: kinds, such as student.created, and entities, such as students; everything when it is empty.",
)
.default("'[]'::jsonb");

/// A webhook.
pub(crate) const WEBHOOKS: Resource = Resource {
    name: "webhooks",
    table: "webhooks",
    singular: "webhook",
    description: "An endpoint that is told of events, signed as Standard Webhooks (standardwebhooks.com) has it.",
    fields: &[
        URL,
        DESCRIPTION,
        KINDS,
        Field::new(
            "status",
            Kind::OneOf(&["active", "disabled"]),
            "Whether it is told of anything; see enable and disable.",
        )
        .default("'active'")
        .read_only()
        .filterable(),
        Field::new("disabled_at", Kind::Time, "When it was disabled.")
            .nullable()
            .read_only(),
        Field::new(
            "disabled_reason",
            Kind::Text { min: 1, max: 500 },
            "Why it was disabled; null when somebody did it by hand.",
        )
        .nullable()
        .read_only(),
        Field::new(
            "secret_changed_at",
            Kind::Time,
            "When it got its present secret; see rotate-secret.",
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

/// Gives it a new secret.
const ROTATE: Verb = Verb::Action("rotate-secret");
/// Lets it be told of events.
const ENABLE: Verb = Verb::Action("enable");
/// Stops it from being told.
const DISABLE: Verb = Verb::Action("disable");
/// Has it told again.
const REPLAY: Verb = Verb::Action("replay");
/// Reads what it was told.
const DELIVERIES: Verb = Verb::Action("deliveries");

/// Who may do what to webhooks: they are told of events, which are the admin's.
pub(crate) const POLICY: Policy = Policy {
    resource: "webhooks",
    grants: &[
        Grant::new(role::ADMIN, verbs::EDIT).and(&[ROTATE, ENABLE, DISABLE, REPLAY, DELIVERIES])
    ],
};
