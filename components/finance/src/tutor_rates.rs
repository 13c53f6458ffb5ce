//! Tutor rates: the pay of a tutor for an hour or a lesson, and its first day. The earnings are
//! computed in [`crate::payroll_runs`].

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// The unit that is paid: an hour or a lesson.
pub(crate) const UNIT: Field = Field::new(
    "unit",
    Kind::OneOf(&["hour", "lesson"]),
    "The unit that the amount pays for: an hour of lessons, counted to the minute, or a lesson of any length.",
);

/// A tutor rate.
pub(crate) const TUTOR_RATES: Resource = Resource {
    name: "tutor-rates",
    table: "tutor_rates",
    singular: "tutor rate",
    plural: "tutor rates",
    description: "What a tutor earns. A rate applies from its first day until the day before the next rate of the same tutor.",
    fields: &[
        Field::new("tutor_id", Kind::Reference("tutors"), "The tutor.")
            .required()
            .on_create()
            .filterable(),
        UNIT.required().filterable(),
        Field::new(
            "amount",
            Kind::SignedMoney,
            "The amount per unit. Zero for a tutor who is not paid.",
        )
        .required(),
        Field::new(
            "currency",
            Kind::Currency,
            "The ISO 4217 currency code. Defaults to the currency of the tutor's centre.",
        )
        .filterable(),
        Field::new(
            "effective_from",
            Kind::Date,
            "The first day on which the rate applies, in the time zone of the centre where the lesson takes place.",
        )
        .required()
        .sortable(),
    ],
    owner: None,
    validate: Some(validate),
    verbs: verbs::PLAIN,
    requires_match: true,
    requires_key: true,
};

/// The grants on tutor rates.
pub(crate) const POLICY: Policy = Policy {
    resource: "tutor-rates",
    grants: &[
        Grant::new(role::TUTOR, verbs::READ),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::FINANCE, verbs::PLAIN),
        Grant::new(role::ADMIN, verbs::PLAIN),
    ],
};

/// Checks a rate. The database checks the number of digits, because it knows the currency of the
/// tutor's centre.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let is_negative = values
        .get("amount")
        .and_then(Value::as_str)
        .is_some_and(|amount| amount.starts_with('-'));
    if is_negative {
        let detail = "Must be zero or greater.";
        vec![FieldError::new("/amount", "out_of_range", detail)]
    } else {
        Vec::new()
    }
}
