//! Data subjects: exporting all data of a person, and erasing it. The record of an erasure is in
//! `erasures`.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate;
use platform::sql::statement::Statement;

use super::receipt::RECEIPT;

const EXPORT_VERB: Verb = Verb::Action("export-subject");
const ERASE_VERB: Verb = Verb::Action("erase-subject");

/// The grants on the export and erasure of persons.
pub(crate) const POLICY: Policy = Policy {
    resource: "privacy",
    grants: &[Grant::new(role::ADMIN, &[EXPORT_VERB, ERASE_VERB])],
};

/// A file of an export.
const FILE: &[Field] = &[
    Field::new("name", Kind::Text { min: 1, max: 100 }, "The name of the file, such as `students.json`.").required(),
    Field::new("table", Kind::Text { min: 1, max: 63 }, "The name of the table.").required(),
    Field::new(
        "rows",
        Kind::Rows(&[]),
        "The rows, oldest first, including deleted ones. Each has all data held except what is withheld.",
    )
    .required(),
];

/// Data that an export leaves out.
const WITHHELD: &[Field] = &[
    Field::new(
        "table",
        Kind::Text { min: 1, max: 63 },
        "The name of the table.",
    )
    .required(),
    Field::new(
        "what",
        Kind::Text { min: 1, max: 100 },
        "The column or rows that are withheld.",
    )
    .required(),
    Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 500 },
        "The reason for withholding it.",
    )
    .required(),
];

/// Exports all data of a person.
pub(crate) const EXPORT: Action = Action::post("/v1/privacy/subjects/{id}/export")
    .id("privacy.export")
    .summary("Export a person's data")
    .granted("privacy", EXPORT_VERB)
    .responds(ResponseSpec::fields(
        &[
            Field::new("subject", Kind::Id, "The account of the person.").required(),
            Field::new(
                "children",
                Kind::References {
                    table: "users",
                    items: 1000,
                },
                "The accounts of the person's children, if the person is a parent. Their data is included.",
            )
            .required(),
            Field::new("exported_at", Kind::Time, "The time at which the export was made.").required(),
            Field::new(
                "files",
                Kind::Rows(FILE),
                "The exported files, one for each table that has data.",
            )
            .required(),
            Field::new(
                "withheld",
                Kind::Rows(WITHHELD),
                "The data that is withheld, and why.",
            )
            .required(),
        ],
        "All data held on the person and, for a parent, on the children. Refused with 409 if it exceeds 20,000 rows or \
         32 MiB; `lms privacy export` has no such limit.",
    ))
    .custom(export);

/// Erases a person.
pub(crate) const ERASE: Action = Action::post("/v1/privacy/subjects/{id}/erase")
    .id("privacy.erase")
    .summary("Erase a person")
    .granted("privacy", ERASE_VERB)
    .body(&[Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 1000 },
        "The reason for the erasure, for the records: who asked for it, and when.",
    )
    .required()])
    .responds(ResponseSpec::fields(
        RECEIPT,
        "The receipt of the erasure. Personal fields are replaced in every table and in the event log; amounts, counts \
         and ids stay. An erasure cannot be undone. Refused with 409 for your own account, the last admin, a person \
         under a legal hold, and a person who has already been erased.",
    ))
    .sql(ERASE_SQL)
    .long_running();

fn export<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let statement = Statement::named(
            "privacy.export",
            "select
  lms.export_subject(($1->>'id')::uuid, 20000)::text as body,
  null::text as tag",
        );
        match context.run(&statement, context.path.clone()).await {
            Ok(answer) => {
                let body = answer.body.ok_or_else(|| {
                    Problem::new(ProblemKind::Internal).cause("an export without an answer")
                })?;
                Ok(Response::json(200, body))
            }
            Err(error) => sqlstate::into_response(error),
        }
    })
}

const ERASE_SQL: &str = "select
  lms.erase_subject(($1->>'id')::uuid, $1->'input'->>'reason')::text as body,
  null::text as tag";
