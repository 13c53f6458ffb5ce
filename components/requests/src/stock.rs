//! The ledger of an item's quantity: every adjustment with its reason. The items are in
//! [`crate::inventory`].

use platform::auth::policy::Grant;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::sql::statement::Sql;

use crate::child_lists::{self, ChildList};
use crate::inventory::{self, INVENTORY, MAX_PIECES};
use crate::transitions::versioned;

const CHANGE: Field = Field::new(
    "change",
    Kind::Integer {
        min: -MAX_PIECES,
        max: MAX_PIECES,
    },
    "The change of the quantity: positive to add, negative to remove. Must not be 0.",
)
.required();
const REASON: Field = Field::new(
    "reason",
    Kind::Multiline { min: 1, max: 1000 },
    "The reason for the adjustment.",
)
.required();

/// An adjustment as a response returns it.
const ADJUSTMENT: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    CHANGE,
    REASON,
    Field::new(
        "quantity_after",
        Kind::Integer {
            min: 0,
            max: MAX_PIECES,
        },
        "The quantity after the adjustment.",
    )
    .required(),
    Field::new("created_at", Kind::Time, "The time of creation.").required(),
    Field::new("created_by", Kind::Id, "The user who created the resource.")
        .nullable()
        .required(),
];

/// Adjusts the quantity of an item.
pub(crate) const ADJUST: Action = Action::post("/v1/inventory/{id}/adjust")
    .id("inventory.adjust")
    .summary("Adjust the quantity of an inventory item")
    .granted("inventory", inventory::ADJUST_VERB)
    .body(&[CHANGE, REASON])
    .responds(
        ResponseSpec::resource(&INVENTORY, "The inventory item with its new quantity.")
            .problems(&[412]),
    )
    .prepared_by(versioned)
    .sql_for_grant(adjust);

/// Lists the adjustments of an item.
pub(crate) const LIST: Action = Action::get("/v1/inventory/{id}/adjustments")
    .id("inventory.adjustments")
    .summary("List the adjustments of an inventory item")
    .granted("inventory", inventory::ADJUSTMENTS_VERB)
    .query(child_lists::QUERY)
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(ADJUSTMENT),
                "The adjustments, oldest first. The first one is the opening stock.",
            )
            .required(),
            child_lists::NEXT_CURSOR,
        ],
        "All adjustments of the quantity.",
    ))
    .sql_from(list);

fn adjust(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
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
    sql.append(&projection::object(&INVENTORY, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}

fn list() -> Sql {
    child_lists::page(&ChildList {
        parent_table: "inventory",
        child_table: "inventory_adjustments",
        parent_column: "inventory_id",
        members: "'id', p.id,
      'change', p.change,
      'reason', p.reason,
      'quantity_after', p.quantity_after,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by",
    })
}
