//! The fields that every response with totals of finance records shares. The totals are computed in
//! [`crate::balance`], [`crate::reconciliation`] and [`crate::analytics`].

use platform::declare::field::{Field, Kind};

pub(crate) const CURRENCY: Field =
    Field::new("currency", Kind::Currency, "The currency.").required();
pub(crate) const SALARIES: Field =
    Field::new("salaries", Kind::SignedMoney, "The total of salaries.").required();
pub(crate) const EXPENSES: Field =
    Field::new("expenses", Kind::SignedMoney, "The total of expenses.").required();
pub(crate) const REIMBURSEMENTS: Field = Field::new(
    "reimbursements",
    Kind::SignedMoney,
    "The total of reimbursements.",
)
.required();
pub(crate) const RECORDS: Field = Field::new(
    "records",
    Kind::Integer {
        min: 0,
        max: i64::MAX,
    },
    "The number of finance records, including reversals.",
)
.required();
