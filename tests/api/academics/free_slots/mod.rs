//! Tests the free slots of tutors against a minute-by-minute model, across clock changes too.

mod model;

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc, Weekday};
use serde_json::json;
use tests::{Application, Session, fixtures, queries, random_samples, role, run};
use uuid::Uuid;

use model::{ZONES, case};

fn format_utc(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn slots(
    app: &Application,
    session: &Session,
    tutor: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    minutes: i64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    let path = format!(
        "/v1/tutors/{tutor}/free-slots?from={}&to={}&minutes={minutes}",
        format_utc(from),
        format_utc(to)
    );
    let body = app.get(session, &path).await?.expect(200).json();
    let data = body["data"].as_array().context("data")?;
    data.iter()
        .map(|slot| {
            let time = |name: &str| -> Result<DateTime<Utc>> {
                Ok(slot[name].as_str().context("a time")?.parse()?)
            };
            Ok((time("start")?, time("end")?))
        })
        .collect()
}

#[test]
fn free_slots_equal_a_minute_by_minute_computation() {
    let cases = random_samples::samples(120, &case());
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut centres = Vec::new();
        for (index, (zone, _)) in ZONES.iter().enumerate() {
            let body = json!({"name": zone, "code": format!("zone-{index}"), "time_zone": zone, "currency": "EUR"});
            let created = app.post(&admin, "/v1/centres", body).await?.expect(201);
            centres.push(fixtures::parse_id(&created.json())?);
        }
        let mut found = 0;
        for case in &cases {
            let tutor = fixtures::create_tutor(app, &admin, centres[case.zone], 1).await?;
            let change = json!({"availability": case.availability()});
            app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
                .await?
                .expect(200);
            let class = fixtures::insert_class(app, tutor).await?;
            for (start, end, is_cancelled) in case.lessons() {
                let status = if is_cancelled {
                    "cancelled"
                } else {
                    "scheduled"
                };
                fixtures::insert_lesson(app, class, &format_utc(start), &format_utc(end), status)
                    .await?;
            }
            let expected = case.expected();
            found += expected.len();
            let slots = slots(app, &admin, tutor, case.from(), case.to(), case.minutes).await?;
            assert_eq!(slots, expected, "{case:?} {}", case.zone().0);
            // The search must find the tutor if and only if there is a free slot.
            let path = format!(
                "/v1/tutors/search?centre_id={}&limit=200&from={}&to={}&minutes={}",
                centres[case.zone],
                format_utc(case.from()),
                format_utc(case.to()),
                case.minutes
            );
            let body = app.get(&admin, &path).await?.expect(200).json();
            let is_found = body["data"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| one["id"] == json!(tutor));
            assert_eq!(is_found, !expected.is_empty(), "{case:?}");
            // A tutor with future lessons cannot be deactivated.
            let over = "update lms.occurrences set status = 'cancelled' where class_id = $1 and status = 'scheduled'";
            queries::execute(app, over, &[&class]).await?;
            app.delete(&admin, &format!("/v1/tutors/{tutor}"))
                .await?
                .expect(204);
        }
        assert!(found > 100, "the cases have only {found} free slots");
        Ok(())
    });
}

#[test]
fn a_tutor_without_availability_has_no_free_slots() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 1).await?;
        let (from, to) = (
            "2026-03-02T00:00:00Z".parse()?,
            "2026-03-09T00:00:00Z".parse()?,
        );
        assert!(slots(app, &admin, tutor, from, to, 1).await?.is_empty());
        for availability in [
            json!({"weekly": [], "exceptions": []}),
            json!({"exceptions": [{"date": "2026-03-04", "available": false}]}),
        ] {
            let change = json!({"availability": availability});
            app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
                .await?
                .expect(200);
            assert!(slots(app, &admin, tutor, from, to, 1).await?.is_empty());
        }
        let change =
            json!({"availability": {"exceptions": [{"date": "2026-03-04", "available": true}]}});
        app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
            .await?
            .expect(200);
        let whole_day = (
            "2026-03-04T00:00:00Z".parse()?,
            "2026-03-05T00:00:00Z".parse()?,
        );
        assert_eq!(
            slots(app, &admin, tutor, from, to, 1440).await?,
            [whole_day]
        );
        assert_eq!(
            NaiveDate::from_ymd_opt(2026, 3, 2).map(|day| day.weekday()),
            Some(Weekday::Mon)
        );
        Ok(())
    });
}

#[test]
fn a_window_follows_local_time_across_clock_changes_and_lessons_are_half_open() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "London", "code": "london", "time_zone": "Europe/London", "currency": "GBP"});
        let centre = fixtures::parse_id(
            &app.post(&admin, "/v1/centres", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let tutor = fixtures::create_tutor(app, &admin, centre, 1).await?;
        let change = json!({"availability": {"weekly": [{"weekday": "monday", "start": "16:00", "end": "18:00"}]}});
        app.patch(&admin, &format!("/v1/tutors/{tutor}"), change)
            .await?
            .expect(200);
        let class = fixtures::insert_class(app, tutor).await?;
        fixtures::insert_lesson(
            app,
            class,
            "2026-03-23T16:00:00Z",
            "2026-03-23T17:00:00Z",
            "scheduled",
        )
        .await?;
        let found = slots(
            app,
            &admin,
            tutor,
            "2026-03-23T00:00:00Z".parse()?,
            "2026-03-31T00:00:00Z".parse()?,
            60,
        )
        .await?;
        let expected: Vec<(DateTime<Utc>, DateTime<Utc>)> = vec![
            (
                "2026-03-23T17:00:00Z".parse()?,
                "2026-03-23T18:00:00Z".parse()?,
            ),
            (
                "2026-03-30T15:00:00Z".parse()?,
                "2026-03-30T17:00:00Z".parse()?,
            ),
        ];
        assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_free_slots_of_tutors_within_its_scope() {
    run(async |app| {
        let (_, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_tutor(app).await?;
        let other_centre_tutor = queries::fetch_id(
            app,
            "select id from lms.tutors where centre_id = $1",
            &[&other_centre],
        )
        .await?;
        let period = "from=2026-03-02T00:00:00Z&to=2026-03-09T00:00:00Z";
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let (own_centre_status, other_centre_status) = match role {
                role::STUDENT | role::PARENT => (403, 403),
                role::TUTOR | role::SUPERVISOR => (200, 404),
                _ => (200, 200),
            };
            for (tutor, status) in [
                (own, own_centre_status),
                (other_centre_tutor, other_centre_status),
            ] {
                let path = format!("/v1/tutors/{tutor}/free-slots?{period}");
                app.get(&session, &path).await?.expect(status);
            }
        }
        let admin = app.sign_in(role::ADMIN).await?;
        let other_tenant_tutor = queries::first_id(app, 1, "tutors").await?;
        app.get(
            &admin,
            &format!("/v1/tutors/{other_tenant_tutor}/free-slots?{period}"),
        )
        .await?
        .expect(404);
        for query in [
            "",
            "from=2026-03-02T00:00:00Z",
            "to=2026-03-02T00:00:00Z",
            "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
            "from=2026-03-02T00:00:00Z&to=2027-03-01T00:00:00Z",
            "from=monday&to=tuesday",
            &format!("{period}&minutes=0"),
            &format!("{period}&minutes=1441"),
        ] {
            app.get(&admin, &format!("/v1/tutors/{own}/free-slots?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}
