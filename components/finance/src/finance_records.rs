//! Finance records: the ledger of payments, salaries, expenses and reimbursements, which only
//! grows. The correction of a mistake is in [`crate::reversal`], and the double entry is in
//! [`crate::journal_entries`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use platform::values::money;
use serde_json::{Map, Value};

/// The types of finance records.
pub(crate) const TYPES: Kind = Kind::OneOf(&["payment", "salary", "expense", "reimbursement"]);
/// The methods of payment.
pub(crate) const METHODS: Kind = Kind::OneOf(&["card", "cash", "transfer"]);
/// The reference by which other systems know a record.
pub(crate) const REFERENCE: Field = Field::new(
    "reference",
    Kind::Text { min: 1, max: 200 },
    "An external reference, such as an invoice number.",
)
.nullable()
.on_create();

/// A finance record.
pub(crate) const FINANCE_RECORDS: Resource = Resource {
    name: "finance-records",
    table: "finance_records",
    singular: "finance record",
    plural: "finance records",
    description: "A record in the tenant's ledger: a payment, a salary, an expense or a reimbursement. Records never \
        change; a mistake is corrected by a reversal.",
    fields: &[
        Field::new(
            "number",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            "The number of the record in the tenant's ledger: 1, 2, 3 and so on, without gaps.",
        )
        .read_only()
        .sortable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .on_create()
            .filterable(),
        Field::new("type", TYPES, "The type of the record.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "student_id",
            Kind::Reference("students"),
            "The student. Required for a payment, optional for a reimbursement.",
        )
        .nullable()
        .on_create()
        .filterable(),
        Field::new(
            "tutor_id",
            Kind::Reference("tutors"),
            "The tutor. Required for a salary, optional for a reimbursement.",
        )
        .nullable()
        .on_create()
        .filterable(),
        Field::new(
            "amount",
            Kind::Money,
            "The amount, always positive: the type determines whether money came in or went out. A reversal repeats the \
             amount and counts negatively.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "currency",
            Kind::Currency,
            "The ISO 4217 currency code. Defaults to the centre's currency.",
        )
        .on_create()
        .filterable(),
        Field::new("method", METHODS, "The payment method.")
            .required()
            .on_create()
            .filterable(),
        REFERENCE,
        Field::new(
            "effective_on",
            Kind::Date,
            "The day on which the record takes effect. Defaults to today in the centre's time zone.",
        )
        .on_create()
        .sortable(),
        Field::new(
            "reverses_id",
            Kind::Id,
            "The finance record that this one reverses.",
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

/// Reverses a record.
pub(crate) const REVERSE_VERB: Verb = Verb::Action("reverse");
/// Lists the journal entries of a record.
pub(crate) const JOURNAL_ENTRIES_VERB: Verb = Verb::Action("journal-entries");
/// Gets a balance.
pub(crate) const BALANCE_VERB: Verb = Verb::Action("balance");
/// Compares totals, records and journal entries.
pub(crate) const RECONCILIATION_VERB: Verb = Verb::Action("reconciliation");
/// Gets a statement of account.
pub(crate) const STATEMENT_VERB: Verb = Verb::Action("statement");

const PAYER_VERBS: &[Verb] = &[BALANCE_VERB, STATEMENT_VERB];
const SUPERVISOR_VERBS: &[Verb] = &[
    JOURNAL_ENTRIES_VERB,
    BALANCE_VERB,
    RECONCILIATION_VERB,
    STATEMENT_VERB,
];
const FINANCE_VERBS: &[Verb] = &[
    Verb::Create,
    Verb::Import,
    REVERSE_VERB,
    JOURNAL_ENTRIES_VERB,
    BALANCE_VERB,
    RECONCILIATION_VERB,
    STATEMENT_VERB,
];

/// The grants on finance records.
pub(crate) const POLICY: Policy = Policy {
    resource: "finance-records",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).with_verbs(PAYER_VERBS),
        Grant::new(role::PARENT, verbs::READ).with_verbs(PAYER_VERBS),
        Grant::new(role::TUTOR, verbs::READ).with_verbs(PAYER_VERBS),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT).with_verbs(SUPERVISOR_VERBS),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).with_verbs(FINANCE_VERBS),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(FINANCE_VERBS),
    ],
};

fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let mut errors = parties(
        text("type").unwrap_or_default(),
        text("student_id").is_some(),
        text("tutor_id").is_some(),
    );
    // If no currency is given, the database takes the one of the centre and checks the digits
    // itself.
    let excess = text("amount")
        .zip(text("currency"))
        .and_then(|(amount, currency)| money::excess(amount, currency));
    if let Some(detail) = excess {
        errors.push(FieldError::new("/amount", "invalid_amount", detail));
    }
    errors
}

/// Returns the errors in the student and tutor of a record, which depend on its type.
fn parties(kind: &str, has_student: bool, has_tutor: bool) -> Vec<FieldError> {
    let required = |pointer, detail| FieldError::new(pointer, "required", detail);
    let refused = |pointer, detail| FieldError::new(pointer, "not_allowed", detail);
    let mut errors = Vec::new();
    match kind {
        "payment" => {
            if !has_student {
                errors.push(required("/student_id", "A payment must have a student."));
            }
            if has_tutor {
                errors.push(refused("/tutor_id", "A payment must not have a tutor."));
            }
        }
        "salary" => {
            if !has_tutor {
                errors.push(required("/tutor_id", "A salary must have a tutor."));
            }
            if has_student {
                errors.push(refused("/student_id", "A salary must not have a student."));
            }
        }
        "reimbursement" => {
            if has_student && has_tutor {
                errors.push(refused(
                    "/tutor_id",
                    "A reimbursement must not have both a student and a tutor.",
                ));
            }
        }
        _ => {
            if has_student {
                errors.push(refused(
                    "/student_id",
                    "An expense has neither a student nor a tutor.",
                ));
            }
            if has_tutor {
                errors.push(refused(
                    "/tutor_id",
                    "An expense has neither a student nor a tutor.",
                ));
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
