//! Tests how far a series is planned, and that responses state it.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tests::{
    calendar_feed::{read, subscribe},
    class_fixture::{
        class_fixture, class_path, create_class, get_lessons, recurring_schedule, start_times,
    },
    fixtures, queries, role, run,
};

/// Returns a schedule of one-hour lessons that starts on a Monday, `week` weeks after 2 April 2035.
fn monday(week: i64, rule: &str) -> Value {
    let first = DateTime::parse_from_rfc3339("2035-04-02T16:00:00Z").unwrap_or_default();
    let start = first.to_utc() + Duration::weeks(week);
    let text = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    recurring_schedule("UTC", &text(start), &text(start + Duration::hours(1)), rule)
}

#[test]
fn all_lessons_of_five_years_exist_at_once_and_block_their_times() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut class = fixture.class_body(monday(0, "FREQ=WEEKLY;COUNT=261"));
        class["room"] = json!("Blue");
        let class = create_class(app, &admin, class).await?;
        let listed = start_times(&get_lessons(app, &admin, &class).await?);
        assert_eq!(listed.len(), 261);
        assert_eq!(listed[260], "2040-03-26T16:00:00Z");
        let body = app
            .get(&admin, &format!("{}/occurrences", class_path(&class)))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&body["planned_until"], &body["is_truncated"]),
            (&json!(null), &json!(false))
        );
        let before = queries::write_counters(app).await?;
        for week in [10, 40, 200, 260] {
            let mut of_tutor = fixture.class_body(monday(week, "FREQ=WEEKLY;COUNT=1"));
            of_tutor["student_ids"] = json!([]);
            let mut of_student = fixture.class_body(monday(week, "FREQ=WEEKLY;COUNT=1"));
            of_student["tutor_id"] = json!(fixture.other_tutor);
            let mut of_room = of_tutor.clone();
            of_room["tutor_id"] = json!(fixture.other_tutor);
            of_room["room"] = json!("blue");
            for (what, body) in [
                ("tutor_id", of_tutor),
                ("student_ids", of_student),
                ("room", of_room),
            ] {
                let reply = app.post(&admin, "/v1/classes", body).await?.expect(409);
                assert_eq!(reply.pointers(), [format!("/{what}")], "week {week}");
            }
        }
        for rule in [
            "FREQ=WEEKLY;COUNT=263",
            "FREQ=DAILY;COUNT=2001",
            "FREQ=WEEKLY;UNTIL=20991231T000000Z",
        ] {
            let reply = app
                .post(
                    &admin,
                    "/v1/classes",
                    fixture.class_body(monday(1000, rule)),
                )
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["/schedule/recurring/rule"], "{rule}");
            assert!(reply.text.contains("within 5 years"), "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_daily_series_of_five_years_is_listed_and_rescheduled_as_a_whole() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(monday(0, "FREQ=DAILY;COUNT=1827")),
        )
        .await?;
        assert_eq!(get_lessons(app, &admin, &class).await?.len(), 1827);
        app.patch(&admin, &class_path(&class), json!({"room": "Blue"}))
            .await?
            .expect(200);
        let found = get_lessons(app, &admin, &class).await?;
        assert!(found.iter().all(|lesson| lesson["room"] == "Blue"));
        app.patch(
            &admin,
            &class_path(&class),
            json!({"schedule": monday(1, "FREQ=DAILY;COUNT=1000")}),
        )
        .await?
        .expect(200);
        assert_eq!(get_lessons(app, &admin, &class).await?.len(), 1000);
        Ok(())
    });
}

#[test]
fn responses_about_times_state_until_when_lessons_are_planned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let slots = format!(
            "/v1/tutors/{}/free-slots?from=2036-06-02T00:00:00Z&to=2036-06-09T00:00:00Z",
            fixture.tutor
        );
        let window = "from=2036-06-02T00:00:00Z&to=2036-06-09T00:00:00Z";
        let search = format!("/v1/tutors/search?centre_id={}&limit=200", fixture.centre);
        let calendar = format!("/v1/calendar?{window}&tutor_id={}", fixture.tutor);
        let of_student = format!("/v1/calendar?{window}&student_id={}", fixture.students[0]);
        let planned_until = async |path: &str| -> anyhow::Result<Value> {
            Ok(app.get(&admin, path).await?.expect(200).json()["planned_until"].clone())
        };
        for path in [&slots, &search, &calendar, &of_student] {
            assert_eq!(planned_until(path).await?, json!(null), "{path}");
        }

        let class = create_class(app, &admin, fixture.class_body(monday(0, "FREQ=WEEKLY"))).await?;
        let until = json!("2036-04-07T16:00:00.000000Z");
        let occurrences = format!("{}/occurrences?{window}", class_path(&class));
        for path in [&slots, &search, &calendar, &of_student, &occurrences] {
            assert_eq!(planned_until(path).await?, until, "{path}");
        }
        let others = format!("/v1/calendar?{window}&tutor_id={}", fixture.other_tutor);
        assert_eq!(planned_until(&others).await?, json!(null));
        let listed = app.get(&admin, &search).await?.expect(200).json();
        for tutor in listed["data"].as_array().into_iter().flatten() {
            let expected = if tutor["id"] == json!(fixture.tutor) {
                &until
            } else {
                &Value::Null
            };
            assert_eq!(&tutor["planned_until"], expected);
        }
        let tutor = app.sign_in(role::TUTOR).await?;
        let feed = subscribe(app, &tutor).await?;
        let text = read(app, &feed)
            .await?
            .expect(200)
            .text
            .replace("\r\n ", "");
        assert!(
            text.contains("X-LMS-PLANNED-UNTIL:20360407T160000Z"),
            "{text}"
        );
        assert!(
            text.contains("DESCRIPTION:Planned until 2036-04-07."),
            "{text}"
        );

        // A class that has ended is not planned further.
        tests::class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/cancel", class_path(&class)),
        )
        .await?
        .expect(200);
        for path in [&slots, &search, &calendar, &of_student, &occurrences] {
            assert_eq!(planned_until(path).await?, json!(null), "{path}");
        }
        Ok(())
    });
}

#[test]
fn planned_until_accounts_for_classes_outside_the_callers_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let fixture = class_fixture(app).await?;
        let mut other_centre_lesson =
            fixture.lesson_body("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        other_centre_lesson["centre_id"] = json!(fixture.other_centre);
        other_centre_lesson["schedule"] = monday(0, "FREQ=WEEKLY");
        let class = create_class(app, &admin, other_centre_lesson).await?;
        app.get(&supervisor, &class_path(&class)).await?.expect(404);
        let slots = format!(
            "/v1/tutors/{}/free-slots?from=2036-06-02T00:00:00Z&to=2036-06-09T00:00:00Z",
            fixture.tutor
        );
        let body = app.get(&supervisor, &slots).await?.expect(200).json();
        assert_eq!(body["planned_until"], "2036-04-07T16:00:00.000000Z");
        // Lessons of another tenant have no effect.
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let tutor = queries::fetch_id(
            app,
            "select id from lms.tutors where tenant_id = $1 order by id limit 1",
            &[&other_tenant_admin.tenant],
        )
        .await?;
        let slots = slots.replace(&fixture.tutor.to_string(), &tutor.to_string());
        let body = app
            .get(&other_tenant_admin, &slots)
            .await?
            .expect(200)
            .json();
        assert_eq!(body["planned_until"], json!(null));
        Ok(())
    });
}

#[test]
fn a_series_split_in_a_skipped_hour_continues_at_its_usual_hour() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, fixture.centre, 5).await?;
        let mut body = fixture.class_body(recurring_schedule(
            "Europe/London",
            "2035-03-11T01:30:00",
            "2035-03-11T02:30:00",
            "FREQ=WEEKLY;COUNT=6",
        ));
        body["tutor_id"] = json!(tutor);
        let class = create_class(app, &admin, body).await?;
        let all = start_times(&get_lessons(app, &admin, &class).await?);
        // Clocks go forward at one on 25 March 2035.
        assert_eq!(all[2..4], ["2035-03-25T01:30:00Z", "2035-04-01T00:30:00Z"]);
        let split = format!("{}/occurrences/{}/split", class_path(&class), all[2]);
        let later = app
            .post(&admin, &split, json!({}))
            .await?
            .expect(201)
            .json();
        assert_eq!(later["schedule"]["start"], "2035-03-25T01:30:00");
        assert_eq!(
            start_times(&get_lessons(app, &admin, &class).await?),
            all[..2]
        );
        assert_eq!(
            start_times(&get_lessons(app, &admin, &later).await?),
            all[2..]
        );
        Ok(())
    });
}
