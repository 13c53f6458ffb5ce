//! Statements of account: the records of a student or a family in a period, as JSON, as CSV and as
//! a page to print. Totals without the single records are in [`crate::balance`].

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

use crate::finance_records::{METHODS, REFERENCE, STATEMENT_VERB, TYPES};

const NAME: Kind = Kind::Text { min: 1, max: 200 };
const NUMBER: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

const TENANT: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier of the organisation.").required(),
    Field::new("name", NAME, "The name of the organisation.").required(),
];

const HOLDER: &[Field] = &[
    Field::new("user_id", Kind::Id, "The account of the student or parent.").required(),
    Field::new(
        "name",
        NAME,
        "The name. Null if the account is not visible to the caller.",
    )
    .nullable()
    .required(),
];

const STUDENT: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "name",
        NAME,
        "The student's name. Null if the account is not visible to the caller.",
    )
    .nullable()
    .required(),
    Field::new("centre_id", Kind::Id, "The student's centre.").required(),
    Field::new("centre", NAME, "The name of the centre.").required(),
];

const ENTRY: &[Field] = &[
    Field::new("finance_record_id", Kind::Id, "The finance record.").required(),
    Field::new("number", NUMBER, "The number of the finance record.").required(),
    Field::new(
        "effective_on",
        Kind::Date,
        "The day on which the finance record takes effect.",
    )
    .required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("centre", NAME, "The name of the centre.").required(),
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "student",
        NAME,
        "The student's name. Null if the account is not visible to the caller.",
    )
    .nullable()
    .required(),
    Field::new("type", TYPES, "The type of the record.").required(),
    Field::new("method", METHODS, "The payment method.").required(),
    REFERENCE.required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "The amount: positive if paid in, negative if paid out, and the opposite for a reversal.",
    )
    .required(),
    Field::new(
        "balance",
        Kind::SignedMoney,
        "The balance after this entry.",
    )
    .required(),
    Field::new(
        "reverses",
        NUMBER,
        "The number of the record that this one reverses.",
    )
    .nullable()
    .required(),
    Field::new(
        "reversed_by",
        NUMBER,
        "The number of the record that reverses this one.",
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
        "The entries, ordered by day and number; at most 10,000.",
    )
    .required(),
    Field::new(
        "paid_in",
        Kind::SignedMoney,
        "The total of the positive amounts.",
    )
    .required(),
    Field::new(
        "paid_out",
        Kind::SignedMoney,
        "The total of the negative amounts, without sign.",
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
    Field::new(
        "tenant",
        Kind::Object(TENANT),
        "The organisation that issues the statement.",
    )
    .required(),
    Field::new("holder", Kind::Object(HOLDER), "The holder of the account.").required(),
    Field::new(
        "students",
        Kind::Rows(STUDENT),
        "The students covered by the statement, ordered by name.",
    )
    .required(),
    Field::new("from", Kind::Date, "The first day of the period.").required(),
    Field::new("to", Kind::Date, "The last day of the period.").required(),
    Field::new(
        "issued_at",
        Kind::Time,
        "The time at which the statement was issued.",
    )
    .required(),
    Field::new(
        "accounts",
        Kind::Rows(ACCOUNT),
        "The accounts, one per currency.",
    )
    .required(),
];

/// Gets a statement of account.
pub(crate) const GET: Action = Action::get("/v1/finance-records/statement")
    .id("finance-records.statement")
    .summary("Get a statement of account")
    .granted("finance-records", STATEMENT_VERB)
    .query(&[
        Field::new(
            "student_id",
            Kind::Id,
            "The student whose statement is requested. A student who gives neither `student_id` nor `user_id` gets \
             their own statement.",
        ),
        Field::new(
            "user_id",
            Kind::Id,
            "The parent for whose children the statement is requested. A parent, including a tutor who is a parent, who \
             gives neither `user_id` nor `student_id` gets the statement of their own children.",
        ),
        Field::new(
            "from",
            Kind::Date,
            "The first day of the period. Defaults to the first day of the month of the last day.",
        ),
        Field::new("to", Kind::Date, "The last day of the period. Defaults to today."),
    ])
    .responds(
        ResponseSpec::of(
            ResponseSchema::Representations(CONTENT, FORMS),
            "The statement. With `Accept: text/csv`, a file of its entries; with `Accept: text/html`, a page that \
             prints on A4. Answered with 404 if no such student or parent is in the caller's scope, and with 422 if the \
             period has too many entries.",
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
        // The page is text with its own style, so it may run no script, whatever a name or a
        // reference contains.
        headers: &[(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )],
        write: page::write,
    },
];

/// Returns the arguments of the statement, once the account and the period are known.
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
            "Give either `student_id` or `user_id`, not both.",
        )),
        (None, None) if !has_own => errors.push(FieldError::parameter(
            "student_id",
            "required",
            "Give either `student_id`, or the `user_id` of a parent.",
        )),
        _ => {}
    }
    // Dates in their normal form sort as texts.
    if let (Some(from), Some(to)) = (given("from"), given("to"))
        && to < from
    {
        errors.push(FieldError::parameter(
            "to",
            "out_of_range",
            "The last day must not be before the first day.",
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
