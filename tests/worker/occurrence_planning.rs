//! Tests the planning of occurrences by `lms worker` up to the horizon.

use std::time::Duration as Wait;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, NaiveTime, TimeZone, Utc};
use platform::http::outbound_url::Networks;
use recurrence::HORIZON;
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run, run_on_own_server};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use worker::Senders;
use worker::notifications::{Options, Providers};
use worker::webhooks::{self, Sender};

/// Returns midnight, some days from now.
fn day(days: i64) -> DateTime<Utc> {
    let today = Utc::now().date_naive().and_time(NaiveTime::MIN);
    Utc.from_utc_datetime(&today) + Duration::days(days)
}

fn local(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Creates a class with a weekly or a single lesson of one hour, for a tutor and a student of the first centre.
async fn create_class(
    app: &Application,
    admin: &Session,
    start: DateTime<Utc>,
    rule: Option<&str>,
) -> Result<Uuid> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    let recurring = rule.map(|rule| json!({"rule": rule}));
    let body = json!({
        "centre_id": own_centre,
        "tutor_id": first_person_of(app, "tutors", own_centre).await?,
        "student_ids": [first_person_of(app, "students", own_centre).await?],
        "schedule": {
            "start": local(start),
            "end": local(start + Duration::hours(1)),
            "time_zone": "UTC",
            "recurring": recurring,
        },
    });
    let created = app.post(admin, "/v1/classes", body).await?.expect(201);
    let id = created.json()["id"].as_str().map(str::to_owned);
    Ok(id.context("no id")?.parse()?)
}

/// Returns the id of the first row of a centre in a table of people.
async fn first_person_of(app: &Application, table: &str, centre: Uuid) -> Result<Uuid> {
    let sql = format!(
        "select id from lms.{table} where centre_id = $1 and deleted_at is null order by id"
    );
    queries::fetch_id(app, &sql, &[&centre]).await
}

/// Returns the starts of a class's occurrences with their status, in order.
async fn occurrences(app: &Application, class: Uuid) -> Result<Vec<(DateTime<Utc>, String)>> {
    let found = app
        .superuser()
        .await?
        .query(
            "select original_start, status || coalesce(': ' || reason, '')
            from lms.occurrences
            where class_id = $1 and deleted_at is null
            order by original_start",
            &[&class],
        )
        .await?;
    Ok(found.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Returns the weekly starts that must exist at a time.
fn weekly(start: DateTime<Utc>, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, String)> {
    let horizon = now + HORIZON;
    (0..)
        .map(|week| start + Duration::weeks(week))
        .take_while(|time| *time < horizon)
        .map(|time| (time, "scheduled".to_owned()))
        .collect()
}

#[test]
fn occurrences_are_planned_up_to_the_moving_horizon_once_each() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = day(1) + Duration::hours(3);
        let class = create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?;
        let over = create_class(
            app,
            &admin,
            start + Duration::hours(1),
            Some("FREQ=WEEKLY;COUNT=60"),
        )
        .await?;
        let now = Utc::now();
        // The class was just created, so there is nothing to plan yet.
        let first = worker::run_once(&app.superuser_url, now).await?;
        assert!(first.failed.is_empty(), "{first}");
        let before = occurrences(app, class).await?;
        assert_eq!(before, weekly(start, now));

        for weeks in [4, 6, 30] {
            let then = now + Duration::weeks(weeks);
            let report = worker::run_once(&app.superuser_url, then).await?;
            assert!(
                report.clashes.is_empty() && report.failed.is_empty(),
                "{report}"
            );
            assert_eq!(occurrences(app, class).await?, weekly(start, then));
            let again = worker::run_once(&app.superuser_url, then).await?;
            assert!(again.is_empty(), "{again}");
        }

        // A finite series has all occurrences from the start and is not planned further.
        assert_eq!(occurrences(app, over).await?.len(), 60);
        worker::run_once(&app.superuser_url, now + Duration::weeks(80)).await?;
        assert_eq!(occurrences(app, over).await?.len(), 60);
        let fully_planned = "lms.classes where id = $1 and planned_until is null";
        assert_eq!(queries::count(app, fully_planned, &[&over]).await?, 1);
        let students =
            "lms.attendances as a where a.class_id = $1 and a.is_booked and a.deleted_at is null";
        assert_eq!(queries::count(app, students, &[&over]).await?, 60);
        Ok(())
    });
}

#[test]
fn concurrent_workers_plan_each_class_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut classes = Vec::new();
        for hour in 0..6 {
            let start = day(1) + Duration::hours(hour);
            classes.push((
                start,
                create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?,
            ));
        }
        let now = Utc::now();
        worker::run_once(&app.superuser_url, now).await?;
        let before = queries::count(app, "lms.occurrences", &[]).await?;
        let then = now + Duration::weeks(10);
        let url = app.superuser_url.as_str();
        let reports = tokio::try_join!(
            worker::run_once(url, then),
            worker::run_once(url, then),
            worker::run_once(url, then),
            worker::run_once(url, then),
        )?;
        let reports = [reports.0, reports.1, reports.2, reports.3];
        let mut added = 0;
        for report in &reports {
            assert!(report.failed.is_empty(), "{report}");
            added += report.occurrences + report.clashes.len();
        }
        let after = queries::count(app, "lms.occurrences", &[]).await?;
        assert_eq!(i64::try_from(added)?, after - before);
        for (start, class) in classes {
            assert_eq!(occurrences(app, class).await?, weekly(start, then));
        }
        Ok(())
    });
}

#[test]
fn a_conflicting_occurrence_is_cancelled_and_the_others_are_planned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = day(1) + Duration::hours(3);
        let class = create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?;
        let now = Utc::now();
        worker::run_once(&app.superuser_url, now).await?;
        // The lesson is after the horizon of the first class, so nothing conflicts yet.
        let clash_time = start + Duration::weeks(57);
        let other = create_class(app, &admin, clash_time + Duration::minutes(30), None).await?;
        let then = now + Duration::weeks(10);
        let report = worker::run_once(&app.superuser_url, then).await?;
        let clashes: Vec<_> = report
            .clashes
            .iter()
            .map(|clash| (clash.class, clash.start))
            .collect();
        assert_eq!(clashes, [(class, clash_time)], "{report}");
        assert!(report.to_string().contains("is cancelled"), "{report}");

        let mut expected = weekly(start, then);
        for (time, status) in &mut expected {
            if *time == clash_time {
                *status = "cancelled: clash".to_owned();
            }
        }
        assert_eq!(occurrences(app, class).await?, expected);
        assert_eq!(occurrences(app, other).await?.len(), 1);
        let booked = "lms.attendances as a
            where a.class_id = $1 and a.starts_at = $2 and not a.is_booked and a.deleted_at is null";
        assert_eq!(
            queries::count(app, booked, &[&class, &clash_time]).await?,
            1
        );
        // The conflict is final: the next run does not try again.
        assert!(worker::run_once(&app.superuser_url, then).await?.is_empty());
        Ok(())
    });
}

#[test]
fn a_class_that_cannot_be_planned_does_not_block_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = day(1) + Duration::hours(3);
        let broken = create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?;
        let start = start + Duration::hours(1);
        let whole = create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?;
        app.superuser()
            .await?
            .batch_execute(&format!(
                "set session_replication_role = replica;
                update lms.classes set schedule = '{{}}' where id = '{broken}'"
            ))
            .await?;
        let then = Utc::now() + Duration::weeks(10);
        let report = worker::run_once(&app.superuser_url, then).await?;
        let failed: Vec<Uuid> = report.failed.iter().map(|failure| failure.id).collect();
        assert_eq!(failed, [broken], "{report}");
        assert_eq!(occurrences(app, whole).await?, weekly(start, then));
        Ok(())
    });
}

#[test]
fn classes_that_have_ended_are_left_unchanged() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut classes = Vec::new();
        for hour in 0..3 {
            let start = day(-1) + Duration::hours(hour);
            classes.push(create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?);
        }
        let [cancelled, completed, deleted] = classes[..] else {
            return Ok(());
        };
        for (class, action) in [(cancelled, "cancel"), (completed, "complete")] {
            app.post(&admin, &format!("/v1/classes/{class}/{action}"), json!({}))
                .await?
                .expect(200);
        }
        app.delete(&admin, &format!("/v1/classes/{deleted}"))
            .await?
            .expect(204);
        let mut before = Vec::new();
        for class in &classes {
            before.push(occurrences(app, *class).await?);
        }
        worker::run_once(&app.superuser_url, Utc::now() + Duration::weeks(10)).await?;
        for (class, before) in classes.iter().zip(before) {
            assert_eq!(occurrences(app, *class).await?, before);
        }
        Ok(())
    });
}

#[test]
fn a_partly_planned_finite_series_is_completed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = day(1) + Duration::hours(3);
        let class = create_class(app, &admin, start, Some("FREQ=WEEKLY;COUNT=150")).await?;
        let whole = occurrences(app, class).await?;
        assert_eq!(whole.len(), 150);
        set_planning_back(app, class).await?;
        assert!(occurrences(app, class).await?.len() < 12);
        let report = worker::run_once(&app.superuser_url, Utc::now()).await?;
        assert!(report.failed.is_empty(), "{report}");
        assert_eq!(occurrences(app, class).await?, whole);
        let fully_planned = "lms.classes where id = $1 and planned_until is null";
        assert_eq!(queries::count(app, fully_planned, &[&class]).await?, 1);
        assert!(
            worker::run_once(&app.superuser_url, Utc::now())
                .await?
                .is_empty()
        );
        Ok(())
    });
}

/// Moves a class's planning back, as if only the next ten weeks had been planned.
async fn set_planning_back(app: &Application, class: Uuid) -> Result<()> {
    app.superuser()
        .await?
        .batch_execute(&format!(
            "set session_replication_role = replica;
            delete from lms.attendances where class_id = '{class}' and starts_at > now() + interval '10 weeks';
            delete from lms.occurrences where class_id = '{class}' and starts_at > now() + interval '10 weeks';
            update lms.classes
            set
              planned_until = now() + interval '10 weeks',
              planned = (
                select jsonb_agg(span)
                from jsonb_array_elements(planned) as span
                where (span ->> 0)::timestamptz < now() + interval '10 weeks'
              )
            where id = '{class}'"
        ))
        .await?;
    Ok(())
}

/// Selects the time of the last refresh of a view.
const REFRESHES: &str = "select max(r.refreshed_at)::text from lms_private.view_refreshes as r";

#[test]
fn the_worker_reconnects_to_an_unavailable_database() {
    run_on_own_server(async |app, server| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = day(1) + Duration::hours(3);
        let class = create_class(app, &admin, start, Some("FREQ=WEEKLY")).await?;
        let created = occurrences(app, class).await?;
        server.stop().await?;
        ensure!(
            worker::run_once(&app.superuser_url, Utc::now())
                .await
                .is_err()
        );
        let url = app.superuser_url.clone();
        let senders = Senders {
            notifications: Providers::new(&Options::none())?,
            webhooks: Sender::new(&webhooks::Options::allowing(Networks::default()))?,
        };
        let intervals = worker::Intervals {
            rounds: Wait::from_millis(200),
            refreshes: Wait::from_millis(200),
            measurements: None,
        };
        let working = tokio::spawn(worker::run(url, intervals, senders));
        server.start().await?;
        // The second pass shows that the worker continues after its first round.
        for _ in 0..2 {
            set_planning_back(app, class).await?;
            let before = queries::fetch_texts(app, REFRESHES, &[]).await?;
            let deadline = Instant::now() + Wait::from_secs(30);
            while occurrences(app, class).await? != created
                || queries::fetch_texts(app, REFRESHES, &[]).await? == before
            {
                ensure!(Instant::now() < deadline, "the worker has not caught up");
                sleep(Wait::from_millis(100)).await;
            }
        }
        working.abort();
        Ok(())
    });
}

#[test]
fn changes_of_the_worker_are_in_the_event_log() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let class = create_class(app, &admin, day(1), Some("FREQ=WEEKLY")).await?;
        worker::run_once(&app.superuser_url, Utc::now() + Duration::weeks(10)).await?;
        let events = "lms.event_log
            where entity_id = $1 and kind = 'class.updated' and request_id = 'worker' and actor is null";
        assert_eq!(queries::count(app, events, &[&class]).await?, 1);
        let state: Value = app
            .get(&admin, &format!("/v1/classes/{class}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(state["status"], "scheduled");
        Ok(())
    });
}
