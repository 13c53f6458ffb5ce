//! The receipt of an erasure: the rows that were erased, and the position of the erasure in the
//! chain of events. The record of the erasure is in `erasures`.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use super::erasures;

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
const HASH: Kind = Kind::Text { min: 64, max: 64 };

/// The event of the erasure.
const EVENT: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new(
        "position",
        COUNT,
        "The position of the event in the tenant's event log.",
    )
    .required(),
    Field::new(
        "previous_hash",
        HASH,
        "The hash of the previous event, in hexadecimal.",
    )
    .required(),
    Field::new(
        "hash",
        HASH,
        "The SHA-256 hash of the event chain up to and including this event, in hexadecimal.",
    )
    .required(),
];

/// A receipt.
pub(crate) const RECEIPT: &[Field] = &[
    Field::new("tenant_id", Kind::Id, "The tenant.").required(),
    Field::new("erasure_id", Kind::Id, "The erasure.").required(),
    Field::new("user_id", Kind::Id, "The account of the erased person.").required(),
    Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 1000 },
        "The reason for the erasure.",
    )
    .required(),
    Field::new("erased_at", Kind::Time, "The time of the erasure.").required(),
    Field::new(
        "counts",
        Kind::Json { bytes: 4096 },
        "The number of rows changed or deleted, by table.",
    )
    .required(),
    Field::new(
        "events",
        COUNT,
        "The number of events in the event log in which personal data was replaced.",
    )
    .required(),
    Field::new(
        "redactions_hash",
        HASH,
        "The SHA-256 hash over the position and new hash of each of those events, in hexadecimal.",
    )
    .required(),
    Field::new(
        "event",
        Kind::Object(EVENT),
        "The event in the tenant's event log that records the erasure.",
    )
    .required(),
];

/// Gets the receipt of an erasure.
pub(crate) const GET: Action = Action::get("/v1/erasures/{id}/receipt")
    .id("erasures.receipt")
    .summary("Get the receipt of an erasure")
    .granted("erasures", erasures::RECEIPT_VERB)
    .responds(ResponseSpec::fields(
        RECEIPT,
        "The receipt that the erasure returned. `lms privacy verify` checks it against the database.",
    ))
    .sql(GET_SQL);

const GET_SQL: &str = "select
  lms.erasure_receipt(($1->>'id')::uuid)::text as body,
  null::text as tag";
