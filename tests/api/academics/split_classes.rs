//! A lesson and all that follow it are changed: the class is cut in two.

use serde_json::json;
use tests::{
    classroom::{
        FIRST, THIRD, classroom, lesson, lessons, make, path, series, starts, texts, weekly,
    },
    role, rows, run,
};

#[test]
fn a_lesson_and_all_that_follow_it_become_a_class_of_their_own() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut schedule = weekly("FREQ=WEEKLY;COUNT=6");
        schedule["recurring"]["except"] = json!(["2035-04-09T16:00:00", "2035-04-30T16:00:00"]);
        let class = make(app, &admin, room.class(schedule)).await?;
        app.post(
            &admin,
            &format!("{}/cancel", lesson(&class, "2035-04-23T16:00:00Z")),
            json!({"reason": "Holiday"}),
        )
        .await?
        .expect(200);
        let split = app
            .post(
                &admin,
                &format!("{}/split", lesson(&class, THIRD)),
                json!({"tutor_id": room.colleague, "room": "Blue", "subject": "Reading"}),
            )
            .await?
            .expect(201);
        let later = split.json();
        assert_eq!(split.header("location"), path(&later));
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
            (&json!(room.colleague), &json!("Blue"), &json!("Reading"))
        );
        assert_eq!(later["student_ids"], class["student_ids"]);
        let earlier = app.get(&admin, &path(&class)).await?.expect(200).json();
        assert_eq!(
            earlier["schedule"]["recurring"]["rule"],
            "FREQ=WEEKLY;UNTIL=20350416T155959Z"
        );
        assert_eq!(earlier["tutor_id"], json!(room.tutor));
        assert_eq!(starts(&lessons(app, &admin, &earlier).await?), [FIRST]);
        let found = lessons(app, &admin, &later).await?;
        assert_eq!(
            starts(&found),
            [THIRD, "2035-04-23T16:00:00Z", "2035-05-07T16:00:00Z"]
        );
        assert_eq!(
            texts(&found, "status"),
            ["scheduled", "cancelled", "scheduled"]
        );
        assert!(
            found
                .iter()
                .all(|one| one["tutor_id"] == json!(room.colleague) && one["room"] == "Blue")
        );
        let booked = "lms.attendances where class_id = $1::text::uuid and deleted_at is null";
        assert_eq!(
            rows::count(app, booked, &[&later["id"].as_str().unwrap_or_default()]).await?,
            3
        );
        // What the two rules say is what the lessons are: writing the schedules again changes nothing.
        for one in [&earlier, &later] {
            let before = starts(&lessons(app, &admin, one).await?);
            app.patch(&admin, &path(one), json!({"schedule": one["schedule"]}))
                .await?
                .expect(200);
            assert_eq!(starts(&lessons(app, &admin, one).await?), before);
        }
        Ok(())
    });
}

#[test]
fn the_later_class_may_have_a_schedule_of_its_own() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let class = make(
            app,
            &admin,
            room.class(series(
                "Europe/London",
                "2035-03-12T16:00:00",
                "2035-03-12T17:00:00",
                "FREQ=WEEKLY;UNTIL=20350416T150000Z",
            )),
        )
        .await?;
        let at = lesson(&class, "2035-03-26T15:00:00Z");
        let schedule = series(
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
            starts(&lessons(app, &admin, &class).await?),
            ["2035-03-12T16:00:00Z", "2035-03-19T16:00:00Z"]
        );
        assert_eq!(
            starts(&lessons(app, &admin, &later).await?),
            ["2035-03-28T16:00:00Z", "2035-04-04T16:00:00Z"]
        );
        let free =
            "lms.occurrences where starts_at = '2035-03-26T15:00:00Z' and deleted_at is null";
        assert_eq!(rows::count(app, free, &[]).await?, 0);
        let first = app
            .post(
                &admin,
                &format!("{}/split", lesson(&later, "2035-03-28T16:00:00Z")),
                json!({}),
            )
            .await?
            .expect(409);
        assert_eq!(first.pointers(), ["/start"]);
        let at = format!("{}/split", lesson(&later, "2035-04-04T16:00:00Z"));
        let theirs = rows::any(app, 1, "students").await?;
        for (body, pointer) in [
            (json!({"student_ids": [theirs]}), "/student_ids"),
            (json!({"tutor_id": theirs}), "/tutor_id"),
            (
                json!({"schedule": {"start": "2035-04-05T16:00:00"}}),
                "/schedule/end",
            ),
            (json!({"centre_id": room.away}), "/centre_id"),
            (json!({"room": ""}), "/room"),
        ] {
            let reply = app.post(&admin, &at, body).await?.expect(422);
            assert_eq!(reply.pointers()[0], pointer);
        }
        let mut other = room.lesson("2035-04-04T16:00:00", "2035-04-04T17:00:00");
        other["tutor_id"] = json!(room.colleague);
        let other = make(app, &admin, other).await?;
        let before = rows::written(app).await?;
        let reply = app
            .post(&admin, &at, json!({"tutor_id": room.colleague}))
            .await?
            .expect(409);
        assert!(
            reply
                .text
                .contains(other["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}
