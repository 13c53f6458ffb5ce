//! Inventory: the items of a centre. Changes of an item's quantity are in [`crate::stock`], and
//! loans are in [`crate::loans`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// The maximum quantity of an item.
pub(crate) const MAX_PIECES: i64 = 1_000_000_000;

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: MAX_PIECES,
};

/// An inventory item.
pub(crate) const INVENTORY: Resource = Resource {
    name: "inventory",
    table: "inventory",
    singular: "inventory item",
    plural: "inventory items",
    description: "An item in a centre's inventory, counted by quantity.",
    fields: &[
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .on_create()
            .filterable(),
        Field::new("item_name", Kind::Text { min: 1, max: 200 }, "The name of the item.")
            .required()
            .sortable(),
        Field::new(
            "category",
            Kind::OneOf(&["laptop", "furniture", "stationery", "network", "misc"]),
            "The category of the item.",
        )
        .required()
        .filterable(),
        Field::new(
            "quantity",
            COUNT,
            "The quantity in stock. It is set once, as the opening stock, and changed by adjustments.",
        )
        .on_create()
        .default("0")
        .sortable(),
        Field::new("lent", COUNT, "The quantity on loan.")
            .read_only()
            .filterable(),
        Field::new("available", COUNT, "The quantity that can be lent or removed.")
            .read_only()
            .sortable(),
        Field::new(
            "low_stock_at",
            COUNT,
            "The low-stock threshold. When the available quantity is at or below it, a request is opened automatically.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "condition",
            Kind::OneOf(&["good", "needs_repair", "broken"]),
            "The condition of the item.",
        )
        .default("'good'")
        .filterable(),
        Field::new(
            "metadata",
            Kind::Json { bytes: 16_384 },
            "Additional data to store with the item.",
        )
        .default("'{}'::jsonb"),
    ],
    owner: None,
    verbs: verbs::PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Adjusts the quantity of an item.
pub(crate) const ADJUST_VERB: Verb = Verb::Action("adjust");
/// Lists the adjustments of an item.
pub(crate) const ADJUSTMENTS_VERB: Verb = Verb::Action("adjustments");

const READ_ADJUSTMENTS: &[Verb] = &[ADJUSTMENTS_VERB];
const MANAGE: &[Verb] = &[ADJUST_VERB, ADJUSTMENTS_VERB];

/// The grants on inventory.
pub(crate) const POLICY: Policy = Policy {
    resource: "inventory",
    grants: &[
        Grant::new(role::TUTOR, verbs::READ).with_verbs(READ_ADJUSTMENTS),
        Grant::new(role::SUPERVISOR, verbs::PLAIN)
            .with_verbs(MANAGE)
            .index_condition("r.centre_id = (select current_setting('app.centre_id')::uuid)"),
        Grant::new(role::SUPPORT, verbs::PLAIN).with_verbs(MANAGE),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).with_verbs(READ_ADJUSTMENTS),
        Grant::new(role::ADMIN, verbs::PLAIN).with_verbs(MANAGE),
    ],
};
