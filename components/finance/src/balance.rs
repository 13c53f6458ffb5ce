//! Balance: what finance records come to, by centre, student, tutor, type, currency and period.

use http::Method;
use platform::action::{Action, Answers, Run, Shape};
use platform::field::{Field, Kind};
use platform::policy::{Access, Grant};
use platform::role::Role;
use platform::sql::{Sql, Statement};

use crate::finance_records::{BALANCE, TYPES};

/// The figures of a currency.
pub(crate) const FIGURES: &[Field] = &[
    Field::new("currency", Kind::Currency, "The currency.").required(),
    Field::new("payments", Kind::SignedMoney, "What came in.").required(),
    Field::new("salaries", Kind::SignedMoney, "What tutors were paid.").required(),
    Field::new("expenses", Kind::SignedMoney, "What was spent.").required(),
    Field::new("reimbursements", Kind::SignedMoney, "What was paid back.").required(),
    Field::new(
        "net",
        Kind::SignedMoney,
        "Payments less salaries, expenses and reimbursements.",
    )
    .required(),
    Field::new(
        "records",
        Kind::Integer {
            min: 0,
            max: i64::MAX,
        },
        "How many records there are; reversals are records too.",
    )
    .required(),
];

/// Sums records up.
pub(crate) const SHOW: Action = Action {
    method: Method::GET,
    path: "/v1/finance-records/balance",
    segments: &[],
    operation: "finance-records.balance",
    summary: "Show what finance records come to",
    access: Access::Granted {
        resource: "finance-records",
        verb: BALANCE,
    },
    body: None,
    query: &[
        Field::new("centre_id", Kind::Id, "Only of this centre."),
        Field::new("student_id", Kind::Id, "Only of this student."),
        Field::new("tutor_id", Kind::Id, "Only of this tutor."),
        Field::new("type", TYPES, "Only of this type."),
        Field::new("currency", Kind::Currency, "Only in this currency."),
        Field::new("from", Kind::Date, "The first day that counts."),
        Field::new("to", Kind::Date, "The last day that counts."),
    ],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[Field::new(
            "data",
            Kind::Rows(FIGURES),
            "The figures of each currency; a reversal is taken off.",
        )
        .required()])),
        description: "The sums of the records in the caller's reach.",
    },
    run: Run::View(balance),
};

/// The sums come from the totals of days where a caller sees all records of a centre, and from the records
/// themselves where one person's are asked for, or are all that the caller sees.
fn balance(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- finance-records.balance
select
  json_build_object(
    'data', coalesce(
      json_agg(
        lms.finance_figures(b.currency, b.payments, b.salaries, b.expenses, b.reimbursements, b.records)
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
        Role::Student | Role::Parent => records(
            &mut sql,
            "r.student_id = any ((select lms.caller_students())::uuid[])
      and ($1->>'student_id' is null or r.student_id = ($1->>'student_id')::uuid)
      and ($1->>'tutor_id' is null or r.tutor_id = ($1->>'tutor_id')::uuid)",
        ),
        Role::Tutor => records(
            &mut sql,
            "r.tutor_id = (select lms.caller_tutor())
      and ($1->>'student_id' is null or r.student_id = ($1->>'student_id')::uuid)
      and ($1->>'tutor_id' is null or r.tutor_id = ($1->>'tutor_id')::uuid)",
        ),
        _ => all(&mut sql),
    }
    sql.push(
        "
  ) as s
  where ($1->>'type' is null or s.type = $1->>'type')
    and ($1->>'currency' is null or s.currency = $1->>'currency')
  group by s.currency
) as b",
    );
    sql.prepared("finance-records.balance")
}

/// Each branch is entered by an index of its own, and at most one of them has rows.
fn all(sql: &mut Sql) {
    records(
        sql,
        "r.student_id = ($1->>'student_id')::uuid
      and ($1->>'tutor_id' is null or r.tutor_id = ($1->>'tutor_id')::uuid)",
    );
    sql.push("\n    union all");
    records(
        sql,
        "r.tutor_id = ($1->>'tutor_id')::uuid
      and $1->>'student_id' is null",
    );
    sql.push("\n    union all");
    totals(sql, "t.centre_id = ($1->>'centre_id')::uuid");
    sql.push("\n    union all");
    totals(sql, "$1->>'centre_id' is null");
}

fn records(sql: &mut Sql, of_person: &'static str) {
    sql.push(
        "
    select
      r.currency,
      r.type,
      lms_private.book_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where ",
    );
    sql.push(of_person).push(
        "
      and r.deleted_at is null
      and ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
      and r.effective_on between coalesce(($1->>'from')::date, '-infinity') and coalesce(($1->>'to')::date, 'infinity')",
    );
}

fn totals(sql: &mut Sql, of_centre: &'static str) {
    sql.push(
        "
    select
      t.currency,
      t.type,
      t.amount,
      t.records
    from lms.finance_totals as t
    where ",
    );
    sql.push(of_centre).push(
        "
      and $1->>'student_id' is null
      and $1->>'tutor_id' is null
      and t.effective_on between coalesce(($1->>'from')::date, '-infinity') and coalesce(($1->>'to')::date, 'infinity')",
    );
}
