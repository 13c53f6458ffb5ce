//! Tests that two independent parsers read the same occurrences from a feed as the database has, across clock changes.

use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};
use tests::{
    Application, Session,
    calendar_feed::{read, subscribe},
    queries, role, run, run_python,
};
use uuid::Uuid;

/// The parsers, which `tests/support/python` describes. Both get the same calendar.
const READERS: [&str; 2] = ["icalendar", "dateutil"];

/// The start of the series. Between it and the horizon, the clocks of each zone change at least
/// twice, whenever the test runs.
const BEGIN: &str = "2026-02-02";

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns class, start and end of each occurrence that a parser finds between two times.
async fn parse_occurrences(
    reader: &str,
    calendar: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<String>> {
    let file = tempfile::Builder::new().suffix(".ics").tempfile()?;
    std::fs::write(file.path(), calendar)?;
    let output = run_python(
        "feed_occurrences.py",
        [
            OsStr::new(reader),
            file.path().as_os_str(),
            OsStr::new(&text(from)),
            OsStr::new(&text(until)),
        ],
    )
    .await?;
    Ok(output.lines().map(str::to_owned).collect())
}

/// Returns the same lines from the database, for some classes and for one student or all students.
async fn database_occurrences(
    app: &Application,
    classes: &[Uuid],
    student: Option<Uuid>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<String>> {
    let mut lines = queries::fetch_texts(
        app,
        r#"select concat_ws(
          ' ',
          o.class_id,
          to_char(o.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          to_char(o.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        )
        from lms.occurrences as o
        where o.class_id = any ($1)
          and o.status <> 'cancelled'
          and o.deleted_at is null
          and o.starts_at < $4
          and o.ends_at > $3
          and (
            $2::uuid is null
            or exists (
              select from lms.attendances as a
              where a.occurrence_id = o.id
                and a.student_id = $2
                and a.deleted_at is null
            )
          )"#,
        &[&classes, &student, &from, &until],
    )
    .await?;
    lines.sort();
    Ok(lines)
}

/// Reads a feed with both parsers and compares it with the database.
async fn compare(
    app: &Application,
    path: &str,
    classes: &[Uuid],
    student: Option<Uuid>,
) -> Result<String> {
    // The comparison ends before the horizon, after which the database has no lessons yet.
    let (from, until) = (
        "2020-01-01T00:00:00Z".parse()?,
        Utc::now() + Duration::weeks(25),
    );
    let calendar = read(app, path).await?.expect(200).text;
    let expected = database_occurrences(app, classes, student, from, until).await?;
    ensure!(!expected.is_empty());
    for reader in READERS {
        let mut lines = parse_occurrences(reader, &calendar, from, until).await?;
        lines.retain(|line| {
            classes
                .iter()
                .any(|class| line.starts_with(&class.to_string()))
        });
        assert_eq!(lines, expected, "{reader}\n{calendar}");
    }
    Ok(calendar)
}

/// A tutor without classes and a student of the same centre, with the tutor's feed.
struct FeedFixture {
    admin: Session,
    centre: Uuid,
    tutor: Uuid,
    student: Uuid,
    tutors_calendar: String,
}

const PASSWORD: &str = "a password of some length";

/// Creates a user with a profile and a session, and returns the id of the profile's row.
pub(crate) async fn create_person(
    app: &Application,
    admin: &Session,
    centre: Uuid,
    role: &str,
    profile: Value,
) -> Result<(Session, Uuid)> {
    let email = format!("{role}-{}@aurora.example", Uuid::now_v7().simple());
    let body = json!({
        "name": "Robin Reader",
        "email": email,
        "role": role,
        "centre_id": centre,
        "password": PASSWORD,
        "profile": profile,
    });
    app.post(admin, "/v1/users", body).await?.expect(201);
    let session = app
        .sign_in_as(&app.demo.tenants[0].slug, &email, PASSWORD)
        .await?;
    let sql = format!("select id from lms.{role}s where user_id = $1");
    let id = queries::fetch_id(app, &sql, &[&session.user]).await?;
    Ok((session, id))
}

async fn set_up(app: &Application) -> Result<FeedFixture> {
    let admin = app.sign_in(role::ADMIN).await?;
    let (centre, _) = queries::demo_centres(app).await?;
    let (session, tutor) =
        create_person(app, &admin, centre, "tutor", json!({"max_students": 5})).await?;
    let born = json!({"dob": "2015-05-05"});
    let (_, student) = create_person(app, &admin, centre, "student", born).await?;
    Ok(FeedFixture {
        tutors_calendar: subscribe(app, &session).await?,
        admin,
        centre,
        tutor,
        student,
    })
}

impl FeedFixture {
    async fn create_class(&self, app: &Application, schedule: Value) -> Result<Uuid> {
        let body = json!({
            "centre_id": self.centre,
            "tutor_id": self.tutor,
            "student_ids": [self.student],
            "subject": "mathematics",
            "schedule": schedule,
        });
        let created = app
            .post(&self.admin, "/v1/classes", body)
            .await?
            .expect(201);
        let id = created.json()["id"].as_str().map(str::to_owned);
        Ok(id.context("no id")?.parse()?)
    }

    /// Sends an action for a future occurrence. The next one has the number 0.
    async fn change(
        &self,
        app: &Application,
        class: Uuid,
        number: usize,
        change: impl FnOnce(DateTime<Utc>) -> (&'static str, Value),
    ) -> Result<()> {
        let starts = app
            .superuser()
            .await?
            .query(
                "select original_start
                from lms.occurrences
                where class_id = $1 and starts_at > now() and deleted_at is null
                order by original_start",
                &[&class],
            )
            .await?;
        let start: DateTime<Utc> = starts.get(number).context("no such occurrence")?.get(0);
        let (action, body) = change(start);
        let path = format!("/v1/classes/{class}/occurrences/{}/{action}", text(start));
        app.post(&self.admin, &path, body).await?.expect(200);
        Ok(())
    }
}

/// Returns the schedule of a series of one-hour lessons.
fn hour(date: &str, hour: u32, zone: &str, rule: &str, except: &[String]) -> Value {
    json!({
        "start": format!("{date}T{hour:02}:00:00"),
        "end": format!("{date}T{:02}:00:00", hour + 1),
        "time_zone": zone,
        "recurring": {"rule": rule, "except": except},
    })
}

#[test]
fn two_independent_parsers_find_the_same_occurrences_across_clock_changes() {
    run(async |app| {
        let stage = set_up(app).await?;
        let mut classes = Vec::new();
        // At these hours, classes in different zones overlap neither in summer nor in winter.
        for (zone, first) in [
            ("Europe/London", 8),
            ("Australia/Sydney", 12),
            ("America/New_York", 15),
        ] {
            let except = ["2026-03-30", "2026-04-06", "2026-11-02"]
                .map(|date| format!("{date}T{first:02}:00:00"));
            let weekly = hour(BEGIN, first, zone, "FREQ=WEEKLY;BYDAY=MO", &except);
            let weekly = stage.create_class(app, weekly).await?;
            stage
                .change(app, weekly, 2, |_| ("cancel", json!({"reason": "holiday"})))
                .await?;
            stage
                .change(app, weekly, 4, |start| {
                    let start = start + Duration::days(5);
                    let end = start + Duration::minutes(90);
                    (
                        "move",
                        json!({"starts_at": text(start), "ends_at": text(end)}),
                    )
                })
                .await?;
            classes.push(weekly);
            for (more, date, rule) in [
                (1, BEGIN, "FREQ=WEEKLY;INTERVAL=2"),
                (2, "2026-02-10", "FREQ=MONTHLY;BYDAY=2TU"),
                (3, BEGIN, "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=120"),
                (4, BEGIN, "FREQ=WEEKLY;UNTIL=20270329T235959Z"),
            ] {
                let schedule = hour(date, first + more, zone, rule, &[]);
                classes.push(stage.create_class(app, schedule).await?);
            }
        }
        let calendar = compare(app, &stage.tutors_calendar, &classes, None).await?;
        for part in ["VTIMEZONE", "RRULE:", "EXDATE;", "RECURRENCE-ID;"] {
            assert!(calendar.contains(part), "{part}");
        }
        Ok(())
    });
}

#[test]
fn the_parsers_find_other_occurrences_in_an_altered_calendar() {
    run(async |app| {
        let stage = set_up(app).await?;
        let except = ["2026-03-30T08:00:00".to_owned()];
        let rule = "FREQ=WEEKLY;BYDAY=MO";
        let schedule = hour(BEGIN, 8, "Europe/London", rule, &except);
        let class = stage.create_class(app, schedule).await?;
        stage
            .change(app, class, 1, |start| {
                let (start, end) = (start + Duration::hours(1), start + Duration::hours(2));
                (
                    "move",
                    json!({"starts_at": text(start), "ends_at": text(end)}),
                )
            })
            .await?;
        let calendar = compare(app, &stage.tutors_calendar, &[class], None).await?;
        let until = Utc::now() + Duration::weeks(25);
        for (part, instead) in [
            ("EXDATE;TZID=Europe/London:20260330T080000\r\n", ""),
            ("TZOFFSETTO:+0100", "TZOFFSETTO:+0200"),
            ("BYMONTH=10;BYDAY=-1SU", "BYMONTH=11;BYDAY=-1SU"),
            (
                "RECURRENCE-ID;TZID=Europe/London:20",
                "RECURRENCE-ID;TZID=Europe/London:19",
            ),
            ("FREQ=WEEKLY;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        ] {
            assert!(calendar.contains(part), "{part}");
            let wrong = calendar.replace(part, instead);
            for reader in READERS {
                let begin = "2020-01-01T00:00:00Z".parse()?;
                let right = parse_occurrences(reader, &calendar, begin, until).await?;
                assert_ne!(
                    parse_occurrences(reader, &wrong, begin, until).await?,
                    right,
                    "{reader}: {part}"
                );
            }
        }
        Ok(())
    });
}

#[test]
fn past_lessons_stay_in_the_feed_when_the_schedule_changes() {
    run(async |app| {
        let stage = set_up(app).await?;
        let weekly = |hour_of_day| {
            hour(
                BEGIN,
                hour_of_day,
                "Europe/London",
                "FREQ=WEEKLY;BYDAY=MO",
                &[],
            )
        };
        let class = stage.create_class(app, weekly(8)).await?;
        compare(app, &stage.tutors_calendar, &[class], None).await?;
        let path = format!("/v1/classes/{class}");
        app.patch(&stage.admin, &path, json!({"schedule": weekly(10)}))
            .await?
            .expect(200);
        let longer = json!({
            "start": "2026-02-03T11:00:00",
            "end": "2026-02-03T13:00:00",
            "time_zone": "Europe/London",
            "recurring": {"rule": "FREQ=WEEKLY;BYDAY=TU,TH"},
        });
        compare(app, &stage.tutors_calendar, &[class], None).await?;
        app.patch(&stage.admin, &path, json!({"schedule": longer}))
            .await?
            .expect(200);
        compare(app, &stage.tutors_calendar, &[class], None).await?;
        Ok(())
    });
}

#[test]
fn a_class_that_has_ended_ends_in_the_feed() {
    run(async |app| {
        let stage = set_up(app).await?;
        for (hour_of_day, action) in [(8, "cancel"), (9, "complete")] {
            let schedule = hour(
                BEGIN,
                hour_of_day,
                "Europe/London",
                "FREQ=WEEKLY;BYDAY=MO",
                &[],
            );
            let class = stage.create_class(app, schedule).await?;
            let path = format!("/v1/classes/{class}/{action}");
            app.post(&stage.admin, &path, json!({})).await?.expect(200);
            compare(app, &stage.tutors_calendar, &[class], None).await?;
        }
        Ok(())
    });
}

#[test]
fn a_student_who_joins_later_sees_only_later_lessons() {
    run(async |app| {
        let stage = set_up(app).await?;
        let schedule = hour(BEGIN, 8, "America/New_York", "FREQ=WEEKLY;BYDAY=MO", &[]);
        let class = stage.create_class(app, schedule).await?;
        let born = json!({"dob": "2016-06-06"});
        let (session, late) =
            create_person(app, &stage.admin, stage.centre, "student", born).await?;
        let both = json!({"student_ids": [stage.student, late]});
        app.patch(&stage.admin, &format!("/v1/classes/{class}"), both)
            .await?
            .expect(200);
        let path = subscribe(app, &session).await?;
        compare(app, &path, &[class], Some(late)).await?;
        compare(app, &stage.tutors_calendar, &[class], None).await?;
        Ok(())
    });
}
