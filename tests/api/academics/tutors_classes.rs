//! The lessons that tutors enter of their own classes: those that are ahead, at their own centre, of a usual length.
//! The people of the centre enter everything else.

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application,
    classroom::{act, classroom, lesson, lessons, make, path, series, single},
    people, role, rows, run,
};
use uuid::Uuid;

const START: &str = "2035-04-02T16:00:00Z";

fn plan(centre: Uuid, tutor: Uuid, schedule: Value) -> Value {
    json!({"centre_id": centre, "tutor_id": tutor, "schedule": schedule})
}

fn hour() -> Value {
    single("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00")
}

fn local(time: chrono::DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A lesson of last week.
fn past() -> Value {
    let start = Utc::now() - TimeDelta::days(7);
    single("UTC", &local(start), &local(start + TimeDelta::hours(1)))
}

#[test]
fn a_tutor_gives_classes_at_the_own_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, away) = rows::centres(app).await?;
        let (tutor, caller) = people::teacher(app, &admin, home).await?;
        let before = rows::written(app).await?;
        app.post(&caller, "/v1/classes", plan(away, tutor, hour()))
            .await?
            .expect(403);
        assert_eq!(rows::written(app).await?, before);
        let own = make(app, &caller, plan(home, tutor, hour())).await?;
        app.patch(&caller, &path(&own), json!({"centre_id": away}))
            .await?
            .expect(403);

        // The people of a centre may have a tutor of another: then the tutor holds the class, and moves it nowhere.
        let guest = plan(
            away,
            tutor,
            single("UTC", "2035-04-03T16:00:00", "2035-04-03T17:00:00"),
        );
        let guest = make(app, &admin, guest).await?;
        app.patch(&caller, &path(&guest), json!({"room": "Blue"}))
            .await?
            .expect(200);
        act(
            app,
            &caller,
            &format!("{}/cancel", lesson(&guest, "2035-04-03T16:00:00Z")),
        )
        .await?
        .expect(200);
        Ok(())
    });
}

#[test]
fn a_tutor_enters_no_lesson_that_has_begun_and_none_that_is_long() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (home, _) = rows::centres(app).await?;
        let (tutor, caller) = people::teacher(app, &admin, home).await?;
        let long = single("UTC", "2035-04-03T09:00:00", "2035-04-03T13:01:00");
        let begun = Utc::now() - TimeDelta::days(15);
        let begun = series(
            "UTC",
            &local(begun),
            &local(begun + TimeDelta::hours(1)),
            "FREQ=WEEKLY;COUNT=5",
        );
        let before = rows::written(app).await?;
        for schedule in [past(), long.clone(), begun.clone()] {
            app.post(&caller, "/v1/classes", plan(home, tutor, schedule))
                .await?
                .expect(403);
        }
        assert_eq!(rows::written(app).await?, before);

        let own = make(app, &caller, plan(home, tutor, hour())).await?;
        let class = path(&own);
        let moved = format!("{}/move", lesson(&own, START));
        let now = Utc::now();
        let time = |time: chrono::DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let before = rows::written(app).await?;
        for schedule in [past(), long, begun.clone()] {
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
        assert_eq!(rows::written(app).await?, before);
        let body = json!({"starts_at": "2035-04-02T09:00:00Z", "ends_at": "2035-04-02T13:00:00Z"});
        app.post(&caller, &moved, body).await?.expect(200);

        // The people of the centre enter all of it.
        let body = plan(home, tutor, begun);
        let given = make(app, &supervisor, body).await?;
        let first = &lessons(app, &caller, &given).await?[0];
        let first = first["original_start"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // A lesson that was given is not made longer by the person who is paid for it.
        let body = json!({"starts_at": time(now - TimeDelta::days(15)), "ends_at": time(now - TimeDelta::days(15) + TimeDelta::hours(3))});
        app.post(&caller, &format!("{}/move", lesson(&given, &first)), body)
            .await?
            .expect(403);
        // The tutor records the attendance of a class that the centre entered, and completes it.
        app.call(
            Some(&caller),
            Method::PUT,
            &format!("{}/attendance", lesson(&given, &first)),
            Some(json!({"students": []})),
        )
        .await?
        .expect(200);
        act(app, &caller, &format!("{}/complete", path(&given)))
            .await?
            .expect(200);
        Ok(())
    });
}

/// Makes it look as if the lesson of a class had begun so many hours ago, and had been entered so long ago.
async fn set_back(app: &Application, class: &Value, hours: i32, entered: &str) -> Result<()> {
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
          created_at = now() - interval '{entered}'
        from (select now() - interval '{hours} hours' as start) as t
        where o.class_id = $1"
    );
    client.execute(&sql, &[&people::id(class)?]).await?;
    Ok(())
}

#[test]
fn a_tutor_completes_what_was_planned_before_it_began() {
    run(async |app| {
        let room = classroom(app).await?;
        let caller = app.sign_in(role::TUTOR).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let planned = room.lesson("2035-05-02T16:00:00", "2035-05-02T17:00:00");
        let planned = make(app, &caller, planned).await?;
        set_back(app, &planned, 4, "1 day").await?;
        act(app, &caller, &format!("{}/complete", path(&planned)))
            .await?
            .expect(200);
        // As it was possible once: entered when it had begun, and completed by the same person.
        let late = room.lesson("2035-05-02T18:00:00", "2035-05-02T19:00:00");
        let late = make(app, &caller, late).await?;
        set_back(app, &late, 2, "10 minutes").await?;
        act(app, &caller, &format!("{}/complete", path(&late)))
            .await?
            .expect(403);
        act(app, &supervisor, &format!("{}/complete", path(&late)))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_lesson_that_began_while_it_was_deleted_is_not_brought_back_by_its_tutor() {
    run(async |app| {
        let room = classroom(app).await?;
        let caller = app.sign_in(role::TUTOR).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let class = room.lesson("2035-05-02T16:00:00", "2035-05-02T17:00:00");
        let class = make(app, &caller, class).await?;
        app.delete(&caller, &path(&class)).await?.expect(204);
        // Time goes by.
        let client = app.superuser().await?;
        client
            .batch_execute("set session_replication_role = replica")
            .await?;
        for (table, key) in [("classes", "id"), ("occurrences", "class_id")] {
            let sql = format!(
                "update lms.{table} set deleted_at = date_trunc('hour', now()) - interval '4 hours' where {key} = $1"
            );
            client.execute(&sql, &[&people::id(&class)?]).await?;
        }
        set_back(app, &class, 2, "1 day").await?;
        let restore = format!("{}/restore", path(&class));
        act(app, &caller, &restore).await?.expect(403);
        act(app, &supervisor, &restore).await?.expect(200);
        Ok(())
    });
}
