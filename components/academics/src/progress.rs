//! What has become of a student over time: ages, attendance and points, month by month.

use chrono::{Months, NaiveDate};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::Problem;
use platform::values::days;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

use crate::students::{AGE, PROGRESS};

/// Most months that are shown; twelve are unless the caller says so.
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
    Field::new("reading", AGE, "Of reading.").nullable(),
    Field::new("spelling", AGE, "Of spelling.").nullable(),
    Field::new("numeracy", AGE, "Of numeracy.").nullable(),
];
const GAINS: &[Field] = &[
    Field::new("reading", GAIN, "Of reading.").nullable(),
    Field::new("spelling", GAIN, "Of spelling.").nullable(),
    Field::new("numeracy", GAIN, "Of numeracy.").nullable(),
];
const ATTENDANCE: &[Field] = &[
    Field::new("present", COUNT, "Lessons that the student was at.").required(),
    Field::new("late", COUNT, "Lessons that the student was late for.").required(),
    Field::new("absent", COUNT, "Lessons that the student was absent from.").required(),
    Field::new(
        "excused",
        COUNT,
        "Lessons that the student was excused from.",
    )
    .required(),
];
const POINTS: Field = Field::new(
    "points",
    Kind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    },
    "Points of the time.",
)
.required();

const MONTH: &[Field] = &[
    Field::new("month", Kind::Date, "The first day of the month.").required(),
    Field::new(
        "academic_age",
        Kind::Object(AGES),
        "Ages in years by the latest assessments up to the month's end.",
    )
    .required(),
    Field::new(
        "gain",
        Kind::Object(GAINS),
        "Years gained since the end of the month before.",
    )
    .required(),
    Field::new(
        "attendance",
        Kind::Object(ATTENDANCE),
        "Lessons of the month.",
    )
    .required(),
    POINTS,
];

/// What has become of a student.
pub(crate) const SHOW: Action = Action::get("/v1/students/{id}/progress")
    .id("students.progress")
    .summary("Show a student's progress")
    .granted("students", PROGRESS)
    .query(&[
        Field::new(
            "from",
            Kind::Date,
            "A day of the first month; by default the eleventh month before the last.",
        ),
        Field::new(
            "to",
            Kind::Date,
            "A day of the last month; by default today, or `from` if that is later.",
        ),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new("student_id", Kind::Id, "The student.").required(),
            Field::new(
                "academic_age",
                Kind::Object(AGES),
                "The student's ages now.",
            )
            .required(),
            Field::new(
                "gain_per_month",
                Kind::Object(GAINS),
                "Years gained for each month between the first and the last assessment of \
            the time.",
            )
            .required(),
            Field::new(
                "attendance",
                Kind::Object(ATTENDANCE),
                "Lessons of the time.",
            )
            .required(),
            POINTS,
            Field::new(
                "months",
                Kind::Rows(MONTH),
                "The months, the earliest first.",
            )
            .required(),
        ],
        "Ages, gains, attendance and points by month, in the zone of the \
            student's centre.",
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
    // Today is the day of the student's centre, which the statement asks for.
    let (earliest, latest) = day("to").map_or_else(days::today_anywhere, |to| (to, to));
    let wrong = |detail: String| {
        let error = FieldError::parameter("from", "out_of_range", detail);
        Err(Problem::malformed(vec![error]))
    };
    if from > latest {
        return wrong("This must not be after the last day.".to_owned());
    }
    if from <= earliest - Months::new(MAX_MONTHS) {
        return wrong(format!(
            "This must be at most {MAX_MONTHS} months before the last day."
        ));
    }
    Ok(context.arguments())
}

const PROGRESS_SQL: &str = include_str!("progress.sql");
