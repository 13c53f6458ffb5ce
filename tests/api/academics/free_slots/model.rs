//! A minute-by-minute model of free slots, which the tests compare with the service.

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Year, month and day.
type Day = (i32, u32, u32);

/// Time zones with days on which their clocks change.
pub(super) const ZONES: [(&str, [Day; 2]); 4] = [
    ("Europe/London", [(2026, 3, 29), (2026, 10, 25)]),
    ("Australia/Sydney", [(2026, 4, 5), (2026, 10, 4)]),
    ("America/New_York", [(2026, 3, 8), (2026, 11, 1)]),
    // This clock change is half an hour.
    ("Australia/Lord_Howe", [(2026, 4, 5), (2026, 10, 4)]),
];

/// Start and end in minutes of the day.
type Window = (i64, i64);

/// A tutor's availability and lessons, and the period and duration of a request. Times are minutes
/// of the day, and days are counted from the first one.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) zone: usize,
    change: usize,
    /// The days from the first day to the clock change.
    before: i64,
    weekly: Vec<(usize, i64, i64)>,
    exceptions: Vec<(i64, bool, Option<Window>)>,
    /// The start in hours from midnight UTC of the first day, and true if the lesson is cancelled.
    lessons: Vec<(i64, bool)>,
    /// The start of the period in minutes from midnight UTC of the first day, and its length.
    from: i64,
    length: i64,
    pub(super) minutes: i64,
}

fn window() -> impl Strategy<Value = Window> {
    // Many times are in the hours in which clocks change, and not all of them on the hour.
    prop_oneof![0..16i64, 0..96i64]
        .prop_flat_map(|start| (Just(start), start + 1..=96))
        .prop_map(|(start, end)| (start * 15, end * 15))
}

/// Generates tutors with availability, exceptions and lessons, and the period and duration of a request.
pub(super) fn case() -> impl Strategy<Value = Case> {
    (
        (0..ZONES.len(), 0..2usize, 0..4i64),
        proptest::collection::vec((0..7usize, window()), 0..8),
        proptest::collection::vec(
            (0..6i64, any::<bool>(), proptest::option::of(window())),
            0..4,
        ),
        proptest::collection::btree_map(0..120i64, any::<bool>(), 0..10),
        (0..2880i64, 30..7200i64, 1..240i64),
    )
        .prop_map(
            |((zone, change, before), weekly, exceptions, lessons, (from, length, minutes))| Case {
                zone,
                change,
                before,
                weekly: weekly
                    .into_iter()
                    .map(|(day, (start, end))| (day, start, end))
                    .collect(),
                exceptions,
                lessons: lessons.into_iter().collect(),
                from,
                length,
                minutes,
            },
        )
}

impl Case {
    pub(super) fn zone(&self) -> (&'static str, Tz) {
        let name = ZONES[self.zone].0;
        (name, name.parse().unwrap_or(Tz::UTC))
    }

    fn first_day(&self) -> NaiveDate {
        let (year, month, day) = ZONES[self.zone].1[self.change];
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default() - TimeDelta::days(self.before)
    }

    pub(super) fn from(&self) -> DateTime<Utc> {
        self.first_day().and_time(Default::default()).and_utc() + TimeDelta::minutes(self.from)
    }

    pub(super) fn to(&self) -> DateTime<Utc> {
        self.from() + TimeDelta::minutes(self.length)
    }

    pub(super) fn lessons(&self) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>, bool)> {
        let first = self.first_day().and_time(Default::default()).and_utc();
        self.lessons.iter().map(move |(hour, is_cancelled)| {
            let start = first + TimeDelta::hours(*hour);
            (start, start + TimeDelta::minutes(50), *is_cancelled)
        })
    }

    pub(super) fn availability(&self) -> Value {
        let time = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let weekly: Vec<Value> = self
            .weekly
            .iter()
            .map(|(day, start, end)| json!({"weekday": WEEKDAYS[*day], "start": time(*start), "end": time(*end)}))
            .collect();
        let exceptions: Vec<Value> = self
            .exceptions
            .iter()
            .map(|(day, available, window)| {
                let date = self.first_day() + TimeDelta::days(*day);
                match window {
                    None => json!({"date": date, "available": available}),
                    Some((start, end)) => {
                        json!({"date": date, "available": available, "start": time(*start), "end": time(*end)})
                    }
                }
            })
            .collect();
        json!({"weekly": weekly, "exceptions": exceptions})
    }

    /// Returns whether the tutor is free in a minute, by checking each window, exception and lesson.
    fn is_free(&self, minute: DateTime<Utc>) -> bool {
        let zone = self.zone().1;
        let is_within = |day: NaiveDate, start: i64, end: i64| {
            instant(zone, day, start) <= minute && minute < instant(zone, day, end)
        };
        let today = minute.with_timezone(&zone).date_naive();
        let near = [
            today - TimeDelta::days(1),
            today,
            today + TimeDelta::days(1),
        ];
        let is_weekly = self.weekly.iter().any(|(weekday, start, end)| {
            near.into_iter()
                .filter(|day| day.weekday().num_days_from_monday() as usize == *weekday)
                .any(|day| is_within(day, *start, *end))
        });
        let is_excepted = |wanted: bool| {
            self.exceptions
                .iter()
                .filter(|(_, available, _)| *available == wanted)
                .any(|(day, _, window)| {
                    let (start, end) = window.unwrap_or((0, 24 * 60));
                    is_within(self.first_day() + TimeDelta::days(*day), start, end)
                })
        };
        let is_booked = self
            .lessons()
            .any(|(start, end, is_cancelled)| !is_cancelled && start <= minute && minute < end);
        (is_weekly || is_excepted(true)) && !is_excepted(false) && !is_booked
    }

    /// Returns the free periods that are long enough, by checking each minute.
    pub(super) fn expected(&self) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let mut stretches = Vec::new();
        let mut begun: Option<DateTime<Utc>> = None;
        for offset in 0..=self.length {
            let minute = self.from() + TimeDelta::minutes(offset);
            let is_free = offset < self.length && self.is_free(minute);
            match (begun, is_free) {
                (None, true) => begun = Some(minute),
                (Some(start), false) => {
                    stretches.push((start, minute));
                    begun = None;
                }
                _ => {}
            }
        }
        stretches.retain(|(start, end)| *end - *start >= TimeDelta::minutes(self.minutes));
        stretches
    }
}

/// Returns the instant of a local time by RFC 5545: the first of two, or with the offset before a gap.
fn instant(zone: Tz, day: NaiveDate, minutes: i64) -> DateTime<Utc> {
    let local: NaiveDateTime = day.and_time(Default::default()) + TimeDelta::minutes(minutes);
    match zone.from_local_datetime(&local) {
        LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => found.with_timezone(&Utc),
        LocalResult::None => {
            let before = zone.offset_from_local_datetime(&(local - TimeDelta::hours(6)));
            let offset = before
                .earliest()
                .map(|offset| offset.fix().local_minus_utc());
            (local - TimeDelta::seconds(i64::from(offset.unwrap_or_default()))).and_utc()
        }
    }
}
