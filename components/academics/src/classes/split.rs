//! This lesson and all that follow it: the class ends before it, and a new class goes on with what is different.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Call, Run, Shape};
use platform::declare::field::Field;
use platform::declare::validation::Purpose;
use platform::http::problem::Problem;
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, Value, json};

use super::{CHANGE_LESSON, CLASSES, answer};
use crate::occurrences::START;

/// What can be different from a lesson on.
const CHANGES: &[Field] = &[
    optional(CLASSES.fields[1]),
    optional(CLASSES.fields[2]),
    optional(CLASSES.fields[3]),
    optional(CLASSES.fields[5]),
    optional(CLASSES.fields[6]),
    optional(CLASSES.fields[7]),
    optional(CLASSES.fields[8]),
    optional(CLASSES.fields[9]),
];

const fn optional(field: Field) -> Field {
    Field {
        required: false,
        ..field
    }
}

/// Changes a lesson and all that follow it.
pub(crate) const SPLIT: Action = Action {
    method: Method::POST,
    path: "/v1/classes/{id}/occurrences/{start}/split",
    segments: &[START],
    operation: "classes.occurrences.split",
    summary: "Change a lesson and all that follow it",
    access: Access::Granted {
        resource: "classes",
        verb: CHANGE_LESSON,
    },
    body: Some(CHANGES),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(Shape::Resource(&CLASSES)),
        description: "The new class, which goes on from this lesson; the old one ends before it.",
        problems: &[],
    },
    run: Run::Prepared(prepare, split),
};

fn prepare(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let input = CLASSES.ruled(Purpose::Create, call.body.clone())?;
    let mut arguments = call.path.clone();
    arguments.insert("fresh".to_owned(), json!(random::id()));
    arguments.insert("input".to_owned(), Value::Object(input));
    Ok(arguments)
}

fn split(grant: &Grant) -> Statement {
    answer(
        Sql::from(
            "-- classes.occurrences.split
with r as (
  select r.*
  from lms.split_class(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    ($1->>'fresh')::uuid,
    $1->'input'
  ) as r
)
select
  ",
        ),
        grant,
        "classes.occurrences.split",
    )
}
