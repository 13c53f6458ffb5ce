//! Statements of account: what was booked for a student or for a family in a period, as JSON, as a file, and as a
//! page to print.

mod content;
mod file;
mod page;

use domain::role;
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::{Representation, ResponseSchema, ResponseSpec};
use platform::http::problem::Problem;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

use crate::finance_records::{METHODS, REFERENCE, STATEMENT, TYPES};

const NAME: Kind = Kind::Text { min: 1, max: 200 };
const NUMBER: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

const TENANT: &[Field] = &[
    Field::new("id", Kind::Id, "The organisation.").required(),
    Field::new("name", NAME, "Its name.").required(),
];

const HOLDER: &[Field] = &[
    Field::new("user_id", Kind::Id, "The student's account, or the parent.").required(),
    Field::new(
        "name",
        NAME,
        "The name; null where the caller doesn't see the account.",
    )
    .nullable()
    .required(),
];

const STUDENT: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "name",
        NAME,
        "The student's name; null where the caller doesn't see the account.",
    )
    .nullable()
    .required(),
    Field::new("centre_id", Kind::Id, "The student's centre.").required(),
    Field::new("centre", NAME, "Its name.").required(),
];

const ENTRY: &[Field] = &[
    Field::new("finance_record_id", Kind::Id, "The finance record.").required(),
    Field::new("number", NUMBER, "Its number.").required(),
    Field::new("effective_on", Kind::Date, "The day on which it counts.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("centre", NAME, "Its name.").required(),
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "student",
        NAME,
        "The student's name; null where the caller doesn't see the account.",
    )
    .nullable()
    .required(),
    Field::new("type", TYPES, "What it is.").required(),
    Field::new("method", METHODS, "How it was paid.").required(),
    REFERENCE.required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "What was paid in counts up, what was paid out down, and a reversal the other way.",
    )
    .required(),
    Field::new("balance", Kind::SignedMoney, "The balance with it.").required(),
    Field::new(
        "reverses",
        NUMBER,
        "The number of the record that it takes back.",
    )
    .nullable()
    .required(),
    Field::new(
        "reversed_by",
        NUMBER,
        "The number of the record that takes it back.",
    )
    .nullable()
    .required(),
];

const ACCOUNT: &[Field] = &[
    Field::new("currency", Kind::Currency, "The currency.").required(),
    Field::new(
        "brought_forward",
        Kind::SignedMoney,
        "The balance before the first day.",
    )
    .required(),
    Field::new(
        "entries",
        Kind::Rows(ENTRY),
        "What was booked, by day and number; 10,000 entries at most.",
    )
    .required(),
    Field::new(
        "paid_in",
        Kind::SignedMoney,
        "The amounts above zero, added up.",
    )
    .required(),
    Field::new(
        "paid_out",
        Kind::SignedMoney,
        "The amounts below zero, added up, without their sign.",
    )
    .required(),
    Field::new(
        "carried_forward",
        Kind::SignedMoney,
        "The balance after the last day.",
    )
    .required(),
];

const CONTENT: &[Field] = &[
    Field::new("tenant", Kind::Object(TENANT), "Who states it.").required(),
    Field::new("holder", Kind::Object(HOLDER), "Whose account it is.").required(),
    Field::new(
        "students",
        Kind::Rows(STUDENT),
        "The students whom it is about, by name.",
    )
    .required(),
    Field::new("from", Kind::Date, "The first day.").required(),
    Field::new("to", Kind::Date, "The last day.").required(),
    Field::new("issued_at", Kind::Time, "As of when it is.").required(),
    Field::new("accounts", Kind::Rows(ACCOUNT), "One for each currency.").required(),
];

/// Shows what was booked for a student or for a family.
pub(crate) const SHOW: Action = Action::get("/v1/finance-records/statement")
    .id("finance-records.statement")
    .summary("Show a statement of account")
    .granted("finance-records", STATEMENT)
    .query(&[
        Field::new(
            "student_id",
            Kind::Id,
            "Of this student. A student's own when neither this nor user_id is given.",
        ),
        Field::new(
            "user_id",
            Kind::Id,
            "Of the children of this parent. A parent's own, also of one who is a \
            tutor, when neither this nor student_id is given.",
        ),
        Field::new(
            "from",
            Kind::Date,
            "The first day; that of the last one's month when it is left out.",
        ),
        Field::new("to", Kind::Date, "The last day; today when it is left out."),
    ])
    .responds(
        ResponseSpec::of(
            ResponseSchema::Representations(CONTENT, FORMS),
            "The statement; with Accept: text/csv a file of its entries, with Accept: \
            text/html a page that prints on A4. 404 when no such student or parent \
            is in the caller's reach, 422 when the period has too many entries.",
        )
        .problems(&[404, 422]),
    )
    .prepared_by(prepare)
    .sql(STATEMENT_SQL);

const FORMS: &[Representation] = &[
    Representation {
        media: "text/csv",
        headers: &[(
            "content-disposition",
            "attachment; filename=\"statement.csv\"",
        )],
        write: file::write,
    },
    Representation {
        media: "text/html",
        // The page is text and its own style, whatever anybody has put into a name or a reference.
        headers: &[(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )],
        write: page::write,
    },
];

/// The arguments, once it is clear whose statement is asked for, and of which days.
fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let given = |name: &str| context.query.get(name).and_then(Value::as_str);
    let has_own = context
        .caller
        .is_some_and(|caller| matches!(caller.role, role::STUDENT | role::PARENT | role::TUTOR));
    let mut errors = Vec::new();
    match (given("student_id"), given("user_id")) {
        (Some(_), Some(_)) => errors.push(FieldError::parameter(
            "user_id",
            "not_allowed",
            "Ask for a student or for a parent, not for both.",
        )),
        (None, None) if !has_own => errors.push(FieldError::parameter(
            "student_id",
            "required",
            "Say whose statement: student_id, or user_id of a parent.",
        )),
        _ => {}
    }
    // Dates in their normal form are in the order of their texts.
    if let (Some(from), Some(to)) = (given("from"), given("to"))
        && to < from
    {
        errors.push(FieldError::parameter(
            "to",
            "out_of_range",
            "The last day must not be before the first.",
        ));
    }
    if errors.is_empty() {
        Ok(context.arguments())
    } else {
        Err(Problem::malformed(errors))
    }
}

const STATEMENT_SQL: &str = "select
  lms.statement_of_account(
    ($1->>'student_id')::uuid,
    ($1->>'user_id')::uuid,
    ($1->>'from')::date,
    ($1->>'to')::date
  ) as body,
  null::text as tag";
