//! Lines: the double entry that stands beneath each finance record.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use crate::finance_records::LINES;

/// The chart of accounts.
const ACCOUNTS: Kind = Kind::OneOf(&[
    "card_clearing",
    "cash",
    "bank",
    "tuition_income",
    "salaries",
    "expenses",
    "reimbursements",
]);

/// A line.
const LINE: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new(
        "account",
        ACCOUNTS,
        "Where the money moved, by the record's method, or what for, by its type.",
    )
    .required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "Above zero a debit, below zero a credit.",
    )
    .required(),
    Field::new("currency", Kind::Currency, "The record's currency.").required(),
];

/// Shows a record's lines.
pub(crate) const SHOW: Action = Action::get("/v1/finance-records/{id}/lines")
    .id("finance-records.lines")
    .summary("Show the lines of a finance record")
    .granted("finance-records", LINES)
    .responds(ResponseSpec::fields(
        &[Field::new("data", Kind::Rows(LINE), "The lines, debit first.").required()],
        "The lines, whose amounts sum to zero.",
    ))
    .sql(LINES_SQL);

const LINES_SQL: &str = "select
  json_build_object(
    'data', (
      select coalesce(
        json_agg(
          json_build_object('id', l.id, 'account', l.account, 'amount', l.amount::text, 'currency', l.currency)
          order by l.amount desc
        ),
        '[]'
      )
      from lms.finance_lines as l
      where l.record_id = r.id
    )
  )::text as body,
  null::text as tag
from lms.finance_records as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null";
