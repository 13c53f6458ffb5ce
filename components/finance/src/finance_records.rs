//! Finance records: the book of payments, salaries, expenses and reimbursements (document 4, section 3.7). It is
//! added to and never changed; a mistake is reversed.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use platform::values::money;
use serde_json::{Map, Value};

/// What money is paid for.
pub(crate) const TYPES: Kind = Kind::OneOf(&["payment", "salary", "expense", "reimbursement"]);
/// How money is paid.
pub(crate) const METHODS: Kind = Kind::OneOf(&["card", "cash", "transfer"]);
/// What a record is known by elsewhere.
pub(crate) const REFERENCE: Field = Field::new(
    "reference",
    Kind::Text { min: 1, max: 200 },
    "What it is known by elsewhere, such as the number of an invoice.",
)
.nullable()
.on_create();

/// A finance record.
pub(crate) const FINANCE_RECORDS: Resource = Resource {
    name: "finance-records",
    table: "finance_records",
    singular: "finance record",
    description: "The book: payments, salaries, expenses and reimbursements. A record is never changed; a mistake is \
        reversed by another record.",
    fields: &[
        Field::new(
            "number",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            "Its number in the tenant's book: 1, 2, 3 and so on, without gaps.",
        )
        .read_only()
        .sortable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .on_create()
            .filterable(),
        Field::new("type", TYPES, "What it is.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "student_id",
            Kind::Reference("students"),
            "The student: of a payment always, of a reimbursement perhaps.",
        )
        .nullable()
        .on_create()
        .filterable(),
        Field::new(
            "tutor_id",
            Kind::Reference("tutors"),
            "The tutor: of a salary always, of a reimbursement perhaps.",
        )
        .nullable()
        .on_create()
        .filterable(),
        Field::new(
            "amount",
            Kind::Money,
            "How much; whether in or out says the type. A reversal repeats it, and counts negatively.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "currency",
            Kind::Currency,
            "The currency, ISO 4217; the centre's by default.",
        )
        .on_create()
        .filterable(),
        Field::new("method", METHODS, "How it was paid.")
            .required()
            .on_create()
            .filterable(),
        REFERENCE,
        Field::new(
            "effective_on",
            Kind::Date,
            "The day it counts for; today in the centre's zone by default.",
        )
        .on_create()
        .sortable(),
        Field::new(
            "reverses_id",
            Kind::Id,
            "The record that this one takes back.",
        )
        .read_only()
        .nullable()
        .filterable(),
    ],
    owner: None,
    validate: Some(validate),
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Create,
        Verb::Import,
        Verb::Export,
    ],
    requires_match: true,
    requires_key: true,
};

/// Takes a record back.
pub(crate) const REVERSE: Verb = Verb::Action("reverse");
/// Shows a record's lines.
pub(crate) const LINES: Verb = Verb::Action("lines");
/// Sums records up.
pub(crate) const BALANCE: Verb = Verb::Action("balance");
/// Proves the totals.
pub(crate) const RECONCILE: Verb = Verb::Action("reconciliation");
/// Shows a statement of account.
pub(crate) const STATEMENT: Verb = Verb::Action("statement");

const PAY: &[Verb] = &[BALANCE, STATEMENT];
const OVERSEE: &[Verb] = &[LINES, BALANCE, RECONCILE, STATEMENT];
const KEEP: &[Verb] = &[
    Verb::Create,
    Verb::Import,
    REVERSE,
    LINES,
    BALANCE,
    RECONCILE,
    STATEMENT,
];

/// Who may do what to finance records.
pub(crate) const POLICY: Policy = Policy {
    resource: "finance-records",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).and(PAY),
        Grant::new(role::PARENT, verbs::READ).and(PAY),
        Grant::new(role::TUTOR, verbs::READ).and(PAY),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT).and(OVERSEE),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).and(KEEP),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).and(KEEP),
    ],
};

fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let mut errors = parties(
        text("type").unwrap_or_default(),
        text("student_id").is_some(),
        text("tutor_id").is_some(),
    );
    // Where no currency is named the database knows the centre's.
    let excess = text("amount")
        .zip(text("currency"))
        .and_then(|(amount, currency)| money::excess(amount, currency));
    if let Some(detail) = excess {
        errors.push(FieldError::new("/amount", "invalid_amount", detail));
    }
    errors
}

/// What is wrong with whom a record is of.
fn parties(kind: &str, has_student: bool, has_tutor: bool) -> Vec<FieldError> {
    let required = |pointer, detail| FieldError::new(pointer, "required", detail);
    let refused = |pointer, detail| FieldError::new(pointer, "not_allowed", detail);
    let mut errors = Vec::new();
    match kind {
        "payment" => {
            if !has_student {
                errors.push(required("/student_id", "A payment is a student's."));
            }
            if has_tutor {
                errors.push(refused(
                    "/tutor_id",
                    "A payment is a student's, not a tutor's.",
                ));
            }
        }
        "salary" => {
            if !has_tutor {
                errors.push(required("/tutor_id", "A salary is a tutor's."));
            }
            if has_student {
                errors.push(refused(
                    "/student_id",
                    "A salary is a tutor's, not a student's.",
                ));
            }
        }
        "reimbursement" => {
            if has_student && has_tutor {
                errors.push(refused(
                    "/tutor_id",
                    "A reimbursement is a student's, a tutor's or nobody's.",
                ));
            }
        }
        _ => {
            if has_student {
                errors.push(refused("/student_id", "An expense is nobody's."));
            }
            if has_tutor {
                errors.push(refused("/tutor_id", "An expense is nobody's."));
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_parties() {
        for (kind, has_student, has_tutor, expected) in [
            ("payment", true, false, vec![]),
            ("payment", false, true, vec!["/student_id", "/tutor_id"]),
            ("salary", false, true, vec![]),
            ("salary", true, false, vec!["/tutor_id", "/student_id"]),
            ("expense", false, false, vec![]),
            ("expense", true, true, vec!["/student_id", "/tutor_id"]),
            ("reimbursement", false, false, vec![]),
            ("reimbursement", true, false, vec![]),
            ("reimbursement", false, true, vec![]),
            ("reimbursement", true, true, vec!["/tutor_id"]),
        ] {
            let errors = parties(kind, has_student, has_tutor);
            let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{kind} {has_student} {has_tutor}");
        }
    }
}
