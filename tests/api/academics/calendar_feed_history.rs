//! Tests that past lessons stay in the feeds of their tutor and students, and in no others.

use anyhow::Result;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};
use tests::{
    Application, Session,
    calendar_feed::{read, subscribe},
    fixtures, queries, role, run, run_python,
};
use uuid::Uuid;

use crate::academics::calendar_feed_readers::create_person;

/// Returns the start times in a feed.
async fn starts(app: &Application, session: &Session) -> Result<Vec<String>> {
    let path = subscribe(app, session).await?;
    let calendar = read(app, &path).await?.expect(200).text;
    if !calendar.contains("BEGIN:VEVENT") {
        return Ok(Vec::new());
    }
    let file = tempfile::Builder::new().suffix(".ics").tempfile()?;
    std::fs::write(file.path(), calendar)?;
    let file = file.path().to_string_lossy().into_owned();
    let (from, to) = (
        "2020-01-01T00:00:00Z",
        text(Utc::now() + Duration::weeks(20)),
    );
    let output = run_python(
        "feed_occurrences.py",
        ["dateutil", file.as_str(), from, to.as_str()],
    )
    .await?;
    let mut starts: Vec<String> = output
        .lines()
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect();
    starts.sort();
    Ok(starts)
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[test]
fn past_lessons_stay_in_the_feeds_of_their_tutor_and_students() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (centre, _) = queries::demo_centres(app).await?;
        let mut tutors = Vec::new();
        let mut students = Vec::new();
        for _ in 0..2 {
            tutors.push(
                create_person(app, &admin, centre, "tutor", json!({"max_students": 5})).await?,
            );
            let born = json!({"dob": "2015-05-05"});
            students.push(create_person(app, &admin, centre, "student", born).await?);
        }
        let first = (Utc::now() - Duration::days(17)).date_naive();
        let body = json!({
            "centre_id": centre,
            "tutor_id": tutors[0].1,
            "student_ids": [students[0].1],
            "schedule": {
                "start": format!("{first}T16:00:00"),
                "end": format!("{first}T17:00:00"),
                "time_zone": "Europe/Lisbon",
                "recurring": {"rule": "FREQ=WEEKLY;COUNT=12"},
            },
        });
        let class = app
            .post(&admin, "/v1/classes", body)
            .await?
            .expect(201)
            .json();
        let path = format!("/v1/classes/{}", class["id"].as_str().unwrap_or_default());
        let lesson_times = async |condition: &str, id: Uuid| -> Result<Vec<String>> {
            queries::fetch_texts(
                app,
                &format!(
                    "select to_char(o.starts_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
                    from lms.occurrences as o
                    where o.class_id = $1 and {condition} and o.status <> 'cancelled' and o.deleted_at is null
                    order by o.starts_at"
                ),
                &[&fixtures::parse_id(&class)?, &id],
            )
            .await
        };
        let of_tutor = "o.tutor_id = $2";
        let of_student = "exists (
            select from lms.attendances as a
            where a.occurrence_id = o.id and a.student_id = $2 and a.deleted_at is null)";
        assert_eq!(starts(app, &tutors[0].0).await?.len(), 12);

        let zone: Value = json!({"schedule": {
            "start": format!("{first}T15:00:00"),
            "end": format!("{first}T16:30:00"),
            "time_zone": "Europe/Paris",
            "recurring": {"rule": "FREQ=WEEKLY;COUNT=12"},
        }});
        for change in [
            json!({"tutor_id": tutors[1].1, "student_ids": [students[1].1]}),
            zone,
        ] {
            app.patch(&admin, &path, change).await?.expect(200);
            for (number, (session, tutor)) in tutors.iter().enumerate() {
                let expected = lesson_times(of_tutor, *tutor).await?;
                assert!(expected.len() > 2, "{expected:?}");
                assert_eq!(starts(app, session).await?, expected, "tutor {number}");
            }
            for (number, (session, student)) in students.iter().enumerate() {
                let expected = lesson_times(of_student, *student).await?;
                assert!(expected.len() > 2, "{expected:?}");
                assert_eq!(starts(app, session).await?, expected, "student {number}");
            }
        }
        // A deleted class is in no feed.
        app.delete(&admin, &path).await?.expect(204);
        for (session, _) in tutors.iter().chain(&students) {
            assert_eq!(starts(app, session).await?, Vec::<String>::new());
        }
        Ok(())
    });
}
