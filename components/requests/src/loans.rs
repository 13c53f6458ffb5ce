//! Loans: which pieces of an item somebody has, and until when.

use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::auth::role::Role;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::statements::projection::{self, Depth};
use platform::sql::statement::{Sql, Statement};

use crate::inventory::MOST;
use crate::moves::versioned;
use crate::parts::{self, Parts};

const QUANTITY: Field = Field::new(
    "quantity",
    Kind::Integer { min: 1, max: MOST },
    "How many are lent; 1 when it is left out.",
);
const DUE_ON: Field = Field::new(
    "due_on",
    Kind::Date,
    "The last day of the loan, in the zone of the item's centre.",
);

/// A loan.
pub(crate) const INVENTORY_LOANS: Resource = Resource {
    name: "inventory-loans",
    table: "inventory_loans",
    singular: "inventory loan",
    description: "Pieces of an item that somebody has until a day.",
    fields: &[
        Field::new("inventory_id", Kind::Reference("inventory"), "The item.")
            .read_only()
            .filterable(),
        Field::new("centre_id", Kind::Reference("centres"), "The item's centre.")
            .read_only()
            .filterable(),
        Field::new("user_id", Kind::Reference("users"), "Who has them.")
            .read_only()
            .filterable(),
        QUANTITY.read_only().filterable(),
        DUE_ON.read_only().sortable(),
        Field::new("returned_at", Kind::Time, "When they came back.")
            .read_only()
            .nullable()
            .filterable(),
        Field::new(
            "reminded_at",
            Kind::Time,
            "When who has them was reminded that the loan is overdue.",
        )
        .read_only()
        .nullable(),
        Field::new(
            "overdue",
            Kind::Boolean,
            "Whether they are out, and the last day of the loan has passed.",
        )
        // The first comparison is for the index: no day has passed anywhere that has not passed in the first zone.
        .condition(
            "r.returned_at is null and r.due_on < ((now() + interval '14 hours') at time zone 'UTC')::date and r.due_on < (
      select lms.today_in(c.time_zone)
      from lms.centres as c
      where c.id = r.centre_id
    )",
        ),
    ],
    owner: None,
    verbs: &[Verb::List, Verb::Get, Verb::Export],
    rule: None,
    requires_match: false,
    requires_key: false,
};

const LEND_VERB: Verb = Verb::Action("lend");
const RETURN_VERB: Verb = Verb::Action("return");

const READ: &[Verb] = &[Verb::List, Verb::Get];
const READ_ALL: &[Verb] = &[Verb::List, Verb::Get, Verb::Export];
const MANAGE: &[Verb] = &[Verb::List, Verb::Get, Verb::Export, LEND_VERB, RETURN_VERB];

/// Who may do what to loans.
pub(crate) const POLICY: Policy = Policy {
    resource: "inventory-loans",
    grants: &[
        Grant::new(Role::Tutor, READ)
            .within("r.user_id = (select current_setting('app.user_id')::uuid)"),
        Grant::new(Role::Supervisor, MANAGE)
            .within("r.centre_id = (select current_setting('app.centre_id')::uuid)"),
        Grant::new(Role::Support, MANAGE),
        Grant::new(Role::Finance, READ_ALL),
        Grant::new(Role::Admin, MANAGE),
    ],
};

/// A loan in the list of its item.
const LOAN: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new("user_id", Kind::Id, "Who has them.").required(),
    QUANTITY.required(),
    DUE_ON.required(),
    Field::new("returned_at", Kind::Time, "When they came back.")
        .nullable()
        .required(),
    Field::new("created_at", Kind::Time, "When they were lent.").required(),
    Field::new("created_by", Kind::Id, "The user who lent them.")
        .nullable()
        .required(),
];

/// Reads the loans of an item.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/inventory/{id}/loans",
    segments: &[],
    operation: "inventory-loans.of-item",
    summary: "List the loans of an item",
    access: Access::Granted {
        resource: "inventory-loans",
        verb: Verb::List,
    },
    body: None,
    query: parts::QUERY,
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new("data", Kind::Rows(LOAN), "The loans, the oldest first.").required(),
            parts::NEXT,
        ])),
        description: "The loans of the item, those that came back among them.",
        problems: &[],
    },
    run: Run::Statement(list),
};

/// Lends pieces of an item to somebody.
pub(crate) const LEND: Action = Action {
    method: Method::POST,
    path: "/v1/inventory/{id}/loans",
    segments: &[],
    operation: "inventory-loans.lend",
    summary: "Lend an item",
    access: Access::Granted {
        resource: "inventory-loans",
        verb: LEND_VERB,
    },
    body: Some(&[
        Field::new("user_id", Kind::Id, "Who takes them.").required(),
        QUANTITY,
        DUE_ON.required(),
    ]),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(Shape::Resource(&INVENTORY_LOANS)),
        description: "The loan.",
        problems: &[412],
    },
    run: Run::View(lend),
};

/// Takes back what was lent.
pub(crate) const RETURN: Action = Action {
    method: Method::POST,
    path: "/v1/inventory-loans/{id}/return",
    segments: &[],
    operation: "inventory-loans.return",
    summary: "Return a loan",
    access: Access::Granted {
        resource: "inventory-loans",
        verb: RETURN_VERB,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&INVENTORY_LOANS)),
        description: "The loan, at its end: all of it is available again.",
        problems: &[412],
    },
    run: Run::Prepared(versioned, take_back),
};

fn list() -> Statement {
    parts::page(&Parts {
        title: "-- inventory-loans.of-item",
        whole: "inventory",
        table: "inventory_loans",
        column: "inventory_id",
        members: "'id', p.id,
      'user_id', p.user_id,
      'quantity', p.quantity,
      'due_on', p.due_on,
      'returned_at', lms.utc(p.returned_at),
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by",
    })
    .prepared("inventory-loans.of-item")
}

fn lend(grant: &Grant) -> Statement {
    let sql = Sql::from(
        "-- inventory-loans.lend
with r as (
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
    answer(sql, grant, "inventory-loans.lend")
}

fn take_back(grant: &Grant) -> Statement {
    let sql = Sql::from(
        "-- inventory-loans.return
with r as (
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
    answer(sql, grant, "inventory-loans.return")
}

/// The loan `r` as body and its version as tag.
fn answer(mut sql: Sql, grant: &Grant, operation: &str) -> Statement {
    projection::returning(&mut sql, &INVENTORY_LOANS);
    sql.push("select\n  ");
    sql.append(&projection::object(&INVENTORY_LOANS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared(operation)
}
