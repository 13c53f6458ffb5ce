//! Tests the limits on the lessons that tutors create and record for their own classes.

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application,
    class_fixture::{
        class_fixture, class_path, create_class, get_lessons, lesson_path, post_without_body,
        recurring_schedule, single_schedule,
    },
    fixtures, queries, role, run,
};
use uuid::Uuid;

const START: &str = "2035-04-02T16:00:00Z";

fn plan(centre: Uuid, tutor: Uuid, schedule: Value) -> Value {
    json!({"centre_id": centre, "tutor_id": tutor, "schedule": schedule})
}

fn hour() -> Value {
    single_schedule("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00")
}

fn local(time: chrono::DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Returns the schedule of a lesson last week.
fn past() -> Value {
    let start = Utc::now() - TimeDelta::days(7);
    single_schedule("UTC", &local(start), &local(start + TimeDelta::hours(1)))
}

#[test]
fn a_tutor_creates_classes_only_at_their_own_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let (tutor, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let before = queries::write_counters(app).await?;
        app.post(&caller, "/v1/classes", plan(other_centre, tutor, hour()))
            .await?
            .expect(403);
        assert_eq!(queries::write_counters(app).await?, before);
        let own = create_class(app, &caller, plan(own_centre, tutor, hour())).await?;
        app.patch(
            &caller,
            &class_path(&own),
            json!({"centre_id": other_centre}),
        )
        .await?
        .expect(403);

        // The centre's staff may assign a tutor of another centre, who may then update the class
        // and cancel its lessons.
        let guest = plan(
            other_centre,
            tutor,
            single_schedule("UTC", "2035-04-03T16:00:00", "2035-04-03T17:00:00"),
        );
        let guest = create_class(app, &admin, guest).await?;
        app.patch(&caller, &class_path(&guest), json!({"room": "Blue"}))
            .await?
            .expect(200);
        post_without_body(
            app,
            &caller,
            &format!("{}/cancel", lesson_path(&guest, "2035-04-03T16:00:00Z")),
        )
        .await?
        .expect(200);
        Ok(())
    });
}

#[test]
fn a_tutor_creates_neither_past_nor_overlong_lessons() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (tutor, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let long = single_schedule("UTC", "2035-04-03T09:00:00", "2035-04-03T13:01:00");
        let start = Utc::now() - TimeDelta::days(15);
        let past_schedule = recurring_schedule(
            "UTC",
            &local(start),
            &local(start + TimeDelta::hours(1)),
            "FREQ=WEEKLY;COUNT=5",
        );
        let before = queries::write_counters(app).await?;
        for schedule in [past(), long.clone(), past_schedule.clone()] {
            app.post(&caller, "/v1/classes", plan(own_centre, tutor, schedule))
                .await?
                .expect(403);
        }
        assert_eq!(queries::write_counters(app).await?, before);

        let own = create_class(app, &caller, plan(own_centre, tutor, hour())).await?;
        let class = class_path(&own);
        let moved = format!("{}/move", lesson_path(&own, START));
        let now = Utc::now();
        let time = |time: chrono::DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let before = queries::write_counters(app).await?;
        for schedule in [past(), long, past_schedule.clone()] {
            app.patch(&caller, &class, json!({"schedule": schedule}))
                .await?
                .expect(403);
        }
        for (start, end) in [
            (
                time(now - TimeDelta::hours(2)),
                time(now - TimeDelta::hours(1)),
            ),
            (
                "2035-04-02T09:00:00Z".to_owned(),
                "2035-04-02T13:30:00Z".to_owned(),
            ),
        ] {
            app.post(&caller, &moved, json!({"starts_at": start, "ends_at": end}))
                .await?
                .expect(403);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let body = json!({"starts_at": "2035-04-02T09:00:00Z", "ends_at": "2035-04-02T13:00:00Z"});
        app.post(&caller, &moved, body).await?.expect(200);

        // The centre's staff may create such a class.
        let body = plan(own_centre, tutor, past_schedule);
        let class_of_supervisor = create_class(app, &supervisor, body).await?;
        let first = &get_lessons(app, &caller, &class_of_supervisor).await?[0];
        let first = first["original_start"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // A tutor cannot extend a past lesson, for which they are paid.
        let body = json!({"starts_at": time(now - TimeDelta::days(15)), "ends_at": time(now - TimeDelta::days(15) + TimeDelta::hours(3))});
        app.post(
            &caller,
            &format!("{}/move", lesson_path(&class_of_supervisor, &first)),
            body,
        )
        .await?
        .expect(403);
        // The tutor records the attendance of a class that the centre created, and completes it.
        app.call(
            Some(&caller),
            Method::PUT,
            &format!("{}/attendance", lesson_path(&class_of_supervisor, &first)),
            Some(json!({"students": []})),
        )
        .await?
        .expect(200);
        post_without_body(
            app,
            &caller,
            &format!("{}/complete", class_path(&class_of_supervisor)),
        )
        .await?
        .expect(200);
        Ok(())
    });
}

/// Makes a class's lesson look as if it had started `hours` ago and been created `created_ago` ago.
async fn move_into_past(
    app: &Application,
    class: &Value,
    hours: i32,
    created_ago: &str,
) -> Result<()> {
    let client = app.superuser().await?;
    client
        .batch_execute("set session_replication_role = replica")
        .await?;
    let sql = format!(
        "update lms.occurrences as o
        set
          starts_at = t.start,
          ends_at = t.start + interval '1 hour',
          original_start = t.start,
          created_at = now() - interval '{created_ago}'
        from (select now() - interval '{hours} hours' as start) as t
        where o.class_id = $1"
    );
    client.execute(&sql, &[&fixtures::parse_id(class)?]).await?;
    Ok(())
}

#[test]
fn a_tutor_completes_lessons_planned_before_they_started() {
    run(async |app| {
        let fixture = class_fixture(app).await?;
        let caller = app.sign_in(role::TUTOR).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let planned = fixture.lesson_body("2035-05-02T16:00:00", "2035-05-02T17:00:00");
        let planned = create_class(app, &caller, planned).await?;
        move_into_past(app, &planned, 4, "1 day").await?;
        post_without_body(app, &caller, &format!("{}/complete", class_path(&planned)))
            .await?
            .expect(200);
        // Earlier versions let a tutor create a lesson after its start. The same tutor cannot
        // complete such a lesson.
        let late = fixture.lesson_body("2035-05-02T18:00:00", "2035-05-02T19:00:00");
        let late = create_class(app, &caller, late).await?;
        move_into_past(app, &late, 2, "10 minutes").await?;
        post_without_body(app, &caller, &format!("{}/complete", class_path(&late)))
            .await?
            .expect(403);
        post_without_body(app, &supervisor, &format!("{}/complete", class_path(&late)))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_tutor_cannot_restore_a_lesson_that_started_while_it_was_deleted() {
    run(async |app| {
        let fixture = class_fixture(app).await?;
        let caller = app.sign_in(role::TUTOR).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let class = fixture.lesson_body("2035-05-02T16:00:00", "2035-05-02T17:00:00");
        let class = create_class(app, &caller, class).await?;
        app.delete(&caller, &class_path(&class)).await?.expect(204);
        // The class looks as if its lesson had started two hours after the deletion.
        let client = app.superuser().await?;
        client
            .batch_execute("set session_replication_role = replica")
            .await?;
        for (table, key) in [("classes", "id"), ("occurrences", "class_id")] {
            let sql = format!(
                "update lms.{table} set deleted_at = date_trunc('hour', now()) - interval '4 hours' where {key} = $1"
            );
            client
                .execute(&sql, &[&fixtures::parse_id(&class)?])
                .await?;
        }
        move_into_past(app, &class, 2, "1 day").await?;
        let restore = format!("{}/restore", class_path(&class));
        post_without_body(app, &caller, &restore).await?.expect(403);
        post_without_body(app, &supervisor, &restore)
            .await?
            .expect(200);
        Ok(())
    });
}
