//! When a tutor is free, held against a computation minute by minute, over changes of clocks too.

use anyhow::{Context, Result};
use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, Offset, SecondsFormat, TimeDelta,
    TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{Application, Session, people, role, rows, run, samples};
use uuid::Uuid;

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

/// Zones and, of each, days on which its clocks change.
const ZONES: [(&str, [Day; 2]); 4] = [
    ("Europe/London", [(2026, 3, 29), (2026, 10, 25)]),
    ("Australia/Sydney", [(2026, 4, 5), (2026, 10, 4)]),
    ("America/New_York", [(2026, 3, 8), (2026, 11, 1)]),
    // Half an hour.
    ("Australia/Lord_Howe", [(2026, 4, 5), (2026, 10, 4)]),
];

/// Start and end in minutes of the day.
type Window = (i64, i64);

/// What a tutor's time is made of; times are minutes of the day, days are counted from the first.
#[derive(Debug, Clone)]
struct Case {
    zone: usize,
    change: usize,
    /// Days from the first day to the change of clocks.
    before: i64,
    weekly: Vec<(usize, i64, i64)>,
    exceptions: Vec<(i64, bool, Option<Window>)>,
    /// Hours from the beginning, whether cancelled.
    lessons: Vec<(i64, bool)>,
    /// Minutes from the first day's midnight in UTC, and how long.
    from: i64,
    length: i64,
    minutes: i64,
}

fn window() -> impl Strategy<Value = Window> {
    // Many in the hours in which clocks change, not all of them in whole hours.
    prop_oneof![0..16i64, 0..96i64]
        .prop_flat_map(|start| (Just(start), start + 1..=96))
        .prop_map(|(start, end)| (start * 15, end * 15))
}

fn case() -> impl Strategy<Value = Case> {
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
    fn zone(&self) -> (&'static str, Tz) {
        let name = ZONES[self.zone].0;
        (name, name.parse().unwrap_or(Tz::UTC))
    }

    fn first_day(&self) -> NaiveDate {
        let (year, month, day) = ZONES[self.zone].1[self.change];
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default() - TimeDelta::days(self.before)
    }

    fn from(&self) -> DateTime<Utc> {
        self.first_day().and_time(Default::default()).and_utc() + TimeDelta::minutes(self.from)
    }

    fn to(&self) -> DateTime<Utc> {
        self.from() + TimeDelta::minutes(self.length)
    }

    fn lessons(&self) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>, bool)> {
        let first = self.first_day().and_time(Default::default()).and_utc();
        self.lessons.iter().map(move |(hour, is_cancelled)| {
            let start = first + TimeDelta::hours(*hour);
            (start, start + TimeDelta::minutes(50), *is_cancelled)
        })
    }

    fn availability(&self) -> Value {
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

    /// Whether the tutor is free in the minute, by asking each window, exception and lesson.
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

    /// Free stretches that are long enough, minute by minute.
    fn expected(&self) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
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

/// When a clock in the zone shows a time of the day, as RFC 5545 has it: the first of two, or with the offset before a gap.
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

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn slots(
    app: &Application,
    session: &Session,
    tutor: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    minutes: i64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    let path = format!(
        "/v1/tutors/{tutor}/free-slots?from={}&to={}&minutes={minutes}",
        written(from),
        written(to)
    );
    let body = app.get(session, &path).await?.expect(200).json();
    let data = body["data"].as_array().context("data")?;
    data.iter()
        .map(|slot| {
            let time = |name: &str| -> Result<DateTime<Utc>> {
                Ok(slot[name].as_str().context("a time")?.parse()?)
            };
            Ok((time("start")?, time("end")?))
        })
        .collect()
}

#[test]
fn free_slots_are_those_of_a_computation_minute_by_minute() {
    let cases = samples::draw(120, &case());
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut centres = Vec::new();
        for (index, (zone, _)) in ZONES.iter().enumerate() {
            let body = json!({"name": zone, "code": format!("zone-{index}"), "time_zone": zone, "currency": "EUR"});
            let made = app.post(&admin, "/v1/centres", body).await?.expect(201);
            centres.push(people::id(&made.json())?);
        }
        let mut found = 0;
        for case in &cases {
            let tutor = people::tutor(app, &admin, centres[case.zone], 1).await?;
            let change = json!({"availability": case.availability()});
            app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
                .await?
                .expect(200);
            let class = people::class(app, tutor).await?;
            for (start, end, is_cancelled) in case.lessons() {
                let status = if is_cancelled {
                    "cancelled"
                } else {
                    "scheduled"
                };
                people::lesson(app, class, &written(start), &written(end), status).await?;
            }
            let expected = case.expected();
            found += expected.len();
            let slots = slots(app, &admin, tutor, case.from(), case.to(), case.minutes).await?;
            assert_eq!(slots, expected, "{case:?} {}", case.zone().0);
            // The search agrees on who is free at all.
            let path = format!(
                "/v1/tutors/search?centre_id={}&limit=200&from={}&to={}&minutes={}",
                centres[case.zone],
                written(case.from()),
                written(case.to()),
                case.minutes
            );
            let body = app.get(&admin, &path).await?.expect(200).json();
            let is_found = body["data"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| one["id"] == json!(tutor));
            assert_eq!(is_found, !expected.is_empty(), "{case:?}");
            // A tutor with lessons ahead does not go.
            let over = "update lms.occurrences set status = 'cancelled' where class_id = $1 and status = 'scheduled'";
            rows::execute(app, over, &[&class]).await?;
            app.delete(&admin, &format!("/v1/tutors/{tutor}"))
                .await?
                .expect(204);
        }
        assert!(found > 100, "{found} slots are no test");
        Ok(())
    });
}

#[test]
fn no_availability_means_not_available() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let tutor = people::tutor(app, &admin, home, 1).await?;
        let (from, to) = (
            "2026-03-02T00:00:00Z".parse()?,
            "2026-03-09T00:00:00Z".parse()?,
        );
        assert!(slots(app, &admin, tutor, from, to, 1).await?.is_empty());
        for availability in [
            json!({"weekly": [], "exceptions": []}),
            json!({"exceptions": [{"date": "2026-03-04", "available": false}]}),
        ] {
            let change = json!({"availability": availability});
            app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
                .await?
                .expect(200);
            assert!(slots(app, &admin, tutor, from, to, 1).await?.is_empty());
        }
        let change =
            json!({"availability": {"exceptions": [{"date": "2026-03-04", "available": true}]}});
        app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
            .await?
            .expect(200);
        let whole_day = (
            "2026-03-04T00:00:00Z".parse()?,
            "2026-03-05T00:00:00Z".parse()?,
        );
        assert_eq!(
            slots(app, &admin, tutor, from, to, 1440).await?,
            [whole_day]
        );
        assert_eq!(
            NaiveDate::from_ymd_opt(2026, 3, 2).map(|day| day.weekday()),
            Some(Weekday::Mon)
        );
        Ok(())
    });
}

#[test]
fn a_window_keeps_to_the_wall_clock_across_a_change_and_lessons_are_half_open() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "London", "code": "london", "time_zone": "Europe/London", "currency": "GBP"});
        let centre = people::id(
            &app.post(&admin, "/v1/centres", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let tutor = people::tutor(app, &admin, centre, 1).await?;
        let change = json!({"availability": {"weekly": [{"weekday": "monday", "start": "16:00", "end": "18:00"}]}});
        app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
            .await?
            .expect(200);
        let class = people::class(app, tutor).await?;
        people::lesson(
            app,
            class,
            "2026-03-23T16:00:00Z",
            "2026-03-23T17:00:00Z",
            "scheduled",
        )
        .await?;
        let found = slots(
            app,
            &admin,
            tutor,
            "2026-03-23T00:00:00Z".parse()?,
            "2026-03-31T00:00:00Z".parse()?,
            60,
        )
        .await?;
        let expected: Vec<(DateTime<Utc>, DateTime<Utc>)> = vec![
            (
                "2026-03-23T17:00:00Z".parse()?,
                "2026-03-23T18:00:00Z".parse()?,
            ),
            (
                "2026-03-30T15:00:00Z".parse()?,
                "2026-03-30T17:00:00Z".parse()?,
            ),
        ];
        assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn each_role_asks_for_the_slots_of_tutors_within_its_sight() {
    run(async |app| {
        let (_, away) = rows::centres(app).await?;
        let own = people::own_tutor(app).await?;
        let far = rows::id(
            app,
            "select id from lms.tutors where centre_id = $1",
            &[&away],
        )
        .await?;
        let period = "from=2026-03-02T00:00:00Z&to=2026-03-09T00:00:00Z";
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let (near, distant) = match role {
                role::STUDENT | role::PARENT => (403, 403),
                role::TUTOR | role::SUPERVISOR => (200, 404),
                _ => (200, 200),
            };
            for (tutor, status) in [(own, near), (far, distant)] {
                let path = format!("/v1/tutors/{tutor}/free-slots?{period}");
                app.get(&session, &path).await?.expect(status);
            }
        }
        let admin = app.sign_in(role::ADMIN).await?;
        let theirs = rows::any(app, 1, "tutors").await?;
        app.get(&admin, &format!("/v1/tutors/{theirs}/free-slots?{period}"))
            .await?
            .expect(404);
        for query in [
            "",
            "from=2026-03-02T00:00:00Z",
            "to=2026-03-02T00:00:00Z",
            "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
            "from=2026-03-02T00:00:00Z&to=2027-03-01T00:00:00Z",
            "from=monday&to=tuesday",
            &format!("{period}&minutes=0"),
            &format!("{period}&minutes=1441"),
        ] {
            app.get(&admin, &format!("/v1/tutors/{own}/free-slots?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}
