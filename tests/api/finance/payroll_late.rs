//! Lessons that are reported after the payroll of their month was posted: the next run pays them, once, and says what they are.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, role, rows, run};
use uuid::Uuid;

use crate::finance::payroll::{Payroll, book, payroll};
use crate::finance::tutor_rates::rate;

/// A centre in Auckland that has posted March 2026, with an hour at 20 and, from April on, at 30.
async fn posted_march(app: &Application, admin: &Session) -> Result<Payroll> {
    let p = payroll(app, admin, "Pacific/Auckland", "NZD").await?;
    rate(app, admin, p.tutor, "hour", "20", "2026-01-01").await?;
    rate(app, admin, p.tutor, "hour", "30", "2026-04-01").await?;
    p.lesson(app, "2026-03-10T00:00:00Z", "2026-03-10T01:00:00Z")
        .await?;
    posted(app, admin, &p, "2026-03-01").await?;
    Ok(p)
}

/// Posts the run of a month, and gives what it came to.
async fn posted(app: &Application, admin: &Session, p: &Payroll, month: &str) -> Result<Value> {
    let draft = p.draft(app, admin, month).await?.expect(200).json();
    let posted = book(app, admin, &draft, json!({"method": "cash"})).await?;
    Ok(posted.expect(200).json())
}

/// Minutes, amount and late lessons of the run's items.
fn summed(run: &Value) -> Vec<(Option<i64>, Option<&str>, &Value)> {
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

async fn paid(app: &Application, lesson: Uuid) -> Result<i64> {
    rows::count(
        app,
        "lms.payroll_lessons where occurrence_id = $1",
        &[&lesson],
    )
    .await
}

#[test]
fn a_lesson_that_is_reported_late_is_paid_by_the_next_run_which_names_its_month() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = posted_march(app, &admin).await?;
        let late = p
            .lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:30:00Z")
            .await?;
        p.lesson(app, "2026-04-20T00:00:00Z", "2026-04-20T01:00:00Z")
            .await?;
        // Rows that are posted stay as they are.
        let march = p.draft(app, &admin, "2026-03-01").await?.expect(200).json();
        assert_eq!(summed(&march), [(Some(60), Some("20.00"), &json!([]))]);
        let april = posted(app, &admin, &p, "2026-04-01").await?;
        // Each at the rate of its day: an hour and a half at 20, an hour at 30.
        let named = json!([{
            "month": "2026-03-01",
            "lessons": 1,
            "minutes": 90,
            "first_on": "2026-03-20",
            "last_on": "2026-03-20",
        }]);
        assert_eq!(summed(&april), [(Some(150), Some("60.00"), &named)]);
        assert_eq!(april["items"][0]["first_on"], "2026-03-20");
        assert_eq!(paid(app, late).await?, 1);
        let may = p.draft(app, &admin, "2026-05-01").await?.expect(200).json();
        assert_eq!(may["items"], json!([]));
        Ok(())
    });
}

#[test]
fn a_late_lesson_is_in_every_draft_until_one_of_them_is_posted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = posted_march(app, &admin).await?;
        p.lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:00:00Z")
            .await?;
        let drafts = ["2026-04-01", "2026-05-01"];
        for month in drafts {
            let draft = p.draft(app, &admin, month).await?.expect(200).json();
            assert_eq!(draft["items"][0]["minutes"], 60, "{month}");
        }
        let april = p.draft(app, &admin, drafts[0]).await?.expect(200).json();
        let may = p.draft(app, &admin, drafts[1]).await?.expect(200).json();
        book(app, &admin, &may, json!({"method": "cash"}))
            .await?
            .expect(200);
        // The other one is no longer what is due.
        book(app, &admin, &april, json!({"method": "cash"}))
            .await?
            .expect(409);
        let april = p.draft(app, &admin, drafts[0]).await?.expect(200).json();
        assert_eq!(april["items"], json!([]));
        Ok(())
    });
}

#[test]
fn a_lesson_at_the_edge_of_a_month_is_paid_once_whatever_becomes_of_its_zone_and_its_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = posted_march(app, &admin).await?;
        // In Auckland the first hours of April and of May, in UTC the last ones of March and of April.
        let first = p
            .lesson(app, "2026-03-31T12:00:00Z", "2026-03-31T13:00:00Z")
            .await?;
        let second = p
            .lesson(app, "2026-04-30T13:00:00Z", "2026-04-30T14:00:00Z")
            .await?;
        let client = app.superuser().await?;
        let moves = async |zone: &str| {
            let sql = "update lms.centres set time_zone = $2 where id = $1";
            client.execute(sql, &[&p.centre, &zone]).await
        };
        moves("Etc/UTC").await?;
        // The first is now of March, which is posted: never would be wrong.
        let april = posted(app, &admin, &p, "2026-04-01").await?;
        assert_eq!(april["items"][0]["lessons"], 2);
        assert_eq!(april["items"][0]["late_lessons"][0]["month"], "2026-03-01");
        // Back in Auckland the second is of May: twice would be wrong.
        moves("Pacific/Auckland").await?;
        let may = p.draft(app, &admin, "2026-05-01").await?.expect(200).json();
        assert_eq!(may["items"], json!([]));
        // Nor does another centre pay it.
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
fn what_was_given_before_the_first_run_of_a_centre_is_not_late() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = posted_march(app, &admin).await?;
        p.lesson(app, "2026-02-10T00:00:00Z", "2026-02-10T01:00:00Z")
            .await?;
        let april = p.draft(app, &admin, "2026-04-01").await?.expect(200).json();
        assert_eq!(april["items"], json!([]));
        // It has a month of its own that can be paid. Between runs that were posted a month is passed even without one.
        p.lesson(app, "2026-04-10T00:00:00Z", "2026-04-10T01:00:00Z")
            .await?;
        let may = p.draft(app, &admin, "2026-05-01").await?.expect(200).json();
        assert_eq!(may["items"], json!([]));
        posted(app, &admin, &p, "2026-05-01").await?;
        let june = p.draft(app, &admin, "2026-06-01").await?.expect(200).json();
        assert_eq!(june["items"][0]["late_lessons"][0]["month"], "2026-04-01");
        let february = p.draft(app, &admin, "2026-02-01").await?.expect(200).json();
        assert_eq!(february["items"][0]["minutes"], 60);
        Ok(())
    });
}

#[test]
fn the_database_keeps_each_lesson_from_being_paid_twice() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = posted_march(app, &admin).await?;
        let client = app.superuser().await?;
        let again = client
            .execute(
                "insert into lms.payroll_lessons (tenant_id, run_id, occurrence_id, tutor_id, held_on, minutes)
                select tenant_id, run_id, occurrence_id, tutor_id, held_on, minutes
                from lms.payroll_lessons where tutor_id = $1",
                &[&p.tutor],
            )
            .await
            .err();
        let code = again.as_ref().and_then(|error| error.code());
        assert_eq!(code.map(|code| code.code()), Some("23505"));
        for sql in [
            "update lms.payroll_lessons set minutes = 1 where tutor_id = $1",
            "delete from lms.payroll_lessons where tutor_id = $1",
        ] {
            assert!(client.execute(sql, &[&p.tutor]).await.is_err(), "{sql}");
        }
        // Two who post two drafts with the same late lesson at once: one of them does.
        p.lesson(app, "2026-03-20T00:00:00Z", "2026-03-20T01:00:00Z")
            .await?;
        let april = p.draft(app, &admin, "2026-04-01").await?.expect(200).json();
        let may = p.draft(app, &admin, "2026-05-01").await?.expect(200).json();
        let (one, other) = tokio::join!(
            book(app, &admin, &april, json!({"method": "cash"})),
            book(app, &admin, &may, json!({"method": "cash"}))
        );
        let mut statuses = [one?.status, other?.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let sums = rows::texts(
            app,
            "select sum(minutes)::text from lms.payroll_lessons where tutor_id = $1",
            &[&p.tutor],
        )
        .await?;
        assert_eq!(sums.first().context("a sum")?, "120");
        Ok(())
    });
}
