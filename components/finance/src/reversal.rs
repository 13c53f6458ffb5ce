//! Reversal: a mistake in the book is taken back by a record that is linked to it.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Call, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::statements::projection::{self, Depth};
use platform::http::problem::Problem;
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, Value, json};

use crate::finance_records::{self, FINANCE_RECORDS, REFERENCE};

/// Takes a record back.
pub(crate) const REVERSE: Action = Action {
    method: Method::POST,
    path: "/v1/finance-records/{id}/reverse",
    segments: &[],
    operation: "finance-records.reverse",
    summary: "Reverse a finance record",
    access: Access::Granted {
        resource: "finance-records",
        verb: finance_records::REVERSE,
    },
    body: Some(&[
        REFERENCE,
        Field::new(
            "effective_on",
            Kind::Date,
            "The day it counts for, not before that of the record; by default today in the centre's zone, or \
                the record's day if that is later.",
        ),
    ]),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(Shape::Resource(&FINANCE_RECORDS)),
        description: "The reversal: a record that repeats the other and counts negatively. A record is reversed at \
            most once, and a reversal not at all.",
        problems: &[],
    },
    run: Run::Prepared(prepare, reverse),
};

fn prepare(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let mut arguments = call.arguments();
    arguments.insert("reversal_id".to_owned(), json!(random::id()));
    Ok(arguments)
}

fn reverse(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- finance-records.reverse
with r as (
  insert into lms.finance_records as r (
    id, centre_id, student_id, tutor_id, amount, currency, type, method, reference, effective_on, reverses_id
  )
  select
    ($1->>'reversal_id')::uuid,
    o.centre_id,
    o.student_id,
    o.tutor_id,
    o.amount,
    o.currency,
    o.type,
    o.method,
    $1->'input'->>'reference',
    coalesce(
      ($1->'input'->>'effective_on')::date,
      greatest(o.effective_on, lms.today_in(c.time_zone))
    ),
    o.id
  from lms.finance_records as o
  join lms.centres as c
    on c.id = o.centre_id
  where o.id = ($1->>'id')::uuid
    and o.deleted_at is null",
    );
    projection::returning(&mut sql, &FINANCE_RECORDS);
    sql.push("select\n  ");
    sql.append(&projection::object(&FINANCE_RECORDS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared("finance-records.reverse")
}
