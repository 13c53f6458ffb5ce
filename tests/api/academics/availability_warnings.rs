//! Tests the warnings about lessons outside the tutor's availability or on a day off.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{
        class_fixture, class_path, create_class, lesson_path, post_without_body,
        recurring_schedule, single_schedule,
    },
    fixtures, role, run,
};
use uuid::Uuid;

/// Creates a centre and a tutor in New York who is available from Monday evening until Tuesday morning.
async fn create_overnight_tutor(app: &Application, admin: &Session) -> Result<(Uuid, Uuid)> {
    let body = json!({"name": "Night", "code": "night", "time_zone": "America/New_York", "currency": "USD"});
    let created = app.post(admin, "/v1/centres", body).await?.expect(201);
    let centre = fixtures::parse_id(&created.json())?;
    let tutor = fixtures::create_tutor(app, admin, centre, 5).await?;
    available(app, admin, tutor, json!({"weekly": weekly()})).await?;
    Ok((centre, tutor))
}

fn weekly() -> Value {
    json!([
        {"weekday": "monday", "start": "22:30", "end": "24:00"},
        {"weekday": "tuesday", "start": "00:00", "end": "02:00"},
    ])
}

async fn available(
    app: &Application,
    admin: &Session,
    tutor: Uuid,
    availability: Value,
) -> Result<()> {
    let change = json!({"availability": availability});
    app.patch(admin, &format!("/v1/tutors/{tutor}"), change)
        .await?
        .expect(200);
    Ok(())
}

/// Returns the body of a class with a schedule in New York's local time.
fn schedule_at(centre: Uuid, tutor: Uuid, start: &str, end: &str, rule: &str) -> Value {
    let schedule = if rule.is_empty() {
        single_schedule("America/New_York", start, end)
    } else {
        recurring_schedule("America/New_York", start, end, rule)
    };
    json!({"centre_id": centre, "tutor_id": tutor, "schedule": schedule})
}

async fn warnings(app: &Application, admin: &Session, class: &Value) -> Result<Value> {
    Ok(app.get(admin, &class_path(class)).await?.expect(200).json()["warnings"].clone())
}

#[test]
fn windows_that_meet_at_midnight_are_merged_and_lessons_outside_them_cause_a_warning() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (centre, tutor) = create_overnight_tutor(app, &admin).await?;
        let out = json!(["tutor_unavailable"]);
        for (start, end, rule, expected) in [
            ("2035-04-02T23:30:00", "2035-04-03T00:30:00", "", json!([])),
            ("2035-04-09T22:30:00", "2035-04-10T02:00:00", "", json!([])),
            (
                "2035-04-17T01:30:00",
                "2035-04-17T02:30:00",
                "",
                out.clone(),
            ),
            (
                "2035-04-23T22:00:00",
                "2035-04-23T23:00:00",
                "",
                out.clone(),
            ),
            (
                "2035-04-25T12:00:00",
                "2035-04-25T13:00:00",
                "",
                out.clone(),
            ),
            // The lessons keep their local time across both clock changes.
            (
                "2036-02-04T23:00:00",
                "2036-02-05T01:00:00",
                "FREQ=WEEKLY;COUNT=52",
                json!([]),
            ),
            // A series causes a warning even if only some of its lessons are outside the windows.
            (
                "2038-02-01T23:00:00",
                "2038-02-02T01:00:00",
                "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=9",
                out.clone(),
            ),
            // Past lessons cause no warnings.
            ("2024-02-07T12:00:00", "2024-02-07T13:00:00", "", json!([])),
        ] {
            let class =
                create_class(app, &admin, schedule_at(centre, tutor, start, end, rule)).await?;
            assert_eq!(class["warnings"], expected, "{start} {rule}");
        }
        Ok(())
    });
}

#[test]
fn a_day_off_causes_a_warning_on_every_endpoint_until_its_cause_is_removed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (centre, tutor) = create_overnight_tutor(app, &admin).await?;
        let rule = "FREQ=WEEKLY;COUNT=3";
        let class = schedule_at(
            centre,
            tutor,
            "2035-04-03T00:30:00",
            "2035-04-03T01:30:00",
            rule,
        );
        let class = create_class(app, &admin, class).await?;
        assert_eq!(class["warnings"], json!([]));

        // The tutor takes a day off on which there is a lesson.
        let unavailable_day = json!([{"date": "2035-04-10", "available": false}]);
        available(
            app,
            &admin,
            tutor,
            json!({"weekly": weekly(), "exceptions": unavailable_day}),
        )
        .await?;
        assert_eq!(
            warnings(app, &admin, &class).await?,
            json!(["tutor_day_off"])
        );
        let again = schedule_at(
            centre,
            tutor,
            "2035-04-10T01:30:00",
            "2035-04-10T02:00:00",
            "",
        );
        let again = create_class(app, &admin, again).await?;
        assert_eq!(again["warnings"], json!(["tutor_day_off"]));

        // The lesson is rescheduled to another day, then outside every window, and then cancelled.
        let at_day = lesson_path(&class, "2035-04-10T04:30:00Z");
        let move_and_check_warnings =
            async |start: &str, end: &str, expected: Value| -> Result<()> {
                let body = json!({"starts_at": start, "ends_at": end});
                let reply = app.post(&admin, &format!("{at_day}/move"), body).await?;
                assert_eq!(reply.expect(200).json()["warnings"], expected, "{start}");
                assert_eq!(warnings(app, &admin, &class).await?, expected, "{start}");
                Ok(())
            };
        move_and_check_warnings("2035-04-10T03:00:00Z", "2035-04-10T04:00:00Z", json!([])).await?;
        move_and_check_warnings(
            "2035-04-12T03:00:00Z",
            "2035-04-12T04:00:00Z",
            json!(["tutor_unavailable"]),
        )
        .await?;
        post_without_body(app, &admin, &format!("{at_day}/cancel"))
            .await?
            .expect(200);
        assert_eq!(warnings(app, &admin, &class).await?, json!([]));

        // The tutor's windows are removed, and the class then gets a tutor without availability.
        available(app, &admin, tutor, json!({"weekly": []})).await?;
        assert_eq!(
            warnings(app, &admin, &class).await?,
            json!(["tutor_unavailable"])
        );
        let silent = fixtures::create_tutor(app, &admin, centre, 5).await?;
        let changed = app
            .patch(&admin, &class_path(&class), json!({"tutor_id": silent}))
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["warnings"], json!([]), "no availability is set");
        Ok(())
    });
}

#[test]
fn changing_ones_own_availability_warns_of_lessons_outside_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let own = app.sign_in(role::TUTOR).await?;
        let fixture = class_fixture(app).await?;
        let class = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-04T03:00:00",
            "2035-04-04T03:30:00",
        ));
        let class = create_class(app, &own, class).await?;
        for (weekly, expected) in [
            (json!([]), json!(["tutor_unavailable"])),
            (
                json!([
                    {"weekday": "tuesday", "start": "00:00", "end": "24:00"},
                    {"weekday": "wednesday", "start": "00:00", "end": "24:00"},
                ]),
                json!([]),
            ),
        ] {
            available(app, &own, fixture.tutor, json!({"weekly": weekly})).await?;
            assert_eq!(warnings(app, &admin, &class).await?, expected);
        }
        Ok(())
    });
}
