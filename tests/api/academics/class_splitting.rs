//! Tests the splitting of a class at a lesson.

use serde_json::json;
use tests::{
    class_fixture::{
        FIRST_MONDAY, THIRD_MONDAY, class_fixture, class_path, create_class, get_lessons,
        lesson_path, recurring_schedule, start_times, text_fields, weekly_schedule,
    },
    queries, role, run,
};

#[test]
fn splitting_a_class_moves_a_lesson_and_all_later_ones_to_a_new_class() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut schedule = weekly_schedule("FREQ=WEEKLY;COUNT=6");
        schedule["recurring"]["except"] = json!(["2035-04-09T16:00:00", "2035-04-30T16:00:00"]);
        let class = create_class(app, &admin, fixture.class_body(schedule)).await?;
        app.post(
            &admin,
            &format!("{}/cancel", lesson_path(&class, "2035-04-23T16:00:00Z")),
            json!({"reason": "Holiday"}),
        )
        .await?
        .expect(200);
        let split = app
            .post(
                &admin,
                &format!("{}/split", lesson_path(&class, THIRD_MONDAY)),
                json!({"tutor_id": fixture.other_tutor, "room": "Blue", "subject": "Reading"}),
            )
            .await?
            .expect(201);
        let later = split.json();
        assert_eq!(split.header("location"), class_path(&later));
        assert_ne!(later["id"], class["id"]);
        assert_eq!(
            later["schedule"],
            json!({
                "start": "2035-04-16T16:00:00",
                "end": "2035-04-16T17:00:00",
                "time_zone": "UTC",
                "recurring": {"rule": "FREQ=WEEKLY;COUNT=4", "except": ["2035-04-30T16:00:00"]},
            })
        );
        assert_eq!(
            (&later["tutor_id"], &later["room"], &later["subject"]),
            (
                &json!(fixture.other_tutor),
                &json!("Blue"),
                &json!("Reading")
            )
        );
        assert_eq!(later["student_ids"], class["student_ids"]);
        let earlier = app
            .get(&admin, &class_path(&class))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            earlier["schedule"]["recurring"]["rule"],
            "FREQ=WEEKLY;UNTIL=20350416T155959Z"
        );
        assert_eq!(earlier["tutor_id"], json!(fixture.tutor));
        assert_eq!(
            start_times(&get_lessons(app, &admin, &earlier).await?),
            [FIRST_MONDAY]
        );
        let listed = get_lessons(app, &admin, &later).await?;
        assert_eq!(
            start_times(&listed),
            [THIRD_MONDAY, "2035-04-23T16:00:00Z", "2035-05-07T16:00:00Z"]
        );
        assert_eq!(
            text_fields(&listed, "status"),
            ["scheduled", "cancelled", "scheduled"]
        );
        assert!(
            listed
                .iter()
                .all(|one| one["tutor_id"] == json!(fixture.other_tutor) && one["room"] == "Blue")
        );
        let booked = "lms.attendances where class_id = $1::text::uuid and deleted_at is null";
        assert_eq!(
            queries::count(app, booked, &[&later["id"].as_str().unwrap_or_default()]).await?,
            3
        );
        // The two rules describe the lessons exactly, so that writing the schedules again changes nothing.
        for one in [&earlier, &later] {
            let before = start_times(&get_lessons(app, &admin, one).await?);
            app.patch(
                &admin,
                &class_path(one),
                json!({"schedule": one["schedule"]}),
            )
            .await?
            .expect(200);
            assert_eq!(start_times(&get_lessons(app, &admin, one).await?), before);
        }
        Ok(())
    });
}

#[test]
fn the_new_class_of_a_split_may_have_another_schedule() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(recurring_schedule(
                "Europe/London",
                "2035-03-12T16:00:00",
                "2035-03-12T17:00:00",
                "FREQ=WEEKLY;UNTIL=20350416T150000Z",
            )),
        )
        .await?;
        let at = lesson_path(&class, "2035-03-26T15:00:00Z");
        let schedule = recurring_schedule(
            "Europe/London",
            "2035-03-28T17:00:00",
            "2035-03-28T18:30:00",
            "FREQ=WEEKLY;COUNT=2",
        );
        let later = app
            .post(
                &admin,
                &format!("{at}/split"),
                json!({"schedule": schedule}),
            )
            .await?
            .expect(201)
            .json();
        assert_eq!(
            start_times(&get_lessons(app, &admin, &class).await?),
            ["2035-03-12T16:00:00Z", "2035-03-19T16:00:00Z"]
        );
        assert_eq!(
            start_times(&get_lessons(app, &admin, &later).await?),
            ["2035-03-28T16:00:00Z", "2035-04-04T16:00:00Z"]
        );
        let free =
            "lms.occurrences where starts_at = '2035-03-26T15:00:00Z' and deleted_at is null";
        assert_eq!(queries::count(app, free, &[]).await?, 0);
        let first = app
            .post(
                &admin,
                &format!("{}/split", lesson_path(&later, "2035-03-28T16:00:00Z")),
                json!({}),
            )
            .await?
            .expect(409);
        assert_eq!(first.pointers(), ["/start"]);
        let at = format!("{}/split", lesson_path(&later, "2035-04-04T16:00:00Z"));
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        for (body, pointer) in [
            (
                json!({"student_ids": [other_tenant_student]}),
                "/student_ids",
            ),
            (json!({"tutor_id": other_tenant_student}), "/tutor_id"),
            (
                json!({"schedule": {"start": "2035-04-05T16:00:00"}}),
                "/schedule/end",
            ),
            (json!({"centre_id": fixture.other_centre}), "/centre_id"),
            (json!({"room": ""}), "/room"),
        ] {
            let reply = app.post(&admin, &at, body).await?.expect(422);
            assert_eq!(reply.pointers()[0], pointer);
        }
        let mut other = fixture.lesson_body("2035-04-04T16:00:00", "2035-04-04T17:00:00");
        other["tutor_id"] = json!(fixture.other_tutor);
        let other = create_class(app, &admin, other).await?;
        let before = queries::write_counters(app).await?;
        let reply = app
            .post(&admin, &at, json!({"tutor_id": fixture.other_tutor}))
            .await?
            .expect(409);
        assert!(
            reply
                .text
                .contains(other["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}
