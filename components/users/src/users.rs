//! Users: the accounts of all roles. Creating an account is in [`crate::accounts`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// The accessibility needs of a person.
const ACCESSIBILITY: &[Field] = &[
    Field::new(
        "screen_reader",
        Kind::Boolean,
        "Whether the user uses a screen reader.",
    ),
    Field::new(
        "high_contrast",
        Kind::Boolean,
        "Whether the user needs high contrast.",
    ),
    Field::new(
        "large_text",
        Kind::Boolean,
        "Whether the user needs large text.",
    ),
    Field::new(
        "reduced_motion",
        Kind::Boolean,
        "Whether the user needs reduced motion.",
    ),
];

/// An account.
pub(crate) const USERS: Resource = Resource {
    name: "users",
    table: "users",
    singular: "user",
    plural: "users",
    description: "The account of a student, a parent, a tutor or a staff member.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 200 }, "The full name.")
            .required()
            .sortable(),
        Field::new(
            "email",
            Kind::Email,
            "The e-mail address, unique within the tenant. A change by an admin to another user's address takes effect \
             at once. Any other change is kept as `pending_email` until it is confirmed from the new address. When a \
             change takes effect, the former address is notified and all sessions end. Setting the present address \
             again discards a pending change. A supervisor cannot change the address of a person who also belongs to \
             other centres; this is checked both when the change is requested and when it is confirmed.",
        )
        .required()
        .sortable(),
        Field::new("phone", Kind::Phone, "The telephone number.")
            .nullable()
            .filterable(),
        Field::new("role", Kind::OneOf(&role::NAMES), "The role of the user.")
            .required()
            .filterable(),
        Field::new(
            "centre_id",
            Kind::Reference("centres"),
            "The centre to which the user belongs.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "language_preferences",
            Kind::Languages,
            "The language tags, in order of preference.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "accessibility_settings",
            Kind::Object(ACCESSIBILITY),
            "The user's accessibility needs.",
        )
        .default("'{}'::jsonb"),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether the user can sign in. It changes with the activate and deactivate operations.",
        )
        .read_only()
        .filterable(),
        Field::new(
            "pending_email",
            Kind::Email,
            "The new e-mail address that has been requested but not yet confirmed with `POST /v1/auth/email/confirm`.",
        )
        .nullable()
        .computed(),
    ],
    owner: Some("id"),
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Update,
        Verb::Delete,
        Verb::Restore,
        Verb::Import,
        Verb::Export,
    ],
    validate: Some(validate),
    requires_match: false,
    requires_key: false,
};

/// Clears the pending address when a new one is given. The database then keeps the new address as
/// pending, unless it is the present one.
fn validate(values: &mut Map<String, Value>, mode: WriteMode) -> Vec<FieldError> {
    if mode == WriteMode::Update && values.contains_key("email") {
        values.insert("pending_email".to_owned(), Value::Null);
    }
    Vec::new()
}

/// Creates an account with its profile.
pub(crate) const CREATE_VERB: Verb = Verb::Create;
/// Deactivates an account.
pub(crate) const DEACTIVATE_VERB: Verb = Verb::Action("deactivate");
/// Activates an account.
pub(crate) const ACTIVATE_VERB: Verb = Verb::Action("activate");

/// The fields that users may change in their own accounts.
const OWN_FIELDS: &[&str] = &[
    "name",
    "phone",
    "language_preferences",
    "accessibility_settings",
];
/// The fields of other accounts that are needed to reach their users.
const CONTACT_FIELDS: &[&str] = &[
    "name",
    "email",
    "phone",
    "role",
    "centre_id",
    "status",
    "created_at",
];
const BASIC_FIELDS: &[&str] = &["name", "role"];
/// The fields that a supervisor sets: all but the role of an existing account.
const SUPERVISOR_FIELDS: &[&str] = &[
    "name",
    "email",
    "phone",
    "centre_id",
    "language_preferences",
    "accessibility_settings",
];

/// The caller, and the accounts of the caller's own students, as a condition for which the index of
/// the primary key is used.
const OWN_STUDENTS: &str = "r.id = any ((select lms.caller_student_users() || current_setting('app.user_id')::uuid)::uuid[])";

/// The grants on users.
pub(crate) const POLICY: Policy = Policy {
    resource: "users",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ_UPDATE).writing(OWN_FIELDS),
        Grant::new(role::PARENT, verbs::READ).index_condition(OWN_STUDENTS),
        Grant::new(role::TUTOR, verbs::READ_UPDATE)
            .shared_fields(BASIC_FIELDS)
            .writing(OWN_FIELDS)
            .index_condition(OWN_STUDENTS),
        Grant::new(role::ASSESSOR, verbs::READ),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT)
            .with_verbs(&[Verb::Update, Verb::Delete, Verb::Restore])
            .writing(SUPERVISOR_FIELDS),
        Grant::new(
            role::SUPERVISOR,
            &[CREATE_VERB, DEACTIVATE_VERB, ACTIVATE_VERB],
        ),
        Grant::new(role::SUPPORT, verbs::READ)
            .with_verbs(&[DEACTIVATE_VERB, ACTIVATE_VERB])
            .reading(CONTACT_FIELDS),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(&[
            CREATE_VERB,
            Verb::Update,
            Verb::Delete,
            Verb::Restore,
            Verb::Import,
            DEACTIVATE_VERB,
            ACTIVATE_VERB,
        ]),
    ],
};
