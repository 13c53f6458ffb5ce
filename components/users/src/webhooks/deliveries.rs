//! The deliveries of a webhook: events that were delivered, are waiting for delivery, or could not
//! be delivered. The worker delivers them.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::page;
use platform::declare::response_spec::ResponseSpec;

use super::DELIVERIES_VERB;

/// The status of a delivery.
const STATUS: Kind = Kind::OneOf(&["waiting", "delivered", "failed"]);

/// A position in the event log.
const POSITION: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

/// A delivery.
const DELIVERY: &[Field] = &[
    Field::new("position", POSITION, "The position of the event in the event log.").required(),
    Field::new(
        "event_id",
        Kind::Id,
        "The id of the event. It is also the id of the message, sent in the `webhook-id` header.",
    )
    .required(),
    Field::new(
        "kind",
        Kind::Text { min: 1, max: 100 },
        "The kind of the event, such as `student.created`.",
    )
    .required(),
    Field::new(
        "status",
        STATUS,
        "The status of the delivery: `waiting` for its next attempt, `delivered`, or `failed` after it was given up.",
    )
    .required(),
    Field::new(
        "attempts",
        Kind::Integer {
            min: 0,
            max: i32::MAX as i64,
        },
        "The number of attempts that have been started.",
    )
    .required(),
    Field::new("last_attempt_at", Kind::Time, "The time at which the last attempt was started.")
        .nullable()
        .required(),
    Field::new(
        "last_status",
        Kind::Integer { min: 100, max: 999 },
        "The HTTP status of the response to the last attempt. Null if there was none.",
    )
    .nullable()
    .required(),
    Field::new(
        "last_error",
        Kind::Text { min: 1, max: 500 },
        "The reason why the last attempt failed.",
    )
    .nullable()
    .required(),
    Field::new(
        "next_attempt_at",
        Kind::Time,
        "The time of the next attempt. Null if there is none.",
    )
    .nullable()
    .required(),
    Field::new("delivered_at", Kind::Time, "The time at which the event was delivered.")
        .nullable()
        .required(),
    Field::new("failed_at", Kind::Time, "The time at which the delivery was given up.")
        .nullable()
        .required(),
    Field::new("queued_at", Kind::Time, "The time at which the delivery was queued.").required(),
];

/// Lists the deliveries of a webhook.
pub(crate) const LIST: Action = Action::get("/v1/webhooks/{id}/deliveries")
    .id("webhooks.deliveries")
    .summary("List the deliveries of a webhook")
    .granted("webhooks", DELIVERIES_VERB)
    .query(&[
        Field::new("before", POSITION, "Only deliveries of events before this position."),
        page::limit("The maximum number of deliveries in the page. Defaults to 50."),
        Field::new("status", STATUS, "Only deliveries with this status."),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "position",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
                "The position up to which the event log has been queued for the webhook. Later events follow.",
            )
            .required(),
            Field::new(
                "data",
                Kind::Rows(DELIVERY),
                "The deliveries, latest event first.",
            )
            .required(),
            Field::new(
                "next_before",
                POSITION,
                "The position to pass as `before` to get the next page. Null on the last page.",
            )
            .nullable()
            .required(),
        ],
        "The deliveries. Delivered and failed ones are kept for 30 days.",
    ))
    .sql(LIST_SQL);

const LIST_SQL: &str = include_str!("deliveries.sql");
