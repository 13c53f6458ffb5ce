//! The receipt of an erasure: what was erased, and where in the chain of events that stands.

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
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new("position", COUNT, "Its place in the tenant's chain.").required(),
    Field::new(
        "previous_hash",
        HASH,
        "The hash of the event before, in hex.",
    )
    .required(),
    Field::new("hash", HASH, "SHA-256 of the chain up to here, in hex.").required(),
];

/// A receipt.
pub(crate) const RECEIPT: &[Field] = &[
    Field::new("tenant_id", Kind::Id, "The tenant.").required(),
    Field::new("erasure_id", Kind::Id, "The erasure.").required(),
    Field::new("user_id", Kind::Id, "Who was erased.").required(),
    Field::new("reason", Kind::Multiline { min: 1, max: 1000 }, "Why.").required(),
    Field::new("erased_at", Kind::Time, "When.").required(),
    Field::new(
        "counts",
        Kind::Json { bytes: 4096 },
        "How many rows of each table were changed or deleted.",
    )
    .required(),
    Field::new(
        "events",
        COUNT,
        "In how many events of the log something was replaced.",
    )
    .required(),
    Field::new(
        "redactions_hash",
        HASH,
        "SHA-256 over position and new hash of each of those events, in hex.",
    )
    .required(),
    Field::new(
        "event",
        Kind::Object(EVENT),
        "The event that says so, in the tenant's chain.",
    )
    .required(),
];

/// Reads a receipt again.
pub(crate) const GET: Action = Action::get("/v1/erasures/{id}/receipt")
    .id("erasures.receipt")
    .summary("Show the receipt of an erasure")
    .granted("erasures", erasures::RECEIPT)
    .responds(ResponseSpec::fields(
        RECEIPT,
        "The receipt that the erasure answered. `lms privacy verify` holds it \
            against the database.",
    ))
    .sql(GET_SQL);

const GET_SQL: &str = "select
  lms.erasure_receipt(($1->>'id')::uuid)::text as body,
  null::text as tag";
