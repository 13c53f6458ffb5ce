//! Splits a class at a lesson: the class ends before the lesson, and a new class with the changed
//! fields begins there. A change of one lesson alone is in [`crate::occurrences`].

use platform::auth::policy::Grant;
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::Field;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::validation::WriteMode;
use platform::http::problem::Problem;
use platform::sql::statement::Sql;
use platform::values::random;
use serde_json::{Map, Value, json};

use super::{CHANGE_LESSON_VERB, CLASSES, START, select_class};

/// The fields that can change with a split.
const CHANGES: &[Field] = &[
    optional(CLASSES.declared("tutor_id")),
    optional(CLASSES.declared("student_ids")),
    optional(CLASSES.declared("schedule")),
    optional(CLASSES.declared("subject")),
    optional(CLASSES.declared("level")),
    optional(CLASSES.declared("room")),
    optional(CLASSES.declared("meeting_provider")),
    optional(CLASSES.declared("meeting_url")),
];

const fn optional(field: Field) -> Field {
    Field {
        required: false,
        ..field
    }
}

/// Splits a class at a lesson.
pub(crate) const SPLIT: Action = Action::post("/v1/classes/{id}/occurrences/{start}/split")
    .id("classes.occurrences.split")
    .segments(&[START])
    .summary("Split a class at a lesson")
    .granted("classes", CHANGE_LESSON_VERB)
    .body(CHANGES)
    .responds(
        ResponseSpec::resource(
            &CLASSES,
            "The new class, which begins with this lesson. The former class ends before it.",
        )
        .status(201),
    )
    .prepared_by(prepare)
    .sql_for_grant(split);

fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let input = CLASSES.validated(WriteMode::Create, context.body.clone())?;
    let mut arguments = context.path.clone();
    arguments.insert("new_class_id".to_owned(), json!(random::id()));
    arguments.insert("input".to_owned(), Value::Object(input));
    Ok(arguments)
}

fn split(grant: &Grant) -> Sql {
    select_class(
        Sql::from(
            "with r as (
  select r.*
  from lms.split_class(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    ($1->>'new_class_id')::uuid,
    $1->'input'
  ) as r
)
select
  ",
        ),
        grant,
    )
}
