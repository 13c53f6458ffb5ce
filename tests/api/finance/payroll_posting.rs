//! Tests that a payroll run is posted once, and does not change afterwards.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session, finance_records::post_with_new_key, fixtures, queries, role, run,
};
use uuid::Uuid;

use crate::finance::payroll::{Payroll, path, payroll, post_run};
use crate::finance::tutor_rates::rate;

const MONTH: &str = "2026-03-01";

/// Creates a centre whose tutor has given two one-hour lessons in March, at 25.10 each.
async fn centre_with_two_lessons(app: &Application, admin: &Session) -> Result<Payroll> {
    let fixture = payroll(app, admin, "Europe/Dublin", "EUR").await?;
    rate(app, admin, fixture.tutor, "hour", "25.10", "2026-03-01").await?;
    fixture
        .insert_lesson(app, "2026-03-03T16:00:00Z", "2026-03-03T17:00:00Z")
        .await?;
    fixture
        .insert_lesson(app, "2026-03-10T16:00:00Z", "2026-03-10T17:00:00Z")
        .await?;
    Ok(fixture)
}

/// Returns the finance records of a tutor, sorted by number.
async fn posted_records(app: &Application, tutor: Uuid) -> Result<Vec<String>> {
    queries::fetch_texts(
        app,
        "select concat_ws(' ', type, amount, currency, method, effective_on, reference)
        from lms.finance_records
        where tutor_id = $1
        order by number",
        &[&tutor],
    )
    .await
}

#[test]
fn a_run_is_recomputed_until_it_is_posted_and_then_fixed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        let first = fixture.draft(app, &admin, MONTH).await?.expect(200);
        let (events, _) = queries::write_counters(app).await?;
        let second = fixture.draft(app, &admin, MONTH).await?.expect(200);
        assert_eq!(
            (&second.text, second.header("etag")),
            (&first.text, first.header("etag"))
        );
        assert_eq!(
            queries::write_counters(app).await?.0,
            events,
            "nothing had changed"
        );

        fixture
            .insert_lesson(app, "2026-03-17T16:00:00Z", "2026-03-17T16:45:00Z")
            .await?;
        let third = fixture.draft(app, &admin, MONTH).await?.expect(200);
        assert_ne!(third.header("etag"), first.header("etag"));
        let draft = third.json();
        assert_eq!(draft["id"], first.json()["id"]);
        assert_eq!(draft["items"][0]["id"], first.json()["items"][0]["id"]);
        // 2.75 hours are 69.025, which is rounded up.
        assert_eq!(draft["items"][0]["amount"], "69.03");

        let posted = post_run(app, &admin, &draft, json!({"method": "transfer"}))
            .await?
            .expect(200);
        let body = posted.json();
        assert_eq!(body["status"], "posted");
        assert!(body["posted_at"].is_string());
        let record = queries::fetch_id(
            app,
            "select id from lms.finance_records where tutor_id = $1",
            &[&fixture.tutor],
        )
        .await?;
        assert_eq!(body["items"][0]["finance_record_id"], json!(record));
        let expected = ["salary 69.03 EUR transfer 2026-03-31 Payroll 2026-03"];
        assert_eq!(posted_records(app, fixture.tutor).await?, expected);

        // Later changes do not affect a posted run.
        fixture
            .insert_lesson(app, "2026-03-24T16:00:00Z", "2026-03-24T17:00:00Z")
            .await?;
        let (events, _) = queries::write_counters(app).await?;
        for other in [
            json!({"method": "transfer"}),
            json!({"method": "cash", "effective_on": "2026-04-02"}),
        ] {
            let again = post_run(app, &admin, &draft, other).await?.expect(200);
            assert_eq!(
                (&again.text, again.header("etag")),
                (&posted.text, posted.header("etag"))
            );
        }
        let again = fixture.draft(app, &admin, MONTH).await?.expect(200);
        assert_eq!(again.text, posted.text);
        assert_eq!(
            app.get(&admin, &path(&draft)).await?.expect(200).text,
            posted.text
        );
        assert_eq!(queries::write_counters(app).await?.0, events);
        assert_eq!(posted_records(app, fixture.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn fifty_concurrent_postings_record_the_salaries_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        let draft = fixture.draft(app, &admin, MONTH).await?.expect(200).json();
        let all = futures::future::try_join_all((0..50).map(|_| async {
            loop {
                let body = json!({"method": "transfer", "effective_on": "2026-04-05"});
                let reply = post_run(app, &admin, &draft, body).await?;
                // A request that waits too long for other writers gets a 503.
                if reply.status != 503 {
                    return anyhow::Ok(reply.expect(200).text);
                }
            }
        }))
        .await?;
        assert!(all.iter().all(|text| *text == all[0]));
        let expected = ["salary 50.20 EUR transfer 2026-04-05 Payroll 2026-03"];
        assert_eq!(posted_records(app, fixture.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn fifty_concurrent_drafts_create_one_run() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        let all = futures::future::try_join_all((0..50).map(|_| async {
            loop {
                let reply = fixture.draft(app, &admin, MONTH).await?;
                if reply.status != 503 {
                    return anyhow::Ok(reply.expect(200).text);
                }
            }
        }))
        .await?;
        assert!(all.iter().all(|text| *text == all[0]));
        let runs = queries::count(
            app,
            "lms.payroll_runs where centre_id = $1",
            &[&fixture.centre],
        )
        .await?;
        let items = queries::count(
            app,
            "lms.payroll_items where tutor_id = $1",
            &[&fixture.tutor],
        )
        .await?;
        assert_eq!((runs, items), (1, 1));
        Ok(())
    });
}

/// Asserts that posting is rejected with these words in the detail, and writes nothing.
async fn assert_rejected(
    app: &Application,
    session: &Session,
    draft: &Value,
    words: &[&str],
) -> Result<Reply> {
    let before = queries::write_counters(app).await?;
    let reply = post_run(app, session, draft, json!({"method": "cash"}))
        .await?
        .expect(409);
    let body = reply.json();
    let detail = body["detail"].as_str().context("a detail")?;
    for word in words {
        assert!(detail.contains(word), "{word}: {detail}");
    }
    assert_eq!(queries::write_counters(app).await?, before);
    Ok(reply)
}

#[test]
fn lessons_without_a_rate_are_reported_and_nothing_is_posted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        fixture
            .insert_lesson(app, "2026-02-17T16:00:00Z", "2026-02-17T17:00:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-02-19T16:00:00Z", "2026-02-19T17:30:00Z")
            .await?;
        let draft = fixture
            .draft(app, &admin, "2026-02-01")
            .await?
            .expect(200)
            .json();
        let expected = json!([{
            "id": draft["items"][0]["id"],
            "tutor_id": fixture.tutor,
            "tutor_name": "New tutor",
            "lessons": 2,
            "minutes": 150,
            "first_on": "2026-02-17",
            "last_on": "2026-02-19",
            "rates": [],
            "late_lessons": [],
            "currency": null,
            "amount": null,
            "problem": "no_rate",
            "finance_record_id": null,
        }]);
        assert_eq!(draft["items"], expected);
        assert_eq!(draft["totals"], json!([]));
        assert_rejected(
            app,
            &admin,
            &draft,
            &["New tutor", "2026-02-17 to 2026-02-19", "/v1/tutor-rates"],
        )
        .await?;

        // A rate that begins between the two lessons does not cover the first one.
        rate(app, &admin, fixture.tutor, "lesson", "12", "2026-02-18").await?;
        assert_rejected(
            app,
            &admin,
            &draft,
            &["changed since the draft", "POST /v1/payroll-runs"],
        )
        .await?;
        let draft = fixture
            .draft(app, &admin, "2026-02-01")
            .await?
            .expect(200)
            .json();
        let items = draft["items"].as_array().context("items")?;
        assert_eq!(items.len(), 2, "{draft}");
        assert_rejected(
            app,
            &admin,
            &draft,
            &["lessons: 1, from 2026-02-17 to 2026-02-17"],
        )
        .await?;

        // A rate of zero is a valid rate, for which no finance record is created.
        rate(app, &admin, fixture.tutor, "hour", "0", "2026-02-01").await?;
        let draft = fixture
            .draft(app, &admin, "2026-02-01")
            .await?
            .expect(200)
            .json();
        assert_eq!(
            draft["totals"],
            json!([{"currency": "EUR", "amount": "12.00"}])
        );
        post_run(app, &admin, &draft, json!({"method": "cash"}))
            .await?
            .expect(200);
        let expected = ["salary 12.00 EUR cash 2026-02-28 Payroll 2026-02"];
        assert_eq!(posted_records(app, fixture.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn tutors_with_two_currencies_or_no_earnings_are_posted_correctly() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        let body = json!({"tutor_id": fixture.tutor, "unit": "lesson", "amount": "900", "currency": "JPY", "effective_from": "2026-03-09"});
        post_with_new_key(app, &admin, "/v1/tutor-rates", &body)
            .await?
            .expect(201);
        let volunteer = fixtures::create_tutor(app, &admin, fixture.centre, 5).await?;
        rate(app, &admin, volunteer, "hour", "0", "2026-01-01").await?;
        let class = fixtures::insert_class(app, volunteer).await?;
        let (start, end) = ("2026-03-04T16:00:00Z", "2026-03-04T17:00:00Z");
        fixtures::insert_lesson(app, class, start, end, "completed").await?;
        let draft = fixture.draft(app, &admin, MONTH).await?.expect(200).json();
        assert_eq!(draft["items"].as_array().map(Vec::len), Some(3), "{draft}");
        post_run(app, &admin, &draft, json!({"method": "card"}))
            .await?
            .expect(200);
        let expected = [
            "salary 25.10 EUR card 2026-03-31 Payroll 2026-03",
            "salary 900 JPY card 2026-03-31 Payroll 2026-03",
        ];
        assert_eq!(posted_records(app, fixture.tutor).await?, expected);
        assert!(posted_records(app, volunteer).await?.is_empty());
        Ok(())
    });
}

#[test]
fn a_month_can_be_posted_only_after_it_has_ended_at_the_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = payroll(app, &admin, "Europe/Dublin", "EUR").await?;
        let months = queries::fetch_texts(
            app,
            "select date_trunc('month', now() at time zone 'Europe/Dublin' + m * interval '1 month')::date::text
            from generate_series(-1, 1) as m",
            &[],
        )
        .await?;
        let past = fixture
            .draft(app, &admin, &months[0])
            .await?
            .expect(200)
            .json();
        post_run(app, &admin, &past, json!({"method": "cash"}))
            .await?
            .expect(200);
        let current = fixture
            .draft(app, &admin, &months[1])
            .await?
            .expect(200)
            .json();
        assert_rejected(app, &admin, &current, &["has not ended", &months[2]]).await?;
        Ok(())
    });
}

#[test]
fn the_database_prevents_changes_of_posted_runs() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = centre_with_two_lessons(app, &admin).await?;
        let draft = fixture.draft(app, &admin, MONTH).await?.expect(200).json();
        post_run(app, &admin, &draft, json!({"method": "cash"}))
            .await?
            .expect(200);
        let client = app.superuser().await?;
        for sql in [
            "update lms.payroll_runs set status = 'draft', posted_at = null where status = 'posted'",
            "update lms.payroll_items set amount = 1 where finance_record_id is not null",
            "update lms.payroll_items set finance_record_id = null where finance_record_id is not null",
            "update lms.payroll_items set deleted_at = now() where finance_record_id is not null",
            "insert into lms.payroll_items (tenant_id, run_id, tutor_id, currency, lessons, minutes, amount, first_on, last_on, rates)
            select tenant_id, run_id, tutor_id, 'USD', lessons, minutes, amount, first_on, last_on, rates
            from lms.payroll_items where finance_record_id is not null",
        ] {
            let rejected = client.batch_execute(sql).await.err();
            let code = rejected.as_ref().and_then(|error| error.code());
            assert_eq!(code.map(|code| code.code()), Some("42501"), "{sql}");
        }
        Ok(())
    });
}
