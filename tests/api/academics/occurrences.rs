//! Occurrences: single lessons are cancelled and moved; what has begun stays as it was.

use serde_json::{Value, json};
use tests::{
    classroom::{
        FIRST, SECOND, THIRD, act, classroom, lesson, lessons, make, path, series, single, starts,
        texts, weekly,
    },
    role, rows, run,
};

#[test]
fn a_lesson_is_cancelled_and_its_hour_is_free() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let class = make(app, &admin, room.class(weekly("FREQ=WEEKLY;COUNT=3"))).await?;
        let at = lesson(&class, SECOND);
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
        let twice = act(app, &admin, &format!("{at}/cancel")).await?.expect(409);
        assert_eq!(twice.pointers(), ["/status"]);
        let moved = json!({"starts_at": SECOND, "ends_at": "2035-04-09T18:00:00Z"});
        app.post(&admin, &format!("{at}/move"), moved)
            .await?
            .expect(409);
        make(
            app,
            &admin,
            room.class(single("UTC", "2035-04-09T16:00:00", "2035-04-09T17:00:00")),
        )
        .await?;
        // A change of the class does not bring it back.
        let longer = series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T16:30:00",
            "FREQ=WEEKLY;COUNT=4",
        );
        app.patch(&admin, &path(&class), json!({"schedule": longer}))
            .await?
            .expect(200);
        let found = lessons(app, &admin, &class).await?;
        assert_eq!(
            texts(&found, "status"),
            ["scheduled", "cancelled", "scheduled", "scheduled"]
        );
        for path in [
            lesson(&class, "2035-04-09T16:00:01Z"),
            format!("/v1/classes/{}/occurrences/{FIRST}", room.tutor),
        ] {
            act(app, &admin, &format!("{path}/cancel"))
                .await?
                .expect(404);
        }
        app.post(
            &admin,
            &format!("{}/cancel", lesson(&class, "monday")),
            json!({}),
        )
        .await?
        .expect(404);
        Ok(())
    });
}

#[test]
fn a_moved_lesson_is_known_by_its_original_start_and_keeps_its_new_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let class = make(app, &admin, room.class(weekly("FREQ=WEEKLY;COUNT=3"))).await?;
        let at = format!("{}/move", lesson(&class, SECOND));
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
            rows::count(app, booked, &[]).await?,
            1,
            "its student moves with it"
        );
        // All of the class change, but what was moved stays where it was moved to.
        let shorter = series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T16:30:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        app.patch(
            &admin,
            &path(&class),
            json!({"schedule": shorter, "room": "Red"}),
        )
        .await?
        .expect(200);
        let found = lessons(app, &admin, &class).await?;
        assert_eq!(starts(&found), [FIRST, "2035-04-10T08:00:00Z", THIRD]);
        assert_eq!(texts(&found, "room"), ["Red", "Blue", "Red"]);
        assert_eq!(found[0]["ends_at"], "2035-04-02T16:30:00.000000Z");
        assert_eq!(found[1]["ends_at"], "2035-04-10T09:30:00.000000Z");
        // Back, over the hour that it has now; the room is left when it is set to null.
        let back = json!({"starts_at": "2035-04-10T08:30:00Z", "ends_at": "2035-04-10T09:30:00Z", "room": null});
        let back = app.post(&admin, &at, back).await?.expect(200).json();
        assert_eq!(
            (&back["room"], &back["reason"]),
            (&Value::Null, &json!("Strike"))
        );
        Ok(())
    });
}

#[test]
fn a_lesson_moves_only_to_where_everybody_is_free() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let room = classroom(app).await?;
        let mut class = room.class(weekly("FREQ=WEEKLY;COUNT=3"));
        class["room"] = json!("Blue");
        let class = make(app, &admin, class).await?;
        let at = format!("{}/move", lesson(&class, SECOND));
        let mut others = Vec::new();
        for (day, tutor, students, place) in [
            ("2035-04-10", room.tutor, json!([]), Value::Null),
            (
                "2035-04-11",
                room.colleague,
                json!([room.students[0]]),
                Value::Null,
            ),
            ("2035-04-12", room.colleague, json!([]), json!("blue")),
        ] {
            let mut other = room.lesson(&format!("{day}T16:00:00"), &format!("{day}T17:00:00"));
            other["tutor_id"] = json!(tutor);
            other["student_ids"] = students;
            other["room"] = place;
            others.push(make(app, &admin, other).await?);
        }
        let mut hidden = room.lesson("2035-04-13T16:00:00", "2035-04-13T17:00:00");
        hidden["centre_id"] = json!(room.away);
        let hidden = make(app, &admin, hidden).await?;
        let before = rows::written(app).await?;
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
            (json!({"starts_at": FIRST, "ends_at": FIRST}), "/ends_at"),
            (json!({"starts_at": SECOND, "ends_at": FIRST}), "/ends_at"),
            (json!({"starts_at": FIRST, "ends_at": THIRD}), "/ends_at"),
            (json!({"starts_at": FIRST}), "/ends_at"),
            (json!({"starts_at": "soon", "ends_at": THIRD}), "/starts_at"),
            (
                json!({"starts_at": FIRST, "ends_at": SECOND, "tutor_id": room.tutor}),
                "/tutor_id",
            ),
        ] {
            let reply = app.post(&admin, &at, body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer]);
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn lessons_that_have_begun_stay_as_they_were_when_all_are_changed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        // Two lessons are over, and two are ahead.
        let today = chrono::Utc::now().date_naive();
        let day = |days: i64| (today + chrono::TimeDelta::days(days)).to_string();
        let schedule = |hour: &str| {
            series(
                "UTC",
                &format!("{}T{hour}:00:00", day(-13)),
                &format!("{}T{hour}:30:00", day(-13)),
                "FREQ=WEEKLY;COUNT=4",
            )
        };
        let class = make(app, &admin, room.class(schedule("03"))).await?;
        let at = |days: i64, hour: &str| format!("{}T{hour}:00:00Z", day(days));
        assert_eq!(
            starts(&lessons(app, &admin, &class).await?),
            [at(-13, "03"), at(-6, "03"), at(1, "03"), at(8, "03")]
        );
        let changed = json!({"schedule": schedule("04"), "tutor_id": room.colleague, "student_ids": [room.students[1]]});
        app.patch(&admin, &path(&class), changed).await?.expect(200);
        let found = lessons(app, &admin, &class).await?;
        assert_eq!(
            starts(&found),
            [at(-13, "03"), at(-6, "03"), at(1, "04"), at(8, "04")]
        );
        let tutors =
            [room.tutor, room.tutor, room.colleague, room.colleague].map(|tutor| tutor.to_string());
        assert_eq!(texts(&found, "tutor_id"), tutors);
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
                room.students[0],
                room.students[0],
                room.students[1],
                room.students[1]
            ]
        );
        let begun = app
            .post(
                &admin,
                &format!("{}/split", lesson(&class, &at(-6, "03"))),
                json!({}),
            )
            .await?
            .expect(409);
        assert_eq!(begun.pointers(), ["/start"]);
        // Completed, what has begun was given, and what has not is off.
        let done = act(app, &admin, &format!("{}/complete", path(&class)))
            .await?
            .expect(200)
            .json();
        assert_eq!(done["status"], "completed");
        let found = lessons(app, &admin, &class).await?;
        assert_eq!(
            texts(&found, "status"),
            ["completed", "completed", "cancelled", "cancelled"]
        );
        Ok(())
    });
}
