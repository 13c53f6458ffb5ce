//! Notification templates: a tenant's own words for what notifications are about. The database checks their placeholders.

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// The ways by which a user is reached.
pub(crate) const TYPES: &[&str] = &["email", "sms", "push"];

/// What a notification can be about; the database knows the placeholders of each.
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
    description: "The tenant's own words for an event. Placeholders stand in double braces, such as {{name}}; what stands \
                  between {{#room}} and {{/room}} is there only when there is a room, and between {{^room}} and {{/room}} only \
                  when there is none. Where there is no template for a language, the words that come with the service stand in.",
    fields: &[
        Field::new("key", Kind::OneOf(EVENTS), "The event.")
            .required()
            .on_create()
            .filterable(),
        Field::new("type", Kind::OneOf(TYPES), "How it is sent.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "language",
            Kind::Language,
            "The language; pt also serves those who prefer pt-BR.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "subject",
            Kind::Text { min: 1, max: 300 },
            "The subject; without it, the one that comes with the service.",
        )
        .nullable(),
        Field::new(
            "message",
            Kind::Multiline { min: 1, max: 5000 },
            "The text.",
        )
        .required(),
    ],
    owner: None,
    validate: None,
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// Who may do what to templates.
pub(crate) const POLICY: Policy = Policy {
    resource: "notification-templates",
    grants: &[
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::SUPPORT, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, NOTIFICATION_TEMPLATES.verbs),
    ],
};
