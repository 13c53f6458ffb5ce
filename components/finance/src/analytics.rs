//! The analytics of each centre's money by month, read from a materialized view as of its last
//! refresh. Current totals are in [`crate::balance`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::page;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::cursor::{self, SortKey};
use platform::http::problem::Problem;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value, json};

use crate::totals::{CURRENCY, EXPENSES, RECORDS, REIMBURSEMENTS, SALARIES};

const CENTRE_FINANCIALS_VERB: Verb = Verb::Action("centre-financials");

/// The grants on the analytics.
pub(crate) const POLICY: Policy = Policy {
    resource: "analytics",
    grants: &[
        Grant::new(role::SUPERVISOR, &[CENTRE_FINANCIALS_VERB]),
        Grant::new(role::FINANCE, &[CENTRE_FINANCIALS_VERB]),
        Grant::new(role::ADMIN, &[CENTRE_FINANCIALS_VERB]),
    ],
};

const CURSOR: Kind = Kind::Text { min: 1, max: 1000 };

/// The order of the list, which a cursor names.
const SORT: &str = "centre_id,month,currency";

/// The sort keys of the list, which a cursor holds.
static KEYS: [Field; 3] = [CENTRE, MONTH, CURRENCY];

const CENTRE: Field = Field::new("centre_id", Kind::Id, "The centre.").required();
const MONTH: Field = Field::new("month", Kind::Date, "The first day of the month.").required();

/// The totals of a centre, a month and a currency.
const FINANCIALS: &[Field] = &[
    CENTRE,
    MONTH,
    CURRENCY,
    Field::new(
        "income",
        Kind::SignedMoney,
        "The total of payments by students.",
    )
    .required(),
    SALARIES,
    EXPENSES,
    REIMBURSEMENTS,
    Field::new(
        "net",
        Kind::SignedMoney,
        "Income minus salaries, expenses and reimbursements.",
    )
    .required(),
    RECORDS,
];

/// Lists the totals of centres by month.
pub(crate) const CENTRES: Action = Action::get("/v1/analytics/centre-financials")
    .id("analytics.centre-financials")
    .summary("List monthly financials of centres")
    .granted("analytics", CENTRE_FINANCIALS_VERB)
    .query(&[
        Field::new("centre_id", Kind::Id, "Only totals of this centre."),
        Field::new("currency", Kind::Currency, "Only amounts in this currency."),
        Field::new(
            "from",
            Kind::Date,
            "Only months that begin on or after this day.",
        ),
        Field::new(
            "to",
            Kind::Date,
            "Only months that begin on or before this day.",
        ),
        page::cursor(CURSOR),
        page::LIMIT,
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(FINANCIALS),
                "The totals by centre, month and currency. Reversals are subtracted.",
            )
            .required(),
            page::next_cursor(CURSOR),
            Field::new(
                "refreshed_at",
                Kind::Time,
                "The time at which the figures were last refreshed. Null if there are none.",
            )
            .nullable()
            .required(),
        ],
        "The monthly totals of the centres in the caller's scope.",
    ))
    .prepared_by(prepare)
    .sql(CENTRE_FINANCIALS_SQL);

fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let mut arguments = context.arguments();
    if let Some(text) = context.query.get("cursor").and_then(Value::as_str) {
        let keys = KEYS.each_ref().map(|field| SortKey {
            field,
            descending: false,
        });
        let after = cursor::decode(text, SORT, &keys).ok_or_else(|| {
            Problem::malformed(vec![FieldError::parameter(
                "cursor",
                "invalid_cursor",
                "The cursor does not belong to this list. Start again without a cursor.",
            )])
        })?;
        arguments.insert("after".to_owned(), after);
    }
    arguments.insert("sort".to_owned(), json!(SORT));
    Ok(arguments)
}

const CENTRE_FINANCIALS_SQL: &str = "select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.position) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.cursor) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over keys as position,
    lead(r.centre_id) over keys is not null as has_more,
    lms.cursor($1->>'sort', json_build_array(r.centre_id, r.month, r.currency)) as cursor,
    json_build_object(
      'centre_id', r.centre_id,
      'month', r.month,
      'currency', r.currency,
      'income', lms.money(r.income, r.currency),
      'salaries', lms.money(r.salaries, r.currency),
      'expenses', lms.money(r.expenses, r.currency),
      'reimbursements', lms.money(r.reimbursements, r.currency),
      'net', lms.money(r.net, r.currency),
      'records', r.records
    ) as item
  from lms.centre_financials(($1->>'centre_id')::uuid) as r
  where ($1->>'currency' is null or r.currency = $1->>'currency')
    and ($1->>'from' is null or r.month >= ($1->>'from')::date)
    and ($1->>'to' is null or r.month <= ($1->>'to')::date)
    and (
      $1->'after' is null
      or (r.centre_id, r.month, r.currency)
        > (($1->'after'->>0)::uuid, ($1->'after'->>1)::date, $1->'after'->>2)
    )
  window keys as (order by r.centre_id, r.month, r.currency)
  order by r.centre_id, r.month, r.currency
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page";
