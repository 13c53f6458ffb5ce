//! Double bookings: one tutor, one student, one room, one lesson at a time, whoever asks and however many at once.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    classroom::{Classroom, act, classroom, make, path, series, single},
    role, rows, run,
};

/// One of many lessons at the same hour of a day: of one tutor, of one student with two tutors, in one room.
fn attempt(room: &Classroom, day: &str, what: &str, index: usize) -> Value {
    let mut class = room.lesson(&format!("{day}T16:00:00"), &format!("{day}T17:00:00"));
    match what {
        "tutor_id" => {}
        "student_ids" => class["student_ids"] = json!([room.students[0]]),
        _ => {
            class["room"] = json!(if index.is_multiple_of(2) {
                "Blue"
            } else {
                "BLUE"
            })
        }
    }
    if what != "tutor_id" && !index.is_multiple_of(2) {
        class["tutor_id"] = json!(room.colleague);
    }
    class
}

/// The answer of somebody who comes again as long as there is no time for him.
async fn insist(app: &Application, session: &Session, class: &Value) -> anyhow::Result<Reply> {
    loop {
        let reply = app.post(session, "/v1/classes", class.clone()).await?;
        if reply.status != 503 {
            return Ok(reply);
        }
    }
}

#[test]
fn of_a_hundred_attempts_at_an_hour_exactly_one_wins() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        for (what, day) in [
            ("tutor_id", "2035-04-02"),
            ("student_ids", "2035-04-03"),
            ("room", "2035-04-04"),
        ] {
            let classes: Vec<Value> = (0..100)
                .map(|index| attempt(&room, day, what, index))
                .collect();
            let calls = classes.iter().map(|class| insist(app, &admin, class));
            let mut statuses = BTreeMap::new();
            for reply in join_all(calls).await {
                let reply = reply?;
                let expected = [format!("/{what}"), "/tutor_id".to_owned()];
                if reply.status == 409 {
                    assert!(expected.contains(&reply.pointers()[0]), "{}", reply.text);
                }
                *statuses.entry(reply.status).or_insert(0) += 1;
            }
            assert_eq!(statuses, BTreeMap::from([(201, 1), (409, 99)]), "{what}");
            let booked = "lms.occurrences where starts_at = ($1 || 'T16:00:00Z')::timestamptz and deleted_at is null";
            assert_eq!(rows::count(app, booked, &[&day]).await?, 1, "{what}");
        }
        let made = "lms.classes where schedule->>'start' like '2035-%'";
        assert_eq!(
            rows::count(app, made, &[]).await?,
            3,
            "who loses leaves nothing behind"
        );
        Ok(())
    });
}

#[test]
fn lessons_that_touch_do_not_clash_and_those_that_overlap_by_a_second_do() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut hour = room.class(single("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00"));
        hour["room"] = json!("Blue");
        make(app, &admin, hour.clone()).await?;
        for (start, end, status) in [
            ("2035-04-02T17:00:00", "2035-04-02T18:00:00", 201),
            ("2035-04-02T15:00:00", "2035-04-02T16:00:00", 201),
            ("2035-04-02T16:59:59", "2035-04-02T17:00:00", 409),
            ("2035-04-02T14:00:00", "2035-04-02T20:00:00", 409),
            ("2035-04-02T16:10:00", "2035-04-02T16:20:00", 409),
        ] {
            hour["schedule"] = single("UTC", start, end);
            let reply = app.post(&admin, "/v1/classes", hour.clone()).await?;
            assert_eq!(reply.status, status, "{start} {}", reply.text);
        }
        // One of many lessons is enough; other tutors and rooms of the same name elsewhere are free.
        let mut weekly = room.lesson("2035-03-19T16:30:00", "2035-03-19T17:30:00");
        weekly["schedule"]["recurring"] = json!({"rule": "FREQ=WEEKLY;COUNT=3"});
        let reply = app
            .post(&admin, "/v1/classes", weekly.clone())
            .await?
            .expect(409);
        assert_eq!(reply.pointers(), ["/tutor_id"]);
        weekly["schedule"]["recurring"]["except"] = json!(["2035-04-02T16:30:00"]);
        app.post(&admin, "/v1/classes", weekly.clone())
            .await?
            .expect(201);
        let mut elsewhere = room.lesson("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        elsewhere["tutor_id"] = json!(room.colleague);
        elsewhere["room"] = json!("blue");
        let taken = app
            .post(&admin, "/v1/classes", elsewhere.clone())
            .await?
            .expect(409);
        assert_eq!(taken.pointers(), ["/room"]);
        elsewhere["centre_id"] = json!(room.away);
        app.post(&admin, "/v1/classes", elsewhere)
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_clash_is_named_to_those_who_may_see_it_and_to_nobody_else() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        let room = classroom(app).await?;
        let mut far = room.lesson("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        far["centre_id"] = json!(room.away);
        let far = make(app, &admin, far).await?;
        let near = room.lesson("2035-04-02T16:30:00", "2035-04-02T17:30:00");
        let detail = |reply: &Reply| {
            reply.json()["errors"][0]["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let named = format!(
            "The tutor is already booked from 2035-04-02T16:00:00Z to 2035-04-02T17:00:00Z for class {}.",
            far["id"].as_str().unwrap_or_default()
        );
        for session in [&admin, &tutor] {
            let reply = app
                .post(session, "/v1/classes", near.clone())
                .await?
                .expect(409);
            assert_eq!(
                (reply.pointers(), detail(&reply)),
                (vec!["/tutor_id".to_owned()], named.clone())
            );
        }
        let reply = app
            .post(&supervisor, "/v1/classes", near)
            .await?
            .expect(409);
        assert_eq!(detail(&reply), "The tutor is already booked at this time.");
        assert!(!reply.text.contains(far["id"].as_str().unwrap_or_default()));

        // The student's lesson with a colleague is not the tutor's to see.
        let mut other = room.class(single("UTC", "2035-04-03T16:00:00", "2035-04-03T17:00:00"));
        other["tutor_id"] = json!(room.colleague);
        let other = make(app, &admin, other).await?;
        let wish = room.class(single("UTC", "2035-04-03T16:00:00", "2035-04-03T17:00:00"));
        let reply = app
            .post(&tutor, "/v1/classes", wish.clone())
            .await?
            .expect(409);
        assert_eq!(
            (reply.pointers(), detail(&reply)),
            (
                vec!["/student_ids".to_owned()],
                "A student is already booked at this time.".to_owned()
            )
        );
        let reply = app
            .post(&supervisor, "/v1/classes", wish)
            .await?
            .expect(409);
        let expected = format!(
            "A student ({}) is already booked from 2035-04-03T16:00:00Z to 2035-04-03T17:00:00Z for class {}.",
            room.students[0],
            other["id"].as_str().unwrap_or_default()
        );
        assert_eq!(detail(&reply), expected);
        Ok(())
    });
}

#[test]
fn what_a_class_leaves_is_free_and_a_class_comes_back_only_to_a_free_hour() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let hour = room.class(series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        ));
        let first = make(app, &admin, hour.clone()).await?;
        app.delete(&admin, &path(&first)).await?.expect(204);
        let second = make(
            app,
            &admin,
            room.class(single("UTC", "2035-04-16T16:30:00", "2035-04-16T17:30:00")),
        )
        .await?;
        let reply = act(app, &admin, &format!("{}/restore", path(&first)))
            .await?
            .expect(409);
        assert!(
            reply
                .text
                .contains(second["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        app.get(&admin, &path(&first)).await?.expect(404);
        app.call(
            Some(&admin),
            http::Method::POST,
            &format!("{}/cancel", path(&second)),
            Some(json!({"reason": "No demand"})),
        )
        .await?
        .expect(200);
        act(app, &admin, &format!("{}/restore", path(&first)))
            .await?
            .expect(200);
        let free =
            "lms.attendances where class_id = $1::text::uuid and is_booked and deleted_at is null";
        assert_eq!(
            rows::count(app, free, &[&first["id"].as_str().unwrap_or_default()]).await?,
            3
        );
        // What was cancelled takes up nobody's time when something else is changed about it.
        app.patch(&admin, &path(&second), json!({"subject": "Reading"}))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_change_that_would_clash_changes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut other = room.lesson("2035-04-09T16:00:00", "2035-04-09T17:00:00");
        other["tutor_id"] = json!(room.colleague);
        other["room"] = json!("Blue");
        other["student_ids"] = json!([room.students[1]]);
        make(app, &admin, other).await?;
        let class = make(
            app,
            &admin,
            room.class(series(
                "UTC",
                "2035-04-02T16:30:00",
                "2035-04-02T17:30:00",
                "FREQ=WEEKLY;COUNT=3",
            )),
        )
        .await?;
        let path = path(&class);
        let etag = app.get(&admin, &path).await?.header("etag").to_owned();
        let before = rows::written(app).await?;
        for (patch, pointer) in [
            (json!({"tutor_id": room.colleague}), "/tutor_id"),
            (json!({"room": "Blue"}), "/room"),
            (
                json!({"student_ids": [room.students[0], room.students[1]]}),
                "/student_ids",
            ),
        ] {
            let reply = app.patch(&admin, &path, patch).await?.expect(409);
            assert_eq!(reply.pointers(), [pointer]);
        }
        assert_eq!(rows::written(app).await?, before);
        assert_eq!(app.get(&admin, &path).await?.header("etag"), etag);
        // Into the hours that it has itself a class may move.
        let later = series(
            "UTC",
            "2035-04-02T17:00:00",
            "2035-04-02T18:00:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        app.patch(&admin, &path, json!({"schedule": later}))
            .await?
            .expect(200);
        app.patch(
            &admin,
            &path,
            json!({"room": "Blue", "tutor_id": room.colleague}),
        )
        .await?
        .expect(200);
        Ok(())
    });
}
