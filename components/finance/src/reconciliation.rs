//! Reconciliation: the comparison of daily totals, finance records and journal entries, which must
//! agree. The database computes the totals and posts the entries when a record is inserted.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use crate::balance::TOTALS;
use crate::finance_records::RECONCILIATION_VERB;

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};

/// The comparison for a centre and a currency.
const COMPARISON: &[Field] = &[
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("currency", Kind::Currency, "The currency.").required(),
    Field::new(
        "by_totals",
        Kind::Object(TOTALS),
        "The totals according to the daily totals, from which balances are read.",
    )
    .required(),
    Field::new(
        "by_records",
        Kind::Object(TOTALS),
        "The totals according to the finance records.",
    )
    .required(),
    Field::new(
        "by_journal_entries",
        Kind::Object(TOTALS),
        "The totals according to the journal entries on the income and cost accounts.",
    )
    .required(),
    Field::new(
        "sum_of_journal_entries",
        Kind::SignedMoney,
        "The sum of all journal entries. Zero, because debits and credits are equal.",
    )
    .required(),
    Field::new(
        "wrong_journal_entries",
        COUNT,
        "The number of journal entries that do not have the amount of their record.",
    )
    .required(),
    Field::new(
        "missing_journal_entries",
        COUNT,
        "The number of journal entries missing from records.",
    )
    .required(),
    Field::new(
        "consistent",
        Kind::Boolean,
        "Whether the three sets of totals agree and no journal entry is wrong or missing.",
    )
    .required(),
];

/// Gets the reconciliation.
pub(crate) const GET: Action = Action::get("/v1/finance-records/reconciliation")
    .id("finance-records.reconciliation")
    .summary("Reconcile the ledger")
    .granted("finance-records", RECONCILIATION_VERB)
    .query(&[Field::new("centre_id", Kind::Id, "Only the ledger of this centre.")])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(COMPARISON),
                "The reconciliation of each centre in the caller's scope, by currency.",
            )
            .required(),
            Field::new(
                "missing_numbers",
                COUNT,
                "The number of record numbers missing from the tenant's ledger.",
            )
            .required(),
            Field::new(
                "consistent",
                Kind::Boolean,
                "Whether everything is consistent and no record number is missing.",
            )
            .required(),
        ],
        "The totals according to daily totals, finance records and journal entries, and whether they agree.",
    ))
    .sql(RECONCILIATION_SQL);

const RECONCILIATION_SQL: &str = "with numbers as materialized (
  select lms.missing_finance_numbers() as missing
)
select
  json_build_object(
    'data', coalesce(p.data, '[]'),
    'missing_numbers', numbers.missing,
    'consistent', coalesce(p.consistent, true) and numbers.missing = 0
  )::text as body,
  null::text as tag
from numbers
cross join (
  select
    json_agg(
      json_build_object(
        'centre_id', r.centre_id,
        'currency', r.currency,
        'by_totals', r.by_totals,
        'by_records', r.by_records,
        'by_journal_entries', r.by_journal_entries,
        'sum_of_journal_entries', r.sum_of_journal_entries,
        'wrong_journal_entries', r.wrong_journal_entries,
        'missing_journal_entries', r.missing_journal_entries,
        'consistent', r.consistent
      )
      order by r.centre_id, r.currency
    ) as data,
    bool_and(r.consistent) as consistent
  from lms.reconcile_finance(($1->>'centre_id')::uuid) as r
) as p";
