//! Notification templates: a tenant's own texts for notifications. The database checks their
//! placeholders, and renders them when a notification is created.

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// The channels by which a user is notified.
pub(crate) const TYPES: &[&str] = &["email", "sms", "push"];

/// The events that cause notifications. The database knows the placeholders of each.
pub(crate) const EVENTS: &[&str] = &[
    "announcement",
    "class_students_changed",
    "email_change",
    "email_change_asked",
    "email_changed",
    "lesson_added",
    "lesson_cancelled",
    "lesson_changed",
    "lesson_moved",
    "lessons_added",
    "lessons_cancelled",
    "lessons_changed",
    "lessons_moved",
    "loan_made",
    "loan_overdue",
    "low_stock",
    "password_reset",
    "request_assigned",
    "request_escalated",
    "request_resolved",
    "webhook_disabled",
];

/// A template.
pub(crate) const NOTIFICATION_TEMPLATES: Resource = Resource {
    name: "notification-templates",
    table: "notification_templates",
    singular: "notification template",
    plural: "notification templates",
    description: "The tenant's own text for an event. Placeholders are written in double braces, such as {{name}}. Text \
        between {{#room}} and {{/room}} is included only if there is a room, and text between {{^room}} and {{/room}} \
        only if there is none. If a language has no template, the service's default text is used.",
    fields: &[
        Field::new(
            "key",
            Kind::OneOf(EVENTS),
            "The event for which the template is used.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "type",
            Kind::OneOf(TYPES),
            "The channel by which the notification is sent.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "language",
            Kind::Language,
            "The language tag. A general tag such as `pt` also serves users who prefer `pt-BR`.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "subject",
            Kind::Text { min: 1, max: 300 },
            "The subject. Defaults to the service's default subject.",
        )
        .nullable(),
        Field::new(
            "message",
            Kind::Multiline { min: 1, max: 5000 },
            "The text of the message.",
        )
        .required(),
    ],
    owner: None,
    validate: None,
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// The grants on templates.
pub(crate) const POLICY: Policy = Policy {
    resource: "notification-templates",
    grants: &[
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::SUPPORT, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, NOTIFICATION_TEMPLATES.verbs),
    ],
};
