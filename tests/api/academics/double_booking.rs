//! Tests that tutors, students and rooms are never double-booked, under concurrency too.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    class_fixture::{
        ClassFixture, class_fixture, class_path, create_class, post_without_body,
        recurring_schedule, single_schedule,
    },
    queries, role, run,
};

/// Returns one of many lessons at the same hour: of one tutor, of one student with two tutors, or in one room.
fn concurrent_class(fixture: &ClassFixture, day: &str, what: &str, index: usize) -> Value {
    let mut class = fixture.lesson_body(&format!("{day}T16:00:00"), &format!("{day}T17:00:00"));
    match what {
        "tutor_id" => {}
        "student_ids" => class["student_ids"] = json!([fixture.students[0]]),
        _ => {
            class["room"] = json!(if index.is_multiple_of(2) {
                "Blue"
            } else {
                "BLUE"
            })
        }
    }
    if what != "tutor_id" && !index.is_multiple_of(2) {
        class["tutor_id"] = json!(fixture.other_tutor);
    }
    class
}

/// Repeats a request that gets a 503, and returns the final response.
async fn retry_while_unavailable(
    app: &Application,
    session: &Session,
    class: &Value,
) -> anyhow::Result<Reply> {
    loop {
        let reply = app.post(session, "/v1/classes", class.clone()).await?;
        if reply.status != 503 {
            return Ok(reply);
        }
    }
}

#[test]
fn of_a_hundred_concurrent_bookings_of_an_hour_exactly_one_succeeds() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        for (what, day) in [
            ("tutor_id", "2035-04-02"),
            ("student_ids", "2035-04-03"),
            ("room", "2035-04-04"),
        ] {
            let classes: Vec<Value> = (0..100)
                .map(|index| concurrent_class(&fixture, day, what, index))
                .collect();
            let calls = classes
                .iter()
                .map(|class| retry_while_unavailable(app, &admin, class));
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
            assert_eq!(queries::count(app, booked, &[&day]).await?, 1, "{what}");
        }
        let created = "lms.classes where schedule->>'start' like '2035-%'";
        assert_eq!(
            queries::count(app, created, &[]).await?,
            3,
            "a rejected booking leaves no class behind"
        );
        Ok(())
    });
}

#[test]
fn adjacent_lessons_do_not_conflict_and_lessons_that_overlap_by_a_second_do() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut hour = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
        ));
        hour["room"] = json!("Blue");
        create_class(app, &admin, hour.clone()).await?;
        for (start, end, status) in [
            ("2035-04-02T17:00:00", "2035-04-02T18:00:00", 201),
            ("2035-04-02T15:00:00", "2035-04-02T16:00:00", 201),
            ("2035-04-02T16:59:59", "2035-04-02T17:00:00", 409),
            ("2035-04-02T14:00:00", "2035-04-02T20:00:00", 409),
            ("2035-04-02T16:10:00", "2035-04-02T16:20:00", 409),
        ] {
            hour["schedule"] = single_schedule("UTC", start, end);
            let reply = app.post(&admin, "/v1/classes", hour.clone()).await?;
            assert_eq!(reply.status, status, "{start} {}", reply.text);
        }
        // One conflicting lesson rejects a whole series. A room of the same name at another centre
        // is another room.
        let mut weekly = fixture.lesson_body("2035-03-19T16:30:00", "2035-03-19T17:30:00");
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
        let mut other_centre_class_body =
            fixture.lesson_body("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        other_centre_class_body["tutor_id"] = json!(fixture.other_tutor);
        other_centre_class_body["room"] = json!("blue");
        let conflict = app
            .post(&admin, "/v1/classes", other_centre_class_body.clone())
            .await?
            .expect(409);
        assert_eq!(conflict.pointers(), ["/room"]);
        other_centre_class_body["centre_id"] = json!(fixture.other_centre);
        app.post(&admin, "/v1/classes", other_centre_class_body)
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_conflict_names_the_other_lesson_only_to_callers_who_may_see_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        let fixture = class_fixture(app).await?;
        let mut other_centre_class =
            fixture.lesson_body("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        other_centre_class["centre_id"] = json!(fixture.other_centre);
        let other_centre_class = create_class(app, &admin, other_centre_class).await?;
        let own_centre_class = fixture.lesson_body("2035-04-02T16:30:00", "2035-04-02T17:30:00");
        let detail = |reply: &Reply| {
            reply.json()["errors"][0]["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let named = format!(
            "The tutor is already booked from 2035-04-02T16:00:00Z to 2035-04-02T17:00:00Z for class {}.",
            other_centre_class["id"].as_str().unwrap_or_default()
        );
        for session in [&admin, &tutor] {
            let reply = app
                .post(session, "/v1/classes", own_centre_class.clone())
                .await?
                .expect(409);
            assert_eq!(
                (reply.pointers(), detail(&reply)),
                (vec!["/tutor_id".to_owned()], named.clone())
            );
        }
        let reply = app
            .post(&supervisor, "/v1/classes", own_centre_class)
            .await?
            .expect(409);
        assert_eq!(detail(&reply), "The tutor is already booked at this time.");
        assert!(
            !reply
                .text
                .contains(other_centre_class["id"].as_str().unwrap_or_default())
        );

        // The tutor may not see the student's lesson with another tutor.
        let mut other = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-03T16:00:00",
            "2035-04-03T17:00:00",
        ));
        other["tutor_id"] = json!(fixture.other_tutor);
        let other = create_class(app, &admin, other).await?;
        let overlapping_class = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-03T16:00:00",
            "2035-04-03T17:00:00",
        ));
        let reply = app
            .post(&tutor, "/v1/classes", overlapping_class.clone())
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
            .post(&supervisor, "/v1/classes", overlapping_class)
            .await?
            .expect(409);
        let expected = format!(
            "A student ({}) is already booked from 2035-04-03T16:00:00Z to 2035-04-03T17:00:00Z for class {}.",
            fixture.students[0],
            other["id"].as_str().unwrap_or_default()
        );
        assert_eq!(detail(&reply), expected);
        Ok(())
    });
}

#[test]
fn a_deleted_class_frees_its_time_and_is_restored_only_if_the_time_is_still_free() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let hour = fixture.class_body(recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        ));
        let first = create_class(app, &admin, hour.clone()).await?;
        app.delete(&admin, &class_path(&first)).await?.expect(204);
        let second = create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(
                "UTC",
                "2035-04-16T16:30:00",
                "2035-04-16T17:30:00",
            )),
        )
        .await?;
        let reply = post_without_body(app, &admin, &format!("{}/restore", class_path(&first)))
            .await?
            .expect(409);
        assert!(
            reply
                .text
                .contains(second["id"].as_str().unwrap_or_default()),
            "{}",
            reply.text
        );
        app.get(&admin, &class_path(&first)).await?.expect(404);
        app.call(
            Some(&admin),
            http::Method::POST,
            &format!("{}/cancel", class_path(&second)),
            Some(json!({"reason": "No demand"})),
        )
        .await?
        .expect(200);
        post_without_body(app, &admin, &format!("{}/restore", class_path(&first)))
            .await?
            .expect(200);
        let free =
            "lms.attendances where class_id = $1::text::uuid and is_booked and deleted_at is null";
        assert_eq!(
            queries::count(app, free, &[&first["id"].as_str().unwrap_or_default()]).await?,
            3
        );
        // The cancelled class can be updated, although the restored one overlaps it.
        app.patch(&admin, &class_path(&second), json!({"subject": "Reading"}))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn an_update_that_conflicts_changes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut other = fixture.lesson_body("2035-04-09T16:00:00", "2035-04-09T17:00:00");
        other["tutor_id"] = json!(fixture.other_tutor);
        other["room"] = json!("Blue");
        other["student_ids"] = json!([fixture.students[1]]);
        create_class(app, &admin, other).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(recurring_schedule(
                "UTC",
                "2035-04-02T16:30:00",
                "2035-04-02T17:30:00",
                "FREQ=WEEKLY;COUNT=3",
            )),
        )
        .await?;
        let path = class_path(&class);
        let etag = app.get(&admin, &path).await?.header("etag").to_owned();
        let before = queries::write_counters(app).await?;
        for (patch, pointer) in [
            (json!({"tutor_id": fixture.other_tutor}), "/tutor_id"),
            (json!({"room": "Blue"}), "/room"),
            (
                json!({"student_ids": [fixture.students[0], fixture.students[1]]}),
                "/student_ids",
            ),
        ] {
            let reply = app.patch(&admin, &path, patch).await?.expect(409);
            assert_eq!(reply.pointers(), [pointer]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        assert_eq!(app.get(&admin, &path).await?.header("etag"), etag);
        // A class may be rescheduled to times that overlap its own.
        let later = recurring_schedule(
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
            json!({"room": "Blue", "tutor_id": fixture.other_tutor}),
        )
        .await?
        .expect(200);
        Ok(())
    });
}
