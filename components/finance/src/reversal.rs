//! Reversal: corrects a mistake in the ledger by a new record that is linked to the wrong one. The
//! records themselves are in [`crate::finance_records`].

use platform::auth::policy::Grant;
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::http::problem::Problem;
use platform::sql::statement::Sql;
use platform::values::random;
use serde_json::{Map, Value, json};

use crate::finance_records::{self, FINANCE_RECORDS, REFERENCE};

/// Reverses a record.
pub(crate) const REVERSE: Action = Action::post("/v1/finance-records/{id}/reverse")
    .id("finance-records.reverse")
    .summary("Reverse a finance record")
    .granted("finance-records", finance_records::REVERSE_VERB)
    .body(&[
        REFERENCE,
        Field::new(
            "effective_on",
            Kind::Date,
            "The day on which the reversal takes effect, not before that of the record. Defaults to today in the \
             centre's time zone, or to the record's day if that is later.",
        ),
    ])
    .responds(
        ResponseSpec::resource(
            &FINANCE_RECORDS,
            "The reversal: a finance record that repeats the original and counts negatively. A record can be reversed \
             only once, and a reversal cannot be reversed.",
        )
        .status(201),
    )
    .prepared_by(prepare)
    .sql_for_grant(reverse);

fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let mut arguments = context.arguments();
    arguments.insert("reversal_id".to_owned(), json!(random::id()));
    Ok(arguments)
}

fn reverse(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
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
    sql.append(&projection::object(&FINANCE_RECORDS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
