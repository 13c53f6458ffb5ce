//! What a webhook was told, is being told, and could not be told.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use super::DELIVERIES;

/// Where a delivery stands.
const STATUS: Kind = Kind::OneOf(&["waiting", "delivered", "failed"]);

/// A position in the log.
const POSITION: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

/// A delivery.
const DELIVERY: &[Field] = &[
    Field::new("position", POSITION, "The event's place in the log.").required(),
    Field::new(
        "event_id",
        Kind::Id,
        "The event's id, which is the message's: the header webhook-id.",
    )
    .required(),
    Field::new(
        "kind",
        Kind::Text { min: 1, max: 100 },
        "What happened, such as student.created.",
    )
    .required(),
    Field::new(
        "status",
        STATUS,
        "Whether it waits for its next attempt, was delivered, or was given up.",
    )
    .required(),
    Field::new(
        "attempts",
        Kind::Integer {
            min: 0,
            max: i32::MAX as i64,
        },
        "How many attempts have begun.",
    )
    .required(),
    Field::new("last_attempt_at", Kind::Time, "When the last one began.")
        .nullable()
        .required(),
    Field::new(
        "last_status",
        Kind::Integer { min: 100, max: 999 },
        "The HTTP status of its answer; null when there was none.",
    )
    .nullable()
    .required(),
    Field::new(
        "last_error",
        Kind::Text { min: 1, max: 500 },
        "Why it failed.",
    )
    .nullable()
    .required(),
    Field::new(
        "next_attempt_at",
        Kind::Time,
        "When it is tried next; null when it is not.",
    )
    .nullable()
    .required(),
    Field::new("delivered_at", Kind::Time, "When it was delivered.")
        .nullable()
        .required(),
    Field::new("failed_at", Kind::Time, "When it was given up.")
        .nullable()
        .required(),
    Field::new("queued_at", Kind::Time, "When it was queued.").required(),
];

/// Reads the deliveries of a webhook.
pub(crate) const LIST: Action = Action::get("/v1/webhooks/{id}/deliveries")
    .id("webhooks.deliveries")
    .summary("List the deliveries of a webhook")
    .granted("webhooks", DELIVERIES)
    .query(&[
        Field::new("before", POSITION, "Only of events before this position."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "Most deliveries of this page; 50 by default.",
        ),
        Field::new("status", STATUS, "Only those that stand like this."),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "position",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
                "How far the log has been queued: what is behind it follows.",
            )
            .required(),
            Field::new(
                "data",
                Kind::Rows(DELIVERY),
                "The deliveries, the latest event first.",
            )
            .required(),
            Field::new(
                "next_before",
                POSITION,
                "The position before which the next page begins; null when there is none.",
            )
            .nullable()
            .required(),
        ],
        "The deliveries. Those that have ended are kept for 30 days.",
    ))
    .sql(LIST_SQL);

const LIST_SQL: &str = include_str!("deliveries.sql");
