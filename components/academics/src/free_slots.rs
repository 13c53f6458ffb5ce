//! The free time of tutors and the search for tutors: their windows and exceptions without their
//! lessons. The declaration of a tutor's availability is in [`crate::tutors`].

use chrono::{DateTime, TimeDelta};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::Problem;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value, json};

use crate::occurrences::PLANNED_UNTIL;
use crate::tutors::{FREE_SLOTS_VERB, SEARCH_VERB, SUBJECT};

/// The longest period that is searched, in days.
const MAX_DAYS: i64 = 62;
/// The default length of a slot, in minutes.
const DEFAULT_SLOT_MINUTES: u32 = 60;

const LENGTH: Kind = Kind::Integer { min: 1, max: 1440 };
const COUNT: Kind = Kind::Integer { min: 0, max: 1000 };

const FROM: Field = Field::new("from", Kind::Time, "The start of the period to search.");
const TO: Field = Field::new(
    "to",
    Kind::Time,
    "The end of the period to search, at most 62 days after `from`.",
);
const AT_LEAST: Field = Field::new(
    "minutes",
    LENGTH,
    "The minimum length of a slot in minutes. Defaults to 60.",
);

/// A period of free time.
const SLOT: &[Field] = &[
    Field::new("start", Kind::Time, "The start of the slot.").required(),
    Field::new("end", Kind::Time, "The end of the slot.").required(),
];

/// A tutor in the results of a search.
const SEARCH_RESULT: &[Field] = &[
    Field::new("id", Kind::Id, "The tutor.").required(),
    Field::new(
        "name",
        Kind::Text { min: 1, max: 200 },
        "The name of the tutor.",
    )
    .required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new(
        "subjects",
        Kind::Rows(SUBJECT),
        "The subjects that the tutor teaches.",
    )
    .required(),
    Field::new(
        "max_students",
        COUNT,
        "The maximum number of students that can be assigned to the tutor.",
    )
    .required(),
    Field::new(
        "current_students",
        COUNT,
        "The number of students assigned to the tutor.",
    )
    .required(),
    Field::new(
        "places",
        COUNT,
        "The number of free places: how many more students can be assigned to the tutor.",
    )
    .required(),
    Field::new(
        "slots",
        Kind::Rows(SLOT),
        "The first five free slots, if a period was given.",
    )
    .required(),
    PLANNED_UNTIL,
];

/// Lists the free slots of a tutor.
pub(crate) const FREE_SLOTS: Action = Action::get("/v1/tutors/{id}/free-slots")
    .id("tutors.free-slots")
    .summary("List the free slots of a tutor")
    .granted("tutors", FREE_SLOTS_VERB)
    .query(&[FROM.required(), TO.required(), AT_LEAST])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(SLOT),
                "The free slots in their full length, earliest first.",
            )
            .required(),
            PLANNED_UNTIL,
        ],
        "The times when the tutor is available and has no lesson.",
    ))
    .prepared_by(prepare)
    .sql(FREE_SLOTS_SQL);

/// Searches for tutors.
pub(crate) const SEARCH_TUTORS: Action = Action::get("/v1/tutors/search")
    .id("tutors.search")
    .summary("Search tutors")
    .granted("tutors", SEARCH_VERB)
    .query(&[
        Field::new(
            "subject",
            Kind::Text { min: 1, max: 100 },
            "Only tutors who teach this subject. Case is ignored.",
        ),
        Field::new(
            "level",
            Kind::Text { min: 1, max: 100 },
            "Only tutors who teach the subject at this level, or at every level.",
        ),
        FROM,
        TO,
        AT_LEAST,
        Field::new(
            "places",
            COUNT,
            "Only tutors with at least this many free places. Defaults to 0.",
        ),
        Field::new("centre_id", Kind::Id, "Only tutors of this centre."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "The maximum number of tutors to return. Defaults to 50.",
        ),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(SEARCH_RESULT),
                "The tutors, those with the most free places first.",
            )
            .required(),
            PLANNED_UNTIL,
        ],
        "The tutors that match all parameters.",
    ))
    .prepared_by(prepare)
    .sql(SEARCH_SQL);

/// Checks the parameters together: the period has a beginning, and a later end.
fn prepare(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let time = |name: &str| {
        let text = context.query.get(name)?.as_str()?;
        DateTime::parse_from_rfc3339(text).ok()
    };
    let wrong = match (time("from"), time("to")) {
        (Some(from), Some(to)) if to <= from => {
            Some(("to", "out_of_range", "Must be after `from`."))
        }
        (Some(from), Some(to)) if to - from > TimeDelta::days(MAX_DAYS) => Some((
            "to",
            "out_of_range",
            "Must be at most 62 days after `from`.",
        )),
        (Some(_), None) => Some(("to", "required", "Required together with `from`.")),
        (None, Some(_)) => Some(("from", "required", "Required together with `to`.")),
        (None, None) if context.query.contains_key("minutes") => {
            Some(("from", "required", "Required together with `minutes`."))
        }
        _ => None,
    };
    if let Some((name, code, detail)) = wrong {
        let error = FieldError::parameter(name, code, detail);
        return Err(Problem::malformed(vec![error]));
    }
    let mut arguments = context.arguments();
    arguments
        .entry("minutes")
        .or_insert_with(|| json!(DEFAULT_SLOT_MINUTES));
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
