//! Loans: items of the inventory that a user has borrowed, and their due dates. The items are in
//! [`crate::inventory`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::sql::statement::Sql;

use crate::child_lists::{self, ChildList};
use crate::inventory::MAX_PIECES;
use crate::transitions::versioned;

const QUANTITY: Field = Field::new(
    "quantity",
    Kind::Integer {
        min: 1,
        max: MAX_PIECES,
    },
    "The quantity on loan. Defaults to 1.",
);
const DUE_ON: Field = Field::new(
    "due_on",
    Kind::Date,
    "The last day of the loan, in the time zone of the item's centre.",
);

/// A loan.
pub(crate) const INVENTORY_LOANS: Resource = Resource {
    name: "inventory-loans",
    table: "inventory_loans",
    singular: "loan",
    plural: "loans",
    description: "A loan of an inventory item to a user until a due date.",
    fields: &[
        Field::new("inventory_id", Kind::Reference("inventory"), "The inventory item.")
            .read_only()
            .filterable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre of the item.")
            .read_only()
            .filterable(),
        Field::new("user_id", Kind::Reference("users"), "The borrower.")
            .read_only()
            .filterable(),
        QUANTITY.read_only().filterable(),
        DUE_ON.read_only().sortable(),
        Field::new("returned_at", Kind::Time, "The time at which the item was returned. Null while it is on loan.")
            .read_only()
            .nullable()
            .filterable(),
        Field::new(
            "reminded_at",
            Kind::Time,
            "The time at which the borrower was reminded that the loan is overdue.",
        )
        .read_only()
        .nullable(),
        Field::new(
            "overdue",
            Kind::Boolean,
            "Whether the item is still on loan after the last day of the loan.",
        )
        // The first comparison is for the index. A day that has not passed in the first time zone
        // has not passed anywhere.
        .condition(
            "r.returned_at is null and r.due_on < ((now() + interval '14 hours') at time zone 'UTC')::date and r.due_on < (
      select lms.today_in(c.time_zone)
      from lms.centres as c
      where c.id = r.centre_id
    )",
        ),
    ],
    owner: None,
    verbs: verbs::READ_EXPORT,
    validate: None,
    requires_match: false,
    requires_key: false,
};

const LEND_VERB: Verb = Verb::Action("lend");
const RETURN_VERB: Verb = Verb::Action("return");

const MANAGE: &[Verb] = &[LEND_VERB, RETURN_VERB];

/// The grants on loans.
pub(crate) const POLICY: Policy = Policy {
    resource: "inventory-loans",
    grants: &[
        Grant::new(role::TUTOR, verbs::READ)
            .index_condition("r.user_id = (select current_setting('app.user_id')::uuid)"),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT)
            .with_verbs(MANAGE)
            .index_condition("r.centre_id = (select current_setting('app.centre_id')::uuid)"),
        Grant::new(role::SUPPORT, verbs::READ_EXPORT).with_verbs(MANAGE),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(MANAGE),
    ],
};

/// A loan in the list of its item.
const LOAN: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new("user_id", Kind::Id, "The borrower.").required(),
    QUANTITY.required(),
    DUE_ON.required(),
    Field::new(
        "returned_at",
        Kind::Time,
        "The time at which the item was returned. Null while it is on loan.",
    )
    .nullable()
    .required(),
    Field::new(
        "created_at",
        Kind::Time,
        "The time at which the item was lent.",
    )
    .required(),
    Field::new("created_by", Kind::Id, "The user who lent the item.")
        .nullable()
        .required(),
];

/// Lists the loans of an item.
pub(crate) const LIST: Action = Action::get("/v1/inventory/{id}/loans")
    .id("inventory-loans.of-item")
    .summary("List the loans of an inventory item")
    .granted("inventory-loans", Verb::List)
    .query(child_lists::QUERY)
    .responds(ResponseSpec::fields(
        &[
            Field::new("data", Kind::Rows(LOAN), "The loans, oldest first.").required(),
            child_lists::NEXT_CURSOR,
        ],
        "The loans of the item, including those that were returned.",
    ))
    .sql_from(list);

/// Lends items to a user.
pub(crate) const LEND: Action = Action::post("/v1/inventory/{id}/loans")
    .id("inventory-loans.lend")
    .summary("Lend an inventory item")
    .granted("inventory-loans", LEND_VERB)
    .body(&[
        Field::new("user_id", Kind::Id, "The borrower.").required(),
        QUANTITY,
        DUE_ON.required(),
    ])
    .responds(
        ResponseSpec::resource(&INVENTORY_LOANS, "The loan.")
            .status(201)
            .problems(&[412]),
    )
    .sql_for_grant(lend);

/// Returns a loan.
pub(crate) const RETURN: Action = Action::post("/v1/inventory-loans/{id}/return")
    .id("inventory-loans.return")
    .summary("Return a loan")
    .granted("inventory-loans", RETURN_VERB)
    .responds(
        ResponseSpec::resource(
            &INVENTORY_LOANS,
            "The returned loan. Its whole quantity is available again.",
        )
        .problems(&[412]),
    )
    .prepared_by(versioned)
    .sql_for_grant(take_back);

fn list() -> Sql {
    child_lists::page(&ChildList {
        parent_table: "inventory",
        child_table: "inventory_loans",
        parent_column: "inventory_id",
        members: "'id', p.id,
      'user_id', p.user_id,
      'quantity', p.quantity,
      'due_on', p.due_on,
      'returned_at', lms.utc(p.returned_at),
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by",
    })
}

fn lend(grant: &Grant) -> Sql {
    let sql = Sql::from(
        "with r as (
  insert into lms.inventory_loans as r (inventory_id, user_id, quantity, due_on)
  select
    i.id,
    lms.check_reference(
      'user_id',
      ($1->'input'->>'user_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = ($1->'input'->>'user_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(($1->'input'->>'quantity')::integer, 1),
    ($1->'input'->>'due_on')::date
  from lms.inventory as i
  where i.id = ($1->>'id')::uuid
    and i.deleted_at is null",
    );
    select_loan(sql, grant)
}

fn take_back(grant: &Grant) -> Sql {
    let sql = Sql::from(
        "with r as (
  update lms.inventory_loans as r
  set returned_at = now()
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
    and lms.check_version(
      r.version,
      case
        when $1->'versions' @> to_jsonb(r.version) then r.version
        else ($1->'versions'->>0)::bigint
      end
    )",
    );
    select_loan(sql, grant)
}

/// Selects the loan `r` as the body, and its version as the tag.
fn select_loan(mut sql: Sql, grant: &Grant) -> Sql {
    projection::returning(&mut sql, &INVENTORY_LOANS);
    sql.push("select\n  ");
    sql.append(&projection::object(&INVENTORY_LOANS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
