//! When tutors are free, and who of them teaches what: their windows and exceptions less their lessons.

use chrono::{DateTime, TimeDelta};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::Problem;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value, json};

use crate::occurrences::PLANNED_UNTIL;
use crate::tutors::{SEARCH, SLOTS, SUBJECT};

/// Longest time that is looked at.
const MAX_DAYS: i64 = 62;
/// Shortest slot, unless the caller says so.
const MINUTES: u32 = 60;

const LENGTH: Kind = Kind::Integer { min: 1, max: 1440 };
const COUNT: Kind = Kind::Integer { min: 0, max: 1000 };

const FROM: Field = Field::new("from", Kind::Time, "When to begin.");
const TO: Field = Field::new(
    "to",
    Kind::Time,
    "When to end; at most 62 days after the beginning.",
);
const AT_LEAST: Field = Field::new(
    "minutes",
    LENGTH,
    "How long a slot must be at least; 60 by default.",
);

/// A stretch of free time.
const SLOT: &[Field] = &[
    Field::new("start", Kind::Time, "When it begins.").required(),
    Field::new("end", Kind::Time, "When it ends.").required(),
];

/// A tutor as a search finds one.
const FOUND: &[Field] = &[
    Field::new("id", Kind::Id, "The tutor.").required(),
    Field::new("name", Kind::Text { min: 1, max: 200 }, "The name.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("subjects", Kind::Rows(SUBJECT), "What the tutor teaches.").required(),
    Field::new("max_students", COUNT, "How many students the tutor takes.").required(),
    Field::new(
        "current_students",
        COUNT,
        "How many students the tutor has.",
    )
    .required(),
    Field::new("places", COUNT, "How many more the tutor takes.").required(),
    Field::new(
        "slots",
        Kind::Rows(SLOT),
        "The first five free stretches, where a time was asked for.",
    )
    .required(),
    PLANNED_UNTIL,
];

/// When a tutor is free.
pub(crate) const FREE_SLOTS: Action = Action::get("/v1/tutors/{id}/free-slots")
    .id("tutors.free-slots")
    .summary("Show when a tutor is free")
    .granted("tutors", SLOTS)
    .query(&[FROM.required(), TO.required(), AT_LEAST])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(SLOT),
                "Free stretches as long as they are, the earliest first.",
            )
            .required(),
            PLANNED_UNTIL,
        ],
        "When the tutor is available and teaches nothing.",
    ))
    .prepared_by(prepare)
    .sql(FREE_SLOTS_SQL);

/// Finds tutors.
pub(crate) const SEARCH_TUTORS: Action = Action::get("/v1/tutors/search")
    .id("tutors.search")
    .summary("Find tutors by what they teach and when they are free")
    .granted("tutors", SEARCH)
    .query(&[
        Field::new(
            "subject",
            Kind::Text { min: 1, max: 100 },
            "Only who teaches this, upper and lower case alike.",
        ),
        Field::new(
            "level",
            Kind::Text { min: 1, max: 100 },
            "Only who teaches the subject at this level, or at every level.",
        ),
        FROM,
        TO,
        AT_LEAST,
        Field::new(
            "places",
            COUNT,
            "Only who takes so many more students; 0 by default.",
        ),
        Field::new("centre_id", Kind::Id, "Only of this centre."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "Most tutors; 50 by default.",
        ),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(FOUND),
                "The tutors, those with most places first.",
            )
            .required(),
            PLANNED_UNTIL,
        ],
        "Tutors that match all that was asked for.",
    ))
    .prepared_by(prepare)
    .sql(SEARCH_SQL);

/// Checks what holds between the parameters: a time has a beginning and an end behind it.
fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let time = |name: &str| {
        let text = context.query.get(name)?.as_str()?;
        DateTime::parse_from_rfc3339(text).ok()
    };
    let wrong = match (time("from"), time("to")) {
        (Some(from), Some(to)) if to <= from => {
            Some(("to", "out_of_range", "This must be after the beginning."))
        }
        (Some(from), Some(to)) if to - from > TimeDelta::days(MAX_DAYS) => Some((
            "to",
            "out_of_range",
            "This must be at most 62 days after the beginning.",
        )),
        (Some(_), None) => Some(("to", "required", "A time has an end.")),
        (None, Some(_)) => Some(("from", "required", "A time has a beginning.")),
        (None, None) if context.query.contains_key("minutes") => {
            Some(("from", "required", "Slots are looked for within a time."))
        }
        _ => None,
    };
    if let Some((name, code, detail)) = wrong {
        let error = FieldError::parameter(name, code, detail);
        return Err(Problem::malformed(vec![error]));
    }
    let mut arguments = context.arguments();
    arguments.entry("minutes").or_insert_with(|| json!(MINUTES));
    Ok(arguments)
}

const FREE_SLOTS_SQL: &str = "select
  json_build_object(
    'data', coalesce(
      json_agg(json_build_object('start', lms.utc(s.starts_at), 'end', lms.utc(s.ends_at)) order by s.starts_at)
        filter (where s.starts_at is not null),
      '[]'
    ),
    'planned_until', (select lms.utc(p.planned_until) from lms.tutors_planned_until(array[r.id]) as p)
  )::text as body,
  null::text as tag
from lms.tutors as r
left join lateral (
  select lower(u.slot) as starts_at, upper(u.slot) as ends_at
  from lms.free_times(array[r.id], ($1->>'from')::timestamptz, ($1->>'to')::timestamptz) as f
  cross join unnest(f.free) as u (slot)
  where upper(u.slot) - lower(u.slot) >= make_interval(mins => ($1->>'minutes')::integer)
    and r.left_at is null
) as s
  on true
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null
group by r.id";

const SEARCH_SQL: &str = include_str!("free_slots.sql");
