//! A lesson at a time when its tutor is not available, or on a day off, is made and warned of.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    classroom::{act, classroom, lesson, make, path, series, single},
    people, role, run,
};
use uuid::Uuid;

/// A tutor in New York who is there from Monday evening until Tuesday morning, and a centre.
async fn night_owl(app: &Application, admin: &Session) -> Result<(Uuid, Uuid)> {
    let body = json!({"name": "Night", "code": "night", "time_zone": "America/New_York", "currency": "USD"});
    let made = app.post(admin, "/v1/centres", body).await?.expect(201);
    let centre = people::id(&made.json())?;
    let tutor = people::tutor(app, admin, centre, 5).await?;
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

/// A lesson on New York's clock.
fn at(centre: Uuid, tutor: Uuid, start: &str, end: &str, rule: &str) -> Value {
    let schedule = if rule.is_empty() {
        single("America/New_York", start, end)
    } else {
        series("America/New_York", start, end, rule)
    };
    json!({"centre_id": centre, "tutor_id": tutor, "schedule": schedule})
}

async fn warnings(app: &Application, admin: &Session, class: &Value) -> Result<Value> {
    Ok(app.get(admin, &path(class)).await?.expect(200).json()["warnings"].clone())
}

#[test]
fn windows_that_meet_at_midnight_are_one_and_what_leaves_them_is_a_warning() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (centre, tutor) = night_owl(app, &admin).await?;
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
            // Over both changes of clocks, each at its hour on the wall.
            (
                "2036-02-04T23:00:00",
                "2036-02-05T01:00:00",
                "FREQ=WEEKLY;COUNT=52",
                json!([]),
            ),
            // One of many is enough.
            (
                "2038-02-01T23:00:00",
                "2038-02-02T01:00:00",
                "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=9",
                out.clone(),
            ),
            // A lesson that is over gets no warnings any more.
            ("2024-02-07T12:00:00", "2024-02-07T13:00:00", "", json!([])),
        ] {
            let class = make(app, &admin, at(centre, tutor, start, end, rule)).await?;
            assert_eq!(class["warnings"], expected, "{start} {rule}");
        }
        Ok(())
    });
}

#[test]
fn a_day_off_is_a_warning_on_every_door_and_is_gone_when_its_cause_is() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (centre, tutor) = night_owl(app, &admin).await?;
        let rule = "FREQ=WEEKLY;COUNT=3";
        let class = at(
            centre,
            tutor,
            "2035-04-03T00:30:00",
            "2035-04-03T01:30:00",
            rule,
        );
        let class = make(app, &admin, class).await?;
        assert_eq!(class["warnings"], json!([]));

        // The tutor takes a day off on which a lesson is.
        let off = json!([{"date": "2035-04-10", "available": false}]);
        available(
            app,
            &admin,
            tutor,
            json!({"weekly": weekly(), "exceptions": off}),
        )
        .await?;
        assert_eq!(
            warnings(app, &admin, &class).await?,
            json!(["tutor_day_off"])
        );
        let again = at(
            centre,
            tutor,
            "2035-04-10T01:30:00",
            "2035-04-10T02:00:00",
            "",
        );
        let again = make(app, &admin, again).await?;
        assert_eq!(again["warnings"], json!(["tutor_day_off"]));

        // The lesson is moved out of the day, then out of every window; then it is off.
        let at_day = lesson(&class, "2035-04-10T04:30:00Z");
        let moved = async |start: &str, end: &str, expected: Value| -> Result<()> {
            let body = json!({"starts_at": start, "ends_at": end});
            let reply = app.post(&admin, &format!("{at_day}/move"), body).await?;
            assert_eq!(reply.expect(200).json()["warnings"], expected, "{start}");
            assert_eq!(warnings(app, &admin, &class).await?, expected, "{start}");
            Ok(())
        };
        moved("2035-04-10T03:00:00Z", "2035-04-10T04:00:00Z", json!([])).await?;
        moved(
            "2035-04-12T03:00:00Z",
            "2035-04-12T04:00:00Z",
            json!(["tutor_unavailable"]),
        )
        .await?;
        act(app, &admin, &format!("{at_day}/cancel"))
            .await?
            .expect(200);
        assert_eq!(warnings(app, &admin, &class).await?, json!([]));

        // Another tutor, and the same one with other windows.
        available(app, &admin, tutor, json!({"weekly": []})).await?;
        assert_eq!(
            warnings(app, &admin, &class).await?,
            json!(["tutor_unavailable"])
        );
        let silent = people::tutor(app, &admin, centre, 5).await?;
        let changed = app
            .patch(&admin, &path(&class), json!({"tutor_id": silent}))
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["warnings"], json!([]), "nobody has said when");
        Ok(())
    });
}

#[test]
fn a_tutor_who_changes_the_own_availability_is_warned_of_by_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let own = app.sign_in(role::TUTOR).await?;
        let room = classroom(app).await?;
        let class = room.class(single("UTC", "2035-04-04T03:00:00", "2035-04-04T03:30:00"));
        let class = make(app, &own, class).await?;
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
            available(app, &own, room.tutor, json!({"weekly": weekly})).await?;
            assert_eq!(warnings(app, &admin, &class).await?, expected);
        }
        Ok(())
    });
}
