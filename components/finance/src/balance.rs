//! The balance: the totals of finance records by centre, student, tutor, type, currency and period.
//! The statement of one account is in [`crate::statement`].

use domain::role;
use platform::auth::policy::Grant;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::sql::statement::Sql;

use crate::finance_records::{BALANCE_VERB, TYPES};
use crate::totals::{CURRENCY, EXPENSES, RECORDS, REIMBURSEMENTS, SALARIES};

/// The totals of a currency.
pub(crate) const TOTALS: &[Field] = &[
    CURRENCY,
    Field::new("payments", Kind::SignedMoney, "The total of payments.").required(),
    SALARIES,
    EXPENSES,
    REIMBURSEMENTS,
    Field::new(
        "net",
        Kind::SignedMoney,
        "Payments minus salaries, expenses and reimbursements.",
    )
    .required(),
    RECORDS,
];

/// Gets a balance.
pub(crate) const GET: Action = Action::get("/v1/finance-records/balance")
    .id("finance-records.balance")
    .summary("Get a balance")
    .granted("finance-records", BALANCE_VERB)
    .query(&[
        Field::new(
            "centre_id",
            Kind::Id,
            "Only finance records of this centre.",
        ),
        Field::new(
            "student_id",
            Kind::Id,
            "Only finance records of this student.",
        ),
        Field::new("tutor_id", Kind::Id, "Only finance records of this tutor."),
        Field::new("type", TYPES, "Only finance records of this type."),
        Field::new("currency", Kind::Currency, "Only amounts in this currency."),
        Field::new("from", Kind::Date, "The first effective day to include."),
        Field::new("to", Kind::Date, "The last effective day to include."),
    ])
    .responds(ResponseSpec::fields(
        &[Field::new(
            "data",
            Kind::Rows(TOTALS),
            "The totals by currency. Reversals are subtracted.",
        )
        .required()],
        "The totals of the finance records in the caller's scope.",
    ))
    .sql_for_grant(balance);

/// Returns the statement that adds up the records. It reads the daily totals where the caller sees
/// all records of a centre, and the records themselves where one person's are asked for or the
/// caller sees only some of them.
fn balance(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "select
  json_build_object(
    'data', coalesce(
      json_agg(
        lms.finance_summary(b.currency, b.payments, b.salaries, b.expenses, b.reimbursements, b.records)
        order by b.currency
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from (
  select
    s.currency,
    sum(s.amount) filter (where s.type = 'payment') as payments,
    sum(s.amount) filter (where s.type = 'salary') as salaries,
    sum(s.amount) filter (where s.type = 'expense') as expenses,
    sum(s.amount) filter (where s.type = 'reimbursement') as reimbursements,
    sum(s.records) as records
  from (",
    );
    match grant.role {
        role::STUDENT | role::PARENT => {
            records(&mut sql, OF_OWN_STUDENTS);
        }
        role::TUTOR => {
            // A tutor sees the tutor's own salaries and the records of the tutor's own children.
            records(&mut sql, OF_OWN_TUTOR).push("\n    union all");
            records(&mut sql, OF_OWN_CHILDREN);
        }
        _ => {
            // Each branch uses an index of its own, and at most one of them has rows.
            records(&mut sql, OF_STUDENT).push("\n    union all");
            records(&mut sql, OF_TUTOR).push("\n    union all");
            totals(&mut sql, OF_CENTRE).push("\n    union all");
            totals(&mut sql, OF_ALL_CENTRES);
        }
    }
    sql.push(
        "
  ) as s
  where ((select $1->>'type') is null or s.type = (select $1->>'type'))
    and ((select $1->>'currency') is null or s.currency = (select $1->>'currency'))
  group by s.currency
) as b",
    );
    sql
}

// Each parameter is read in a subquery, so that it is evaluated once and not once for each row.

const OF_OWN_STUDENTS: &str = "r.student_id = any ((select lms.caller_students())::uuid[])
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))";
const OF_OWN_CHILDREN: &str = "r.student_id = any ((select lms.caller_family())::uuid[])
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))";
const OF_OWN_TUTOR: &str = "r.tutor_id = (select lms.caller_tutor())
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))";
const OF_STUDENT: &str = "r.student_id = (select ($1->>'student_id')::uuid)
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))";
const OF_TUTOR: &str = "r.tutor_id = (select ($1->>'tutor_id')::uuid)
      and (select $1->>'student_id') is null";
const OF_CENTRE: &str = "t.centre_id = (select ($1->>'centre_id')::uuid)";
const OF_ALL_CENTRES: &str = "(select $1->>'centre_id') is null";

/// Adds the records `r` of one person or of several.
fn records<'a>(sql: &'a mut Sql, of_somebody: &'static str) -> &'a mut Sql {
    sql.push(
        "
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where ",
    )
    .push(of_somebody)
    .push(
        "
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))",
    )
}

/// Adds the daily totals `t` of centres, where no person is asked for.
fn totals<'a>(sql: &'a mut Sql, of_centres: &'static str) -> &'a mut Sql {
    sql.push(
        "
    select
      t.currency,
      t.type,
      t.amount,
      t.records
    from lms.finance_totals as t
    where ",
    )
    .push(of_centres)
    .push(
        "
      and (select $1->>'student_id') is null
      and (select $1->>'tutor_id') is null
      and t.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and t.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))",
    )
}
