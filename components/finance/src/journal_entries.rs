//! Journal entries: the debits and credits of each finance record (double-entry bookkeeping). They
//! are posted by the database, and compared with the totals in [`crate::reconciliation`].

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use crate::finance_records::JOURNAL_ENTRIES_VERB;

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

/// A journal entry.
const JOURNAL_ENTRY: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new(
        "account",
        ACCOUNTS,
        "The ledger account: an asset account according to the record's method, or an income or cost account according \
         to its type.",
    )
    .required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "The amount: positive for a debit, negative for a credit.",
    )
    .required(),
    Field::new("currency", Kind::Currency, "The currency of the record.").required(),
];

/// Lists the journal entries of a record.
pub(crate) const LIST: Action = Action::get("/v1/finance-records/{id}/journal-entries")
    .id("finance-records.journal-entries")
    .summary("List the journal entries of a finance record")
    .granted("finance-records", JOURNAL_ENTRIES_VERB)
    .responds(ResponseSpec::fields(
        &[Field::new(
            "data",
            Kind::Rows(JOURNAL_ENTRY),
            "The journal entries, debit first.",
        )
        .required()],
        "The journal entries of the record. Their amounts sum to zero.",
    ))
    .sql(LIST_SQL);

const LIST_SQL: &str = "select
  json_build_object(
    'data', (
      select coalesce(
        json_agg(
          json_build_object('id', e.id, 'account', e.account, 'amount', e.amount::text, 'currency', e.currency)
          order by e.amount desc
        ),
        '[]'
      )
      from lms.journal_entries as e
      where e.record_id = r.id
    )
  )::text as body,
  null::text as tag
from lms.finance_records as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null";
