//! Tests that a lesson reported after its month was posted is paid once, by the next run.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run};
use uuid::Uuid;

use crate::finance::payroll::{Payroll, payroll, post_run};
use crate::finance::tutor_rates::rate;

/// Creates a centre in Auckland that has posted March 2026, with a rate of 20 an hour and, from April on, of 30.
async fn posted_march(app: &Application, admin: &Session) -> Result<Payroll> {
    let fixture = payroll(app, admin, "Pacific/Auckland", "NZD").await?;
    rate(app, admin, fixture.tutor, "hour", "20", "2026-01-01").await?;
    rate(app, admin, fixture.tutor, "hour", "30", "2026-04-01").await?;
    fixture
        .insert_lesson(app, "2026-03-10T00:00:00Z", "2026-03-10T01:00:00Z")
        .await?;
    post_month(app, admin, &fixture, "2026-03-01").await?;
    Ok(fixture)
}

/// Posts the run of a month and returns it.
async fn post_month(
    app: &Application,
    admin: &Session,
    fixture: &Payroll,
    month: &str,
) -> Result<Value> {
    let draft = fixture.draft(app, admin, month).await?.expect(200).json();
    let posted = post_run(app, admin, &draft, json!({"method": "cash"})).await?;
    Ok(posted.expect(200).json())
}

/// Returns minutes, amount and late lessons of the run's items.
fn item_figures(run: &Value) -> Vec<(Option<i64>, Option<&str>, &Value)> {
    let items = run["items"].as_array().map(Vec::as_slice);
    items
        .unwrap_or_default()
        .iter()
        .map(|item| {
            (
                item["minutes"].as_i64(),
                item["amount"].as_str(),
                &item["late_lessons"],
            )
        })
        .collect()
}

async fn count_paid(app: &Application, lesson: Uuid) -> Result<i64> {
    queries::count(
        app,
        "lms.payroll_lessons where occurrence_id = $1",
        &[&lesson],
    )
    .await
}

#[test]
fn a_lesson_reported_late_is_paid_by_the_next_run_with_its_month() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = posted_march(app, &admin).await?;
        let late_lesson = fixture
            .insert_lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:30:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-04-20T00:00:00Z", "2026-04-20T01:00:00Z")
            .await?;
        // The posted run stays unchanged.
        let march = fixture
            .draft(app, &admin, "2026-03-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(
            item_figures(&march),
            [(Some(60), Some("20.00"), &json!([]))]
        );
        let april = post_month(app, &admin, &fixture, "2026-04-01").await?;
        // Each lesson is paid at the rate of its date: an hour and a half at 20, an hour at 30.
        let named = json!([{
            "month": "2026-03-01",
            "lessons": 1,
            "minutes": 90,
            "first_on": "2026-03-20",
            "last_on": "2026-03-20",
        }]);
        assert_eq!(item_figures(&april), [(Some(150), Some("60.00"), &named)]);
        assert_eq!(april["items"][0]["first_on"], "2026-03-20");
        assert_eq!(count_paid(app, late_lesson).await?, 1);
        let may = fixture
            .draft(app, &admin, "2026-05-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(may["items"], json!([]));
        Ok(())
    });
}

#[test]
fn a_late_lesson_is_in_every_draft_until_one_of_them_is_posted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = posted_march(app, &admin).await?;
        fixture
            .insert_lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:00:00Z")
            .await?;
        let drafts = ["2026-04-01", "2026-05-01"];
        for month in drafts {
            let draft = fixture.draft(app, &admin, month).await?.expect(200).json();
            assert_eq!(draft["items"][0]["minutes"], 60, "{month}");
        }
        let april = fixture
            .draft(app, &admin, drafts[0])
            .await?
            .expect(200)
            .json();
        let may = fixture
            .draft(app, &admin, drafts[1])
            .await?
            .expect(200)
            .json();
        post_run(app, &admin, &may, json!({"method": "cash"}))
            .await?
            .expect(200);
        // The other draft no longer equals the amount due.
        post_run(app, &admin, &april, json!({"method": "cash"}))
            .await?
            .expect(409);
        let april = fixture
            .draft(app, &admin, drafts[0])
            .await?
            .expect(200)
            .json();
        assert_eq!(april["items"], json!([]));
        Ok(())
    });
}

#[test]
fn a_lesson_at_a_month_boundary_is_paid_once_even_if_its_time_zone_or_centre_changes() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = posted_march(app, &admin).await?;
        // In Auckland these are the first hours of April and of May, in UTC the last ones of March and of April.
        let first = fixture
            .insert_lesson(app, "2026-03-31T12:00:00Z", "2026-03-31T13:00:00Z")
            .await?;
        let second = fixture
            .insert_lesson(app, "2026-04-30T13:00:00Z", "2026-04-30T14:00:00Z")
            .await?;
        let client = app.superuser().await?;
        let set_time_zone = async |zone: &str| {
            let sql = "update lms.centres set time_zone = $2 where id = $1";
            client.execute(sql, &[&fixture.centre, &zone]).await
        };
        set_time_zone("Etc/UTC").await?;
        // The first lesson now belongs to March, which is posted, and must still be paid.
        let april = post_month(app, &admin, &fixture, "2026-04-01").await?;
        assert_eq!(april["items"][0]["lessons"], 2);
        assert_eq!(april["items"][0]["late_lessons"][0]["month"], "2026-03-01");
        // Back in Auckland, the second lesson belongs to May and must not be paid twice.
        set_time_zone("Pacific/Auckland").await?;
        let may = fixture
            .draft(app, &admin, "2026-05-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(may["items"], json!([]));
        // Another centre does not pay it either.
        let other = payroll(app, &admin, "Pacific/Auckland", "NZD").await?;
        client
            .execute(
                "update lms.occurrences set centre_id = $2 where id = any ($1)",
                &[&vec![first, second], &other.centre],
            )
            .await?;
        for month in ["2026-03-01", "2026-04-01", "2026-05-01"] {
            let draft = other.draft(app, &admin, month).await?.expect(200).json();
            assert_eq!(draft["items"], json!([]), "{month}");
        }
        Ok(())
    });
}

#[test]
fn lessons_before_the_first_run_of_a_centre_are_not_late() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = posted_march(app, &admin).await?;
        fixture
            .insert_lesson(app, "2026-02-10T00:00:00Z", "2026-02-10T01:00:00Z")
            .await?;
        let april = fixture
            .draft(app, &admin, "2026-04-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(april["items"], json!([]));
        // A month between posted runs is closed even without a run of its own, but a month before
        // the first run can still be drafted.
        fixture
            .insert_lesson(app, "2026-04-10T00:00:00Z", "2026-04-10T01:00:00Z")
            .await?;
        let may = fixture
            .draft(app, &admin, "2026-05-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(may["items"], json!([]));
        post_month(app, &admin, &fixture, "2026-05-01").await?;
        let june = fixture
            .draft(app, &admin, "2026-06-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(june["items"][0]["late_lessons"][0]["month"], "2026-04-01");
        let february = fixture
            .draft(app, &admin, "2026-02-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(february["items"][0]["minutes"], 60);
        Ok(())
    });
}

#[test]
fn the_database_prevents_paying_a_lesson_twice() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = posted_march(app, &admin).await?;
        let client = app.superuser().await?;
        let again = client
            .execute(
                "insert into lms.payroll_lessons (tenant_id, run_id, occurrence_id, tutor_id, held_on, minutes)
                select tenant_id, run_id, occurrence_id, tutor_id, held_on, minutes
                from lms.payroll_lessons where tutor_id = $1",
                &[&fixture.tutor],
            )
            .await
            .err();
        let code = again.as_ref().and_then(|error| error.code());
        assert_eq!(code.map(|code| code.code()), Some("23505"));
        for sql in [
            "update lms.payroll_lessons set minutes = 1 where tutor_id = $1",
            "delete from lms.payroll_lessons where tutor_id = $1",
        ] {
            assert!(
                client.execute(sql, &[&fixture.tutor]).await.is_err(),
                "{sql}"
            );
        }
        // Of two concurrent postings of two drafts with the same late lesson, one succeeds.
        fixture
            .insert_lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:00:00Z")
            .await?;
        let april = fixture
            .draft(app, &admin, "2026-04-01")
            .await?
            .expect(200)
            .json();
        let may = fixture
            .draft(app, &admin, "2026-05-01")
            .await?
            .expect(200)
            .json();
        let (one, other) = tokio::join!(
            post_run(app, &admin, &april, json!({"method": "cash"})),
            post_run(app, &admin, &may, json!({"method": "cash"}))
        );
        let mut statuses = [one?.status, other?.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let sums = queries::fetch_texts(
            app,
            "select sum(minutes)::text from lms.payroll_lessons where tutor_id = $1",
            &[&fixture.tutor],
        )
        .await?;
        assert_eq!(sums.first().context("a sum")?, "120");
        Ok(())
    });
}
