//! The ledger of an item's quantity: every change of it, with its reason.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::statements::projection::{self, Depth};
use platform::sql::statement::{Sql, Statement};

use crate::inventory::{self, INVENTORY, MOST};
use crate::moves::versioned;
use crate::parts::{self, Parts};

const CHANGE: Field = Field::new(
    "change",
    Kind::Integer {
        min: -MOST,
        max: MOST,
    },
    "How many more there are, or fewer with a minus; not 0.",
)
.required();
const REASON: Field =
    Field::new("reason", Kind::Multiline { min: 1, max: 1000 }, "Why.").required();

/// An adjustment as it is answered.
const ADJUSTMENT: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    CHANGE,
    REASON,
    Field::new(
        "quantity_after",
        Kind::Integer { min: 0, max: MOST },
        "How many there were after it.",
    )
    .required(),
    Field::new("created_at", Kind::Time, "When it was made.").required(),
    Field::new("created_by", Kind::Id, "The user who made it.")
        .nullable()
        .required(),
];

/// Changes the quantity of an item.
pub(crate) const ADJUST: Action = Action {
    method: Method::POST,
    path: "/v1/inventory/{id}/adjust",
    segments: &[],
    operation: "inventory.adjust",
    summary: "Adjust the quantity of an item",
    access: Access::Granted {
        resource: "inventory",
        verb: inventory::ADJUST,
    },
    body: Some(&[CHANGE, REASON]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&INVENTORY)),
        description: "The item with its new quantity.",
        problems: &[412],
    },
    run: Run::Prepared(versioned, adjust),
};

/// Reads how the quantity of an item came about.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/inventory/{id}/adjustments",
    segments: &[],
    operation: "inventory.adjustments",
    summary: "List the adjustments of an item",
    access: Access::Granted {
        resource: "inventory",
        verb: inventory::ADJUSTMENTS,
    },
    body: None,
    query: parts::QUERY,
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new(
                "data",
                Kind::Rows(ADJUSTMENT),
                "The adjustments, the oldest first: the opening stock.",
            )
            .required(),
            parts::NEXT,
        ])),
        description: "Every change of the quantity.",
        problems: &[],
    },
    run: Run::Statement(list),
};

fn adjust(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- inventory.adjust
with r as (
  select r.*
  from lms.adjust_inventory(
    ($1->>'id')::uuid,
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  ",
    );
    sql.append(&projection::object(&INVENTORY, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared("inventory.adjust")
}

fn list() -> Statement {
    parts::page(&Parts {
        title: "-- inventory.adjustments",
        whole: "inventory",
        table: "inventory_adjustments",
        column: "inventory_id",
        members: "'id', p.id,
      'change', p.change,
      'reason', p.reason,
      'quantity_after', p.quantity_after,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by",
    })
    .prepared("inventory.adjustments")
}
