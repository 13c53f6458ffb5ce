//! Notifications: the messages to users. Creating one puts it into the outbox in the same
//! transaction, and the worker sends it.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::declare::validation::WriteMode;
use platform::sql::statement::Sql;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

use crate::notification_templates::{EVENTS, TYPES};

/// The events that concern the security of an account. Only the operations that cause them send
/// them.
const ACCOUNT_EVENTS: &[&str] = &[
    "email_change",
    "email_change_asked",
    "email_changed",
    "password_reset",
];

/// A notification.
pub(crate) const NOTIFICATIONS: Resource = Resource {
    name: "notifications",
    table: "notifications",
    singular: "notification",
    plural: "notifications",
    description: "A notification that was sent to a user, or is about to be sent.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The recipient.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "type",
            Kind::OneOf(TYPES),
            "The channel. A user who has opted out of a channel receives nothing by it.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "template",
            Kind::OneOf(EVENTS),
            "The event whose template provides the subject and message in the user's language. Use it instead of a message.",
        )
        .nullable()
        .on_create()
        .filterable(),
        Field::new(
            "data",
            Kind::Json { bytes: 16_384 },
            "The values of the template's placeholders. `name` and `tenant` are filled in automatically.",
        )
        .nullable()
        .on_create(),
        Field::new("subject", Kind::Text { min: 1, max: 500 }, "The subject.")
            .nullable()
            .on_create(),
        Field::new(
            "message",
            Kind::Multiline {
                min: 1,
                max: 20_000,
            },
            "The text of the message. Required unless a template is given.",
        )
        .on_create(),
        Field::new(
            "status",
            Kind::OneOf(&["sent", "failed"]),
            "The outcome. Null while the notification is being delivered.",
        )
        .read_only()
        .nullable()
        .filterable(),
        Field::new(
            "language",
            Kind::Language,
            "The language of the template that was used.",
        )
        .read_only()
        .nullable(),
        Field::new(
            "delivered_at",
            Kind::Time,
            "The time at which the provider accepted the notification.",
        )
        .read_only()
        .nullable(),
        Field::new(
            "attempts",
            Kind::Integer {
                min: 0,
                max: i32::MAX as i64,
            },
            "The number of delivery attempts. Set together with the outcome.",
        )
        .read_only()
        .nullable(),
        Field::new(
            "failure",
            Kind::Text { min: 1, max: 500 },
            "The reason why the notification failed.",
        )
        .read_only()
        .nullable(),
    ],
    owner: None,
    validate: Some(validate),
    verbs: &[Verb::List, Verb::Get, Verb::Create, Verb::Export],
    requires_match: false,
    requires_key: false,
};

/// Retries a failed notification.
const RETRY_VERB: Verb = Verb::Action("retry");

const ALL: &[Verb] = &[Verb::Create, RETRY_VERB];

/// The notifications of the caller.
const OWN_ROWS: &str = "r.user_id = (select current_setting('app.user_id')::uuid)";

/// The fields of a notification that its recipient sees.
const RECIPIENT_FIELDS: &[&str] = &[
    "user_id",
    "type",
    "template",
    "subject",
    "message",
    "status",
    "language",
    "delivered_at",
    "created_at",
    "updated_at",
];

/// The grants on notifications.
pub(crate) const POLICY: Policy = Policy {
    resource: "notifications",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ)
            .reading(RECIPIENT_FIELDS)
            .index_condition(OWN_ROWS),
        Grant::new(role::PARENT, verbs::READ)
            .reading(RECIPIENT_FIELDS)
            .index_condition(OWN_ROWS),
        Grant::new(role::TUTOR, verbs::READ)
            .reading(RECIPIENT_FIELDS)
            .index_condition(OWN_ROWS),
        Grant::new(role::ASSESSOR, verbs::READ)
            .reading(RECIPIENT_FIELDS)
            .index_condition(OWN_ROWS),
        Grant::new(role::SUPERVISOR, verbs::READ_CREATE),
        Grant::new(role::SUPPORT, verbs::READ_EXPORT).with_verbs(ALL),
        Grant::new(role::FINANCE, verbs::READ)
            .reading(RECIPIENT_FIELDS)
            .index_condition(OWN_ROWS),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(ALL),
    ],
};

/// Checks that the texts are either given or come from a template.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let is_set = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
    let refuse = |pointer, code, detail| vec![FieldError::new(pointer, code, detail)];
    if !is_set("template") {
        return match (is_set("message"), is_set("data")) {
            (false, _) => refuse(
                "/message",
                "required",
                "Give either a message or a template.",
            ),
            (true, true) => refuse(
                "/data",
                "not_allowed",
                "`data` is allowed only with a template.",
            ),
            (true, false) => Vec::new(),
        };
    }
    let template = values.get("template").and_then(Value::as_str);
    if template.is_some_and(|template| ACCOUNT_EVENTS.contains(&template)) {
        let detail =
            "This template is reserved for account security events, which send it automatically.";
        return refuse("/template", "not_allowed", detail);
    }
    ["/subject", "/message"]
        .into_iter()
        .filter(|pointer| is_set(&pointer[1..]))
        .map(|pointer| {
            FieldError::new(
                pointer,
                "not_allowed",
                "Leave this field out; its value comes from the template.",
            )
        })
        .collect()
}

/// Retries a failed notification.
pub(crate) const RETRY: Action = Action::post("/v1/notifications/{id}/retry")
    .id("notifications.retry")
    .summary("Retry a failed notification")
    .granted("notifications", RETRY_VERB)
    .responds(ResponseSpec::resource(
        &NOTIFICATIONS,
        "The notification, queued for delivery again under its original delivery key.",
    ))
    .sql_for_grant(retry);

fn retry(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "select
  ",
    );
    sql.append(&projection::object(&NOTIFICATIONS, grant, Indent::One));
    sql.push(
        " as body,
  r.version::text as tag
from lms.retry_notification(($1->>'id')::uuid) as r",
    );
    sql
}
