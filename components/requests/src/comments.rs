//! Comments on requests: public ones, and internal ones among those who work on them. Added to and never changed.

use domain::role;
use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::sql::statement::{Sql, Statement};

use crate::parts::{self, Parts};

const READ_WRITE: &[Verb] = &[Verb::List, Verb::Create];
/// What those may set who only ask: theirs are public.
const ASKING: &[&str] = &["body"];

/// Who may do what to comments on the requests that they see.
pub(crate) const POLICY: Policy = Policy {
    resource: "request-comments",
    grants: &[
        Grant::new(role::STUDENT, READ_WRITE).writing(ASKING),
        Grant::new(role::PARENT, READ_WRITE).writing(ASKING),
        Grant::new(role::TUTOR, READ_WRITE),
        Grant::new(role::ASSESSOR, READ_WRITE).writing(ASKING),
        Grant::new(role::SUPERVISOR, READ_WRITE),
        Grant::new(role::SUPPORT, READ_WRITE),
        Grant::new(role::FINANCE, READ_WRITE).writing(ASKING),
        Grant::new(role::ADMIN, READ_WRITE),
    ],
};

const BODY: Field = Field::new(
    "body",
    Kind::Multiline {
        min: 1,
        max: 10_000,
    },
    "What is said.",
)
.required();
const VISIBILITY: Field = Field::new(
    "visibility",
    Kind::OneOf(&["public", "internal"]),
    "public for whoever sees the request; internal for support, admins, the centre's supervisor, and the tutor whom it \
     is assigned to.",
);

/// A comment as it is answered.
const COMMENT: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new("request_id", Kind::Id, "The request.").required(),
    VISIBILITY.required(),
    BODY,
    Field::new("created_at", Kind::Time, "When it was said.").required(),
    Field::new("created_by", Kind::Id, "The user who said it.")
        .nullable()
        .required(),
];

const MEMBERS: &str = "'id', p.id,
      'request_id', p.request_id,
      'visibility', p.visibility,
      'body', p.body,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by";

/// Reads what was said.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/requests/{id}/comments",
    segments: &[],
    operation: "request-comments.list",
    summary: "List the comments on a request",
    access: Access::Granted {
        resource: "request-comments",
        verb: Verb::List,
    },
    body: None,
    query: parts::QUERY,
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new(
                "data",
                Kind::Rows(COMMENT),
                "The comments, the oldest first.",
            )
            .required(),
            parts::NEXT,
        ])),
        description: "The comments that the caller may see.",
        problems: &[],
    },
    run: Run::Statement(list),
};

/// Says something.
pub(crate) const CREATE: Action = Action {
    method: Method::POST,
    path: "/v1/requests/{id}/comments",
    segments: &[],
    operation: "request-comments.create",
    summary: "Comment on a request",
    access: Access::Granted {
        resource: "request-comments",
        verb: Verb::Create,
    },
    body: Some(&[BODY, VISIBILITY]),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(Shape::Fields(COMMENT)),
        description: "The comment.",
        problems: &[],
    },
    run: Run::Statement(create),
};

fn list() -> Statement {
    parts::page(&Parts {
        title: "-- request-comments.list",
        whole: "requests",
        table: "request_comments",
        column: "request_id",
        members: MEMBERS,
    })
    .prepared("request-comments.list")
}

fn create() -> Statement {
    let mut sql = Sql::from(
        "-- request-comments.create
with p as (
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
    sql.prepared("request-comments.create")
}
