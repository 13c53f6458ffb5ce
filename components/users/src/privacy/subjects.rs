//! A person as the subject of data: handing out what is held, and erasing it.

use domain::role;
use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate;
use platform::sql::statement::{Sql, Statement};

use super::receipt::RECEIPT;

const EXPORT_VERB: Verb = Verb::Action("export-subject");
const ERASE_VERB: Verb = Verb::Action("erase-subject");

/// Who may export and erase people.
pub(crate) const POLICY: Policy = Policy {
    resource: "privacy",
    grants: &[Grant::new(role::ADMIN, &[EXPORT_VERB, ERASE_VERB])],
};

/// A file of an export.
const FILE: &[Field] = &[
    Field::new("name", Kind::Text { min: 1, max: 100 }, "Such as students.json.").required(),
    Field::new("table", Kind::Text { min: 1, max: 63 }, "The table.").required(),
    Field::new(
        "rows",
        Kind::Rows(&[]),
        "Its rows, the oldest first, deleted ones too; each with all that is held but what is withheld.",
    )
    .required(),
];

/// Something that an export leaves out.
const WITHHELD: &[Field] = &[
    Field::new("table", Kind::Text { min: 1, max: 63 }, "The table.").required(),
    Field::new(
        "what",
        Kind::Text { min: 1, max: 100 },
        "A column, or which rows.",
    )
    .required(),
    Field::new("reason", Kind::Multiline { min: 1, max: 500 }, "Why.").required(),
];

/// Hands out all that is held on a person.
pub(crate) const EXPORT: Action = Action {
    method: Method::POST,
    path: "/v1/privacy/subjects/{id}/export",
    segments: &[],
    operation: "privacy.export",
    summary: "Export what is held on a person",
    access: Access::Granted {
        resource: "privacy",
        verb: EXPORT_VERB,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new("subject", Kind::Id, "The person's account.").required(),
            Field::new(
                "children",
                Kind::References {
                    table: "users",
                    items: 1000,
                },
                "The accounts of a parent's children, whose data is included.",
            )
            .required(),
            Field::new("made_at", Kind::Time, "When.").required(),
            Field::new(
                "files",
                Kind::Rows(FILE),
                "A file for each table that has something.",
            )
            .required(),
            Field::new(
                "withheld",
                Kind::Rows(WITHHELD),
                "What is left out, and why.",
            )
            .required(),
        ])),
        description: "Everything held on the person and, for a parent, on the children. 409 when it is more than 20,000 rows or 32 MiB: `lms privacy export` has no such limit.",
        problems: &[],
    },
    // An answer like this is not kept for an idempotency key.
    run: Run::Custom(export),
};

/// Erases a person.
pub(crate) const ERASE: Action = Action {
    method: Method::POST,
    path: "/v1/privacy/subjects/{id}/erase",
    segments: &[],
    operation: "privacy.erase",
    summary: "Erase a person",
    access: Access::Granted {
        resource: "privacy",
        verb: ERASE_VERB,
    },
    body: Some(&[Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 1000 },
        "Why, for the records: who asked, and when.",
    )
    .required()]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(RECEIPT)),
        description: "The receipt. Personal fields are replaced in every table and in the event log; amounts, counts and ids stay. It can't be undone. 409 for oneself, the last admin, who is held by a legal hold, and who has been erased already.",
        problems: &[],
    },
    run: Run::Lengthy(erase),
};

fn export<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let statement = Sql::from(
            "-- privacy.export
select
  lms.export_subject(($1->>'id')::uuid, 20000)::text as body,
  null::text as tag",
        )
        .prepared("privacy.export");
        match call.run(&statement, call.path.clone()).await {
            Ok(answer) => {
                let body = answer.body.ok_or_else(|| {
                    Problem::new(ProblemKind::Internal).cause("an export without an answer")
                })?;
                Ok(Response::json(200, body))
            }
            Err(failure) => sqlstate::settle(failure),
        }
    })
}

fn erase() -> Statement {
    Sql::from(
        "-- privacy.erase
select
  lms.erase_subject(($1->>'id')::uuid, $1->'input'->>'reason')::text as body,
  null::text as tag",
    )
    .prepared("privacy.erase")
}
