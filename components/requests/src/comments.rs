//! Comments on requests: public ones, and internal ones among those who work on the request. They
//! are added and never changed. The requests are in [`crate::requests`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::sql::statement::Sql;

use crate::child_lists::{self, ChildList};

const READ_WRITE: &[Verb] = &[Verb::List, Verb::Create];
/// The fields that a requester may set. A requester's comments are always public.
const REQUESTER_FIELDS: &[&str] = &["body"];

/// The grants on comments on the requests that a role sees.
pub(crate) const POLICY: Policy = Policy {
    resource: "request-comments",
    grants: &[
        Grant::new(role::STUDENT, READ_WRITE).writing(REQUESTER_FIELDS),
        Grant::new(role::PARENT, READ_WRITE).writing(REQUESTER_FIELDS),
        Grant::new(role::TUTOR, READ_WRITE),
        Grant::new(role::ASSESSOR, READ_WRITE).writing(REQUESTER_FIELDS),
        Grant::new(role::SUPERVISOR, READ_WRITE),
        Grant::new(role::SUPPORT, READ_WRITE),
        Grant::new(role::FINANCE, READ_WRITE).writing(REQUESTER_FIELDS),
        Grant::new(role::ADMIN, READ_WRITE),
    ],
};

const BODY: Field = Field::new(
    "body",
    Kind::Multiline {
        min: 1,
        max: 10_000,
    },
    "The text of the comment.",
)
.required();
const VISIBILITY: Field = Field::new(
    "visibility",
    Kind::OneOf(&["public", "internal"]),
    "The visibility of the comment: `public` for everyone who can see the request; `internal` for support, admins, the \
     centre's supervisor and the tutor to whom the request is assigned.",
);

/// A comment as a response returns it.
const COMMENT: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new(
        "request_id",
        Kind::Id,
        "The request to which the comment belongs.",
    )
    .required(),
    VISIBILITY.required(),
    BODY,
    Field::new(
        "created_at",
        Kind::Time,
        "The time at which the comment was created.",
    )
    .required(),
    Field::new("created_by", Kind::Id, "The user who wrote the comment.")
        .nullable()
        .required(),
];

const MEMBERS: &str = "'id', p.id,
      'request_id', p.request_id,
      'visibility', p.visibility,
      'body', p.body,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by";

/// Lists the comments on a request.
pub(crate) const LIST: Action = Action::get("/v1/requests/{id}/comments")
    .id("request-comments.list")
    .summary("List the comments on a request")
    .granted("request-comments", Verb::List)
    .query(child_lists::QUERY)
    .responds(ResponseSpec::fields(
        &[
            Field::new("data", Kind::Rows(COMMENT), "The comments, oldest first.").required(),
            child_lists::NEXT_CURSOR,
        ],
        "The comments visible to the caller.",
    ))
    .sql_from(list);

/// Adds a comment to a request.
pub(crate) const CREATE: Action = Action::post("/v1/requests/{id}/comments")
    .id("request-comments.create")
    .summary("Create a comment on a request")
    .granted("request-comments", Verb::Create)
    .body(&[BODY, VISIBILITY])
    .responds(ResponseSpec::fields(COMMENT, "The comment.").status(201))
    .sql_from(create);

fn list() -> Sql {
    child_lists::page(&ChildList {
        parent_table: "requests",
        child_table: "request_comments",
        parent_column: "request_id",
        members: MEMBERS,
    })
}

fn create() -> Sql {
    let mut sql = Sql::from(
        "with p as (
  insert into lms.request_comments as p (request_id, visibility, body)
  select
    r.id,
    coalesce($1->'input'->>'visibility', 'public'),
    $1->'input'->>'body'
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning p.*
)
select
  json_build_object(
      ",
    );
    sql.push(MEMBERS);
    sql.push("\n    )::text as body,\n  null::text as tag\nfrom p");
    sql
}
