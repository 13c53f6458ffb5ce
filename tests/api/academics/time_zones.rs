//! Tests that components use the database's time zones, even when their rules change.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

use platform::values::zones;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{class_fixture, recurring_schedule},
    csv::import,
    fixtures, queries, role, run,
};

/// All time zones of the server with a region in their name.
const NAMES: &str =
    "select name from pg_timezone_names where name ~ '^[A-Z][A-Za-z]+/' order by name";

#[test]
fn components_and_server_agree_on_every_time_zone() {
    run(async |app| {
        let client = app.superuser().await?;
        let names = queries::fetch_texts(app, NAMES, &[]).await?;
        assert!(names.len() > 400, "{}", names.len());
        for names in names.chunks(50) {
            database::zones::read(
                &client,
                &names.iter().map(String::as_str).collect::<Vec<_>>(),
            )
            .await?;
        }
        // The instants cover the years in which lessons are planned. The step of 41 days and 5
        // hours varies the day of the week and the time of day.
        let rows = client
            .query(
                "select n.name, g.at, g.at at time zone n.name, lms_private.instant(g.at at time zone 'UTC', n.name)
                from unnest($1::text[]) as n (name)
                cross join generate_series(timestamptz '2024-01-01 00:30Z', '2040-01-01 00:30Z', interval '41 days 5 hours') as g (at)",
                &[&names],
            )
            .await?;
        for row in &rows {
            let (name, at): (&str, DateTime<Utc>) = (row.get(0), row.get(1));
            let (shown, instant): (NaiveDateTime, DateTime<Utc>) = (row.get(2), row.get(3));
            let zone = zones::find(name).with_context(|| name.to_owned())?;
            assert_eq!(
                at.with_timezone(&zone).naive_local(),
                shown,
                "{name} at {at}"
            );
            let ours = recurrence::instant(zone, at.naive_utc());
            assert_eq!(ours, instant, "{name} at the local time {at}");
        }
        // These are local times around each clock change. An ambiguous time means its first
        // instant, and a skipped time has the offset before the change.
        for name in [
            "Europe/London",
            "America/New_York",
            "Australia/Lord_Howe",
            "Africa/Cairo",
            "America/Havana",
        ] {
            let zone = zones::find(name).context("a zone")?;
            let since = Utc
                .with_ymd_and_hms(2025, 1, 1, 0, 0, 0)
                .single()
                .context("a time")?;
            for change in zone
                .changes()
                .filter(|change| change.at > since.naive_utc())
                .take(8)
            {
                for quarter in -8..=8 {
                    let shift = chrono::Duration::seconds(change.from.into())
                        + chrono::Duration::minutes(15) * quarter;
                    let local = change.at + shift;
                    let row = client
                        .query_one("select lms_private.instant($1, $2)", &[&local, &name])
                        .await?;
                    assert_eq!(
                        recurrence::instant(zone, local),
                        row.get::<_, DateTime<Utc>>(0),
                        "{name} at {local}"
                    );
                }
            }
        }
        Ok(())
    });
}

/// Creates a class of one lesson from 16:00 to 17:00 on a date in a time zone, and returns the response.
async fn lesson(app: &Application, admin: &Session, zone: &str, day: &str) -> Result<tests::Reply> {
    let fixture = class_fixture(app).await?;
    let tutor = fixtures::create_tutor(app, admin, fixture.centre, 5).await?;
    let body = json!({
        "centre_id": fixture.centre,
        "tutor_id": tutor,
        "schedule": {"start": format!("{day}T16:00:00"), "end": format!("{day}T17:00:00"), "time_zone": zone},
    });
    app.post(admin, "/v1/classes", body).await
}

/// Returns the start times of a class's lessons.
async fn starts(app: &Application, admin: &Session, class: &Value) -> Result<Vec<Value>> {
    let class = fixtures::parse_id(class)?;
    let path = format!(
        "/v1/classes/{class}/occurrences?from=2026-01-01T00:00:00Z&to=2040-01-01T00:00:00Z"
    );
    let found = app.get(admin, &path).await?.expect(200).json();
    let found = found["data"].as_array().context("data")?;
    Ok(found.iter().map(|one| one["starts_at"].clone()).collect())
}

#[test]
fn lessons_follow_time_zone_rules_newer_than_the_release() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // The replaced function lets Thule abolish winter time in 2035, because the server's own
        // data cannot be changed here.
        app.superuser()
            .await?
            .batch_execute(
                "alter function lms_private.time_zone(text) rename to time_zone_as_it_is;
                create function lms_private.time_zone(name text) returns json
                language sql
                begin atomic
                  select case
                    when name = 'America/Thule' then json_build_object(
                      'name', name, 'offset', -14400, 'abbreviation', 'AST', 'changes', json_build_array(
                        json_build_array(2056690800, -10800, 'ADT')
                      )
                    )
                    else lms_private.time_zone_as_it_is(name)
                  end;
                end;
                grant execute on function lms_private.time_zone to lms_application;
                create or replace function lms.time_zones(names jsonb) returns json
                language sql
                begin atomic
                  select json_agg(lms_private.time_zone(one.name)) from jsonb_array_elements_text(names) as one (name);
                end;",
            )
            .await?;
        let winter = lesson(app, &admin, "America/Thule", "2036-01-14")
            .await?
            .expect(201)
            .json();
        assert_eq!(
            starts(app, &admin, &winter).await?,
            [json!("2036-01-14T19:00:00.000000Z")]
        );
        Ok(())
    });
}

#[test]
fn a_time_zone_must_be_known_to_the_server_by_its_exact_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for zone in [
            "Europe/Atlantis",
            "europe/london",
            "posix/Europe/London",
            "America/Foo3",
            "AMERICA/FOO3",
            "+01:00",
            "",
            "localtime",
            "Europe/\u{0}",
        ] {
            let reply = lesson(app, &admin, zone, "2036-02-14").await?.expect(422);
            assert_eq!(reply.pointers(), ["/schedule/time_zone"], "{zone}");
            let body =
                json!({"name": "Nowhere", "code": "nowhere", "time_zone": zone, "currency": "EUR"});
            let reply = app.post(&admin, "/v1/centres", body).await?.expect(422);
            assert_eq!(reply.pointers(), ["/time_zone"], "{zone}");
        }
        for (zone, start) in [
            ("Pacific/Chatham", "2036-02-14T02:15:00.000000Z"),
            ("Asia/Kathmandu", "2036-02-14T10:15:00.000000Z"),
            ("UTC", "2036-02-14T16:00:00.000000Z"),
        ] {
            let class = lesson(app, &admin, zone, "2036-02-14")
                .await?
                .expect(201)
                .json();
            assert_eq!(starts(app, &admin, &class).await?, [json!(start)], "{zone}");
        }
        Ok(())
    });
}

#[test]
fn an_import_of_classes_may_name_time_zones_not_used_before() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let quoted = |value: Value| format!("\"{}\"", value.to_string().replace('"', "\"\""));
        let row = |zone: &str, day: u32| {
            let day = format!("2036-03-{day:02}");
            let schedule = recurring_schedule(
                zone,
                &format!("{day}T10:00:00"),
                &format!("{day}T11:00:00"),
                "FREQ=WEEKLY;COUNT=1",
            );
            format!(
                "{},{},{}\n",
                fixture.centre,
                fixture.tutor,
                quoted(schedule)
            )
        };
        let file = |rows: &[String]| format!("centre_id,tutor_id,schedule\n{}", rows.concat());
        let zones = [
            "Indian/Mauritius",
            "America/Guyana",
            "Asia/Thimphu",
            "Indian/Mauritius",
        ];
        let rows: Vec<String> = zones
            .iter()
            .zip(1..)
            .map(|(zone, day)| row(zone, day))
            .collect();
        let created = import(app, &admin, "/v1/classes/import", file(&rows))
            .await?
            .expect(201)
            .json();
        let created = created["rows"].as_array().context("rows")?;
        for ((row, zone), line) in created.iter().zip(zones).zip(2..) {
            assert_eq!(row["row"], line);
            let class = app
                .get(&admin, &format!("/v1/classes/{}", fixtures::parse_id(row)?))
                .await?
                .expect(200)
                .json();
            assert_eq!(class["schedule"]["time_zone"], zone);
        }
        // Errors have the right row even after a row that waited for its time zone.
        let wrong = [
            row("Indian/Chagos", 8),
            row("Asia/Shangri-La", 9),
            "x,y,z\n".to_owned(),
        ];
        let reply = import(app, &admin, "/v1/classes/import", file(&wrong))
            .await?
            .expect(422);
        let pointers = reply.pointers();
        assert!(
            pointers
                .iter()
                .any(|pointer| pointer == "/3/schedule/time_zone"),
            "{pointers:?}"
        );
        assert!(
            pointers.iter().any(|pointer| pointer == "/4/centre_id"),
            "{pointers:?}"
        );
        assert!(
            !pointers.iter().any(|pointer| pointer.starts_with("/2/")),
            "{pointers:?}"
        );
        Ok(())
    });
}

#[test]
fn reading_time_zones_does_not_replace_the_stored_response_of_an_idempotency_key() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, fixture.centre, 5).await?;
        let body = json!({
            "centre_id": fixture.centre,
            "tutor_id": tutor,
            "schedule": {"start": "2036-05-14T16:00:00", "end": "2036-05-14T17:00:00", "time_zone": "Atlantic/Stanley"},
        });
        let first = tests::finance_records::post_with_new_key(app, &admin, "/v1/classes", &body)
            .await?
            .expect(201);
        assert_eq!(first.json()["schedule"], body["schedule"]);
        Ok(())
    });
}

#[test]
fn the_worker_reports_classes_planned_with_outdated_time_zone_rules() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut classes = Vec::new();
        for time in ["T09:00:00", "T01:30:00"] {
            let tutor = fixtures::create_tutor(app, &admin, fixture.centre, 5).await?;
            // The second class is at an hour that is skipped in March and repeated in October.
            let day = "2036-01-06";
            let end = if time == "T09:00:00" {
                "T10:00:00"
            } else {
                "T02:30:00"
            };
            let body = json!({
                "centre_id": fixture.centre,
                "tutor_id": tutor,
                "schedule": recurring_schedule("Europe/London", &format!("{day}{time}"), &format!("{day}{end}"), "FREQ=WEEKLY;COUNT=50"),
            });
            classes.push(
                app.post(&admin, "/v1/classes", body)
                    .await?
                    .expect(201)
                    .json(),
            );
        }
        let now = Utc::now();
        let round = worker::run_once(&app.superuser_url, now).await?;
        assert_eq!(round.outdated_lessons, []);
        // The lessons are moved as if they had been planned when London was to keep summer time all
        // winter.
        let class = fixtures::parse_id(&classes[0])?;
        app.superuser()
            .await?
            .execute(
                "with moved as (
                  update lms.occurrences
                  set
                    original_start = original_start - interval '1 hour',
                    starts_at = starts_at - interval '1 hour',
                    ends_at = ends_at - interval '1 hour'
                  where class_id = $1
                    and original_start < '2036-03-30'
                  returning original_start
                )
                select count(*) from moved",
                &[&class],
            )
            .await?;
        let round = worker::run_once(&app.superuser_url, now).await?;
        let found: Vec<_> = round
            .outdated_lessons
            .iter()
            .map(|found| (found.class, found.lessons, found.first.to_rfc3339()))
            .collect();
        assert_eq!(found, [(class, 12, "2036-01-06T08:00:00+00:00".to_owned())]);
        assert!(
            round.to_string().contains("save the schedule again"),
            "{round}"
        );
        Ok(())
    });
}
