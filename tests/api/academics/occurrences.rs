//! Tests single lessons: cancelling, rescheduling, and past lessons that stay unchanged.

use serde_json::{Value, json};
use tests::{
    class_fixture::{
        FIRST_MONDAY, SECOND_MONDAY, THIRD_MONDAY, class_fixture, class_path, create_class,
        get_lessons, lesson_path, post_without_body, recurring_schedule, single_schedule,
        start_times, text_fields, weekly_schedule,
    },
    queries, role, run,
};

#[test]
fn cancelling_a_lesson_frees_its_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(weekly_schedule("FREQ=WEEKLY;COUNT=3")),
        )
        .await?;
        let at = lesson_path(&class, SECOND_MONDAY);
        let cancelled = app
            .post(
                &admin,
                &format!("{at}/cancel"),
                json!({"reason": "Holiday"}),
            )
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&cancelled["status"], &cancelled["reason"]),
            (&json!("cancelled"), &json!("Holiday"))
        );
        let twice = post_without_body(app, &admin, &format!("{at}/cancel"))
            .await?
            .expect(409);
        assert_eq!(twice.pointers(), ["/status"]);
        let moved = json!({"starts_at": SECOND_MONDAY, "ends_at": "2035-04-09T18:00:00Z"});
        app.post(&admin, &format!("{at}/move"), moved)
            .await?
            .expect(409);
        create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(
                "UTC",
                "2035-04-09T16:00:00",
                "2035-04-09T17:00:00",
            )),
        )
        .await?;
        // A new schedule of the class leaves the lesson cancelled.
        let longer = recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T16:30:00",
            "FREQ=WEEKLY;COUNT=4",
        );
        app.patch(&admin, &class_path(&class), json!({"schedule": longer}))
            .await?
            .expect(200);
        let listed = get_lessons(app, &admin, &class).await?;
        assert_eq!(
            text_fields(&listed, "status"),
            ["scheduled", "cancelled", "scheduled", "scheduled"]
        );
        for path in [
            lesson_path(&class, "2035-04-09T16:00:01Z"),
            format!("/v1/classes/{}/occurrences/{FIRST_MONDAY}", fixture.tutor),
        ] {
            post_without_body(app, &admin, &format!("{path}/cancel"))
                .await?
                .expect(404);
        }
        app.post(
            &admin,
            &format!("{}/cancel", lesson_path(&class, "monday")),
            json!({}),
        )
        .await?
        .expect(404);
        Ok(())
    });
}

#[test]
fn a_rescheduled_lesson_is_addressed_by_its_original_start_and_keeps_its_new_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(weekly_schedule("FREQ=WEEKLY;COUNT=3")),
        )
        .await?;
        let at = format!("{}/move", lesson_path(&class, SECOND_MONDAY));
        let body = json!({"starts_at": "2035-04-10T10:00:00+02:00", "ends_at": "2035-04-10T09:30:00Z", "room": "Blue", "reason": "Strike"});
        let moved = app.post(&admin, &at, body).await?.expect(200).json();
        assert_eq!(moved["original_start"], "2035-04-09T16:00:00.000000Z");
        assert_eq!(moved["starts_at"], "2035-04-10T08:00:00.000000Z");
        assert_eq!(moved["ends_at"], "2035-04-10T09:30:00.000000Z");
        assert_eq!(
            (&moved["room"], &moved["reason"]),
            (&json!("Blue"), &json!("Strike"))
        );
        let booked = "lms.attendances where starts_at = '2035-04-10T08:00:00Z' and ends_at = '2035-04-10T09:30:00Z' and is_booked";
        assert_eq!(
            queries::count(app, booked, &[]).await?,
            1,
            "its student moves with it"
        );
        // All lessons change, except that the rescheduled one keeps its time and its room.
        let shorter = recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T16:30:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        app.patch(
            &admin,
            &class_path(&class),
            json!({"schedule": shorter, "room": "Red"}),
        )
        .await?
        .expect(200);
        let listed = get_lessons(app, &admin, &class).await?;
        assert_eq!(
            start_times(&listed),
            [FIRST_MONDAY, "2035-04-10T08:00:00Z", THIRD_MONDAY]
        );
        assert_eq!(text_fields(&listed, "room"), ["Red", "Blue", "Red"]);
        assert_eq!(listed[0]["ends_at"], "2035-04-02T16:30:00.000000Z");
        assert_eq!(listed[1]["ends_at"], "2035-04-10T09:30:00.000000Z");
        // The lesson may be rescheduled to a time that overlaps its own, and null removes its room.
        let original_time = json!({"starts_at": "2035-04-10T08:30:00Z", "ends_at": "2035-04-10T09:30:00Z", "room": null});
        let original_time = app
            .post(&admin, &at, original_time)
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&original_time["room"], &original_time["reason"]),
            (&Value::Null, &json!("Strike"))
        );
        Ok(())
    });
}

#[test]
fn a_lesson_is_rescheduled_only_to_a_time_when_everyone_is_free() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let fixture = class_fixture(app).await?;
        let mut class = fixture.class_body(weekly_schedule("FREQ=WEEKLY;COUNT=3"));
        class["room"] = json!("Blue");
        let class = create_class(app, &admin, class).await?;
        let at = format!("{}/move", lesson_path(&class, SECOND_MONDAY));
        let mut others = Vec::new();
        for (day, tutor, students, place) in [
            ("2035-04-10", fixture.tutor, json!([]), Value::Null),
            (
                "2035-04-11",
                fixture.other_tutor,
                json!([fixture.students[0]]),
                Value::Null,
            ),
            ("2035-04-12", fixture.other_tutor, json!([]), json!("blue")),
        ] {
            let mut other =
                fixture.lesson_body(&format!("{day}T16:00:00"), &format!("{day}T17:00:00"));
            other["tutor_id"] = json!(tutor);
            other["student_ids"] = students;
            other["room"] = place;
            others.push(create_class(app, &admin, other).await?);
        }
        let mut hidden = fixture.lesson_body("2035-04-13T16:00:00", "2035-04-13T17:00:00");
        hidden["centre_id"] = json!(fixture.other_centre);
        let hidden = create_class(app, &admin, hidden).await?;
        let before = queries::write_counters(app).await?;
        for ((day, pointer), other) in
            [("10", "/tutor_id"), ("11", "/student_ids"), ("12", "/room")]
                .into_iter()
                .zip(&others)
        {
            let body = json!({"starts_at": format!("2035-04-{day}T16:59:00Z"), "ends_at": format!("2035-04-{day}T18:00:00Z")});
            let reply = app.post(&admin, &at, body).await?.expect(409);
            assert_eq!(reply.pointers(), [pointer]);
            assert!(
                reply
                    .text
                    .contains(other["id"].as_str().unwrap_or_default()),
                "{}",
                reply.text
            );
        }
        let own = json!({"starts_at": "2035-04-16T15:30:00Z", "ends_at": "2035-04-16T16:30:00Z"});
        let reply = app.post(&admin, &at, own).await?.expect(409);
        assert!(
            reply
                .text
                .contains(class["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        let body = json!({"starts_at": "2035-04-13T16:59:00Z", "ends_at": "2035-04-13T18:00:00Z"});
        let reply = app.post(&supervisor, &at, body).await?.expect(409);
        assert!(
            !reply
                .text
                .contains(hidden["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        for (body, pointer) in [
            (
                json!({"starts_at": FIRST_MONDAY, "ends_at": FIRST_MONDAY}),
                "/ends_at",
            ),
            (
                json!({"starts_at": SECOND_MONDAY, "ends_at": FIRST_MONDAY}),
                "/ends_at",
            ),
            (
                json!({"starts_at": FIRST_MONDAY, "ends_at": THIRD_MONDAY}),
                "/ends_at",
            ),
            (json!({"starts_at": FIRST_MONDAY}), "/ends_at"),
            (
                json!({"starts_at": "soon", "ends_at": THIRD_MONDAY}),
                "/starts_at",
            ),
            (
                json!({"starts_at": FIRST_MONDAY, "ends_at": SECOND_MONDAY, "tutor_id": fixture.tutor}),
                "/tutor_id",
            ),
        ] {
            let reply = app.post(&admin, &at, body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn lessons_that_have_started_stay_unchanged_when_the_series_changes() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        // Two lessons are past and two are in the future.
        let today = chrono::Utc::now().date_naive();
        let day = |days: i64| (today + chrono::TimeDelta::days(days)).to_string();
        let schedule = |hour: &str| {
            recurring_schedule(
                "UTC",
                &format!("{}T{hour}:00:00", day(-13)),
                &format!("{}T{hour}:30:00", day(-13)),
                "FREQ=WEEKLY;COUNT=4",
            )
        };
        let class = create_class(app, &admin, fixture.class_body(schedule("03"))).await?;
        let at = |days: i64, hour: &str| format!("{}T{hour}:00:00Z", day(days));
        assert_eq!(
            start_times(&get_lessons(app, &admin, &class).await?),
            [at(-13, "03"), at(-6, "03"), at(1, "03"), at(8, "03")]
        );
        let changed = json!({"schedule": schedule("04"), "tutor_id": fixture.other_tutor, "student_ids": [fixture.students[1]]});
        app.patch(&admin, &class_path(&class), changed)
            .await?
            .expect(200);
        let listed = get_lessons(app, &admin, &class).await?;
        assert_eq!(
            start_times(&listed),
            [at(-13, "03"), at(-6, "03"), at(1, "04"), at(8, "04")]
        );
        let tutors = [
            fixture.tutor,
            fixture.tutor,
            fixture.other_tutor,
            fixture.other_tutor,
        ]
        .map(|tutor| tutor.to_string());
        assert_eq!(text_fields(&listed, "tutor_id"), tutors);
        let who = app
            .superuser()
            .await?
            .query(
                "select student_id from lms.attendances where class_id = $1::text::uuid and deleted_at is null order by starts_at",
                &[&class["id"].as_str().unwrap_or_default()],
            )
            .await?;
        let who: Vec<uuid::Uuid> = who.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            who,
            [
                fixture.students[0],
                fixture.students[0],
                fixture.students[1],
                fixture.students[1]
            ]
        );
        let begun = app
            .post(
                &admin,
                &format!("{}/split", lesson_path(&class, &at(-6, "03"))),
                json!({}),
            )
            .await?
            .expect(409);
        assert_eq!(begun.pointers(), ["/start"]);
        // When a class is completed, lessons that have started are completed and others cancelled.
        let done = post_without_body(app, &admin, &format!("{}/complete", class_path(&class)))
            .await?
            .expect(200)
            .json();
        assert_eq!(done["status"], "completed");
        let listed = get_lessons(app, &admin, &class).await?;
        assert_eq!(
            text_fields(&listed, "status"),
            ["completed", "completed", "cancelled", "cancelled"]
        );
        Ok(())
    });
}
