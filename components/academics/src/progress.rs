//! The progress of a student by month: academic ages, attendance and points. The analytics of many
//! students are in [`crate::analytics`].

use chrono::{Months, NaiveDate};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::Problem;
use platform::values::days;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

use crate::students::{AGE, PROGRESS_VERB};

/// The maximum number of months. The default is twelve.
const MAX_MONTHS: u32 = 60;

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
const GAIN: Kind = Kind::Decimal {
    min: -30,
    max: 30,
    places: 4,
};

const AGES: &[Field] = &[
    Field::new("reading", AGE, "The value for reading.").nullable(),
    Field::new("spelling", AGE, "The value for spelling.").nullable(),
    Field::new("numeracy", AGE, "The value for numeracy.").nullable(),
];
const GAINS: &[Field] = &[
    Field::new("reading", GAIN, "The value for reading.").nullable(),
    Field::new("spelling", GAIN, "The value for spelling.").nullable(),
    Field::new("numeracy", GAIN, "The value for numeracy.").nullable(),
];
const ATTENDANCE: &[Field] = &[
    Field::new(
        "present",
        COUNT,
        "The number of lessons at which the student was present.",
    )
    .required(),
    Field::new(
        "late",
        COUNT,
        "The number of lessons for which the student was late.",
    )
    .required(),
    Field::new(
        "absent",
        COUNT,
        "The number of lessons from which the student was absent.",
    )
    .required(),
    Field::new(
        "excused",
        COUNT,
        "The number of lessons from which the student was excused.",
    )
    .required(),
];
const POINTS: Field = Field::new(
    "points",
    Kind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    },
    "The points of the period.",
)
.required();

const MONTH: &[Field] = &[
    Field::new("month", Kind::Date, "The first day of the month.").required(),
    Field::new(
        "academic_age",
        Kind::Object(AGES),
        "The academic ages in years according to the latest assessments up to the end of the month.",
    )
    .required(),
    Field::new(
        "gain",
        Kind::Object(GAINS),
        "The years gained since the end of the previous month.",
    )
    .required(),
    Field::new(
        "attendance",
        Kind::Object(ATTENDANCE),
        "The student's attendance in the month.",
    )
    .required(),
    POINTS,
];

/// Gets the progress of a student.
pub(crate) const GET: Action = Action::get("/v1/students/{id}/progress")
    .id("students.progress")
    .summary("Get the progress of a student")
    .granted("students", PROGRESS_VERB)
    .query(&[
        Field::new(
            "from",
            Kind::Date,
            "A day in the first month of the period. Defaults to the eleventh month before the last one.",
        ),
        Field::new(
            "to",
            Kind::Date,
            "A day in the last month of the period. Defaults to today, or to `from` if that is later.",
        ),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new("student_id", Kind::Id, "The student.").required(),
            Field::new(
                "academic_age",
                Kind::Object(AGES),
                "The student's current academic ages in years.",
            )
            .required(),
            Field::new(
                "gain_per_month",
                Kind::Object(GAINS),
                "The years gained per month between the first and the last assessment of the period.",
            )
            .required(),
            Field::new(
                "attendance",
                Kind::Object(ATTENDANCE),
                "The student's attendance in the period.",
            )
            .required(),
            POINTS,
            Field::new(
                "months",
                Kind::Rows(MONTH),
                "The months of the period, earliest first.",
            )
            .required(),
        ],
        "The academic ages, gains, attendance and points by month, in the time zone of the student's centre.",
    ))
    .prepared_by(prepare)
    .sql(PROGRESS_SQL);

fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let day = |name: &str| {
        let text = context.query.get(name)?.as_str()?;
        text.parse::<NaiveDate>().ok()
    };
    let Some(from) = day("from") else {
        return Ok(context.arguments());
    };
    // The statement itself knows today's date in the zone of the student's centre.
    let (earliest, latest) = day("to").map_or_else(days::today_anywhere, |to| (to, to));
    let wrong = |detail: String| {
        let error = FieldError::parameter("from", "out_of_range", detail);
        Err(Problem::malformed(vec![error]))
    };
    if from > latest {
        return wrong("Must not be after the last day.".to_owned());
    }
    if from <= earliest - Months::new(MAX_MONTHS) {
        return wrong(format!(
            "Must be at most {MAX_MONTHS} months before the last day."
        ));
    }
    Ok(context.arguments())
}

const PROGRESS_SQL: &str = include_str!("progress.sql");
