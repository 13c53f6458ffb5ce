//! Payroll is booked once: what a draft lacks before, and what never changes after.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Reply, Session, book::post, people, role, rows, run};
use uuid::Uuid;

use crate::finance::payroll::{Payroll, book, path, payroll};
use crate::finance::tutor_rates::rate;

const MONTH: &str = "2026-03-01";

/// A centre whose tutor has given two lessons of an hour in March, at 25.10 each.
async fn ready(app: &Application, admin: &Session) -> Result<Payroll> {
    let p = payroll(app, admin, "Europe/Dublin", "EUR").await?;
    rate(app, admin, p.tutor, "hour", "25.10", "2026-03-01").await?;
    p.lesson(app, "2026-03-03T16:00:00Z", "2026-03-03T17:00:00Z")
        .await?;
    p.lesson(app, "2026-03-10T16:00:00Z", "2026-03-10T17:00:00Z")
        .await?;
    Ok(p)
}

/// What was booked for a tutor, in the order of its numbers.
async fn booked(app: &Application, tutor: Uuid) -> Result<Vec<String>> {
    rows::texts(
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
fn a_run_is_computed_anew_until_it_is_posted_and_then_stays() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        let first = p.draft(app, &admin, MONTH).await?.expect(200);
        let (events, _) = rows::written(app).await?;
        let second = p.draft(app, &admin, MONTH).await?.expect(200);
        assert_eq!(
            (&second.text, second.header("etag")),
            (&first.text, first.header("etag"))
        );
        assert_eq!(rows::written(app).await?.0, events, "nothing had changed");

        p.lesson(app, "2026-03-17T16:00:00Z", "2026-03-17T16:45:00Z")
            .await?;
        let third = p.draft(app, &admin, MONTH).await?.expect(200);
        assert_ne!(third.header("etag"), first.header("etag"));
        let draft = third.json();
        assert_eq!(draft["id"], first.json()["id"]);
        assert_eq!(draft["items"][0]["id"], first.json()["items"][0]["id"]);
        // 2.75 hours are 69.025
        assert_eq!(draft["items"][0]["amount"], "69.03");

        let posted = book(app, &admin, &draft, json!({"method": "transfer"}))
            .await?
            .expect(200);
        let body = posted.json();
        assert_eq!(body["status"], "posted");
        assert!(body["posted_at"].is_string());
        let record = rows::id(
            app,
            "select id from lms.finance_records where tutor_id = $1",
            &[&p.tutor],
        )
        .await?;
        assert_eq!(body["items"][0]["finance_record_id"], json!(record));
        let expected = ["salary 69.03 EUR transfer 2026-03-31 Payroll 2026-03"];
        assert_eq!(booked(app, p.tutor).await?, expected);

        // Whatever happens now, the run is what was posted.
        p.lesson(app, "2026-03-24T16:00:00Z", "2026-03-24T17:00:00Z")
            .await?;
        let (events, _) = rows::written(app).await?;
        for other in [
            json!({"method": "transfer"}),
            json!({"method": "cash", "effective_on": "2026-04-02"}),
        ] {
            let again = book(app, &admin, &draft, other).await?.expect(200);
            assert_eq!(
                (&again.text, again.header("etag")),
                (&posted.text, posted.header("etag"))
            );
        }
        let again = p.draft(app, &admin, MONTH).await?.expect(200);
        assert_eq!(again.text, posted.text);
        assert_eq!(
            app.get(&admin, &path(&draft)).await?.expect(200).text,
            posted.text
        );
        assert_eq!(rows::written(app).await?.0, events);
        assert_eq!(booked(app, p.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn fifty_who_post_at_once_book_one_set_of_salaries() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        let draft = p.draft(app, &admin, MONTH).await?.expect(200).json();
        let all = futures::future::try_join_all((0..50).map(|_| async {
            loop {
                let body = json!({"method": "transfer", "effective_on": "2026-04-05"});
                let reply = book(app, &admin, &draft, body).await?;
                // Whose turn to write did not come in time is told to try again.
                if reply.status != 503 {
                    return anyhow::Ok(reply.expect(200).text);
                }
            }
        }))
        .await?;
        assert!(all.iter().all(|text| *text == all[0]));
        let expected = ["salary 50.20 EUR transfer 2026-04-05 Payroll 2026-03"];
        assert_eq!(booked(app, p.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn fifty_who_draft_at_once_make_one_run() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        let all = futures::future::try_join_all((0..50).map(|_| async {
            loop {
                let reply = p.draft(app, &admin, MONTH).await?;
                if reply.status != 503 {
                    return anyhow::Ok(reply.expect(200).text);
                }
            }
        }))
        .await?;
        assert!(all.iter().all(|text| *text == all[0]));
        let runs = rows::count(app, "lms.payroll_runs where centre_id = $1", &[&p.centre]).await?;
        let items = rows::count(app, "lms.payroll_items where tutor_id = $1", &[&p.tutor]).await?;
        assert_eq!((runs, items), (1, 1));
        Ok(())
    });
}

/// Asserts that posting is refused with this in its detail, and writes nothing.
async fn refused(
    app: &Application,
    session: &Session,
    draft: &Value,
    words: &[&str],
) -> Result<Reply> {
    let before = rows::written(app).await?;
    let reply = book(app, session, draft, json!({"method": "cash"}))
        .await?
        .expect(409);
    let body = reply.json();
    let detail = body["detail"].as_str().context("a detail")?;
    for word in words {
        assert!(detail.contains(word), "{word}: {detail}");
    }
    assert_eq!(rows::written(app).await?, before);
    Ok(reply)
}

#[test]
fn lessons_without_a_rate_are_named_and_nothing_is_booked() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        p.lesson(app, "2026-02-17T16:00:00Z", "2026-02-17T17:00:00Z")
            .await?;
        p.lesson(app, "2026-02-19T16:00:00Z", "2026-02-19T17:30:00Z")
            .await?;
        let draft = p.draft(app, &admin, "2026-02-01").await?.expect(200).json();
        let expected = json!([{
            "id": draft["items"][0]["id"],
            "tutor_id": p.tutor,
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
        refused(
            app,
            &admin,
            &draft,
            &["New tutor", "2026-02-17 to 2026-02-19", "/v1/tutor-rates"],
        )
        .await?;

        // A rate from the second day on leaves the first one.
        rate(app, &admin, p.tutor, "lesson", "12", "2026-02-18").await?;
        refused(
            app,
            &admin,
            &draft,
            &["changed since the draft", "POST /v1/payroll-runs"],
        )
        .await?;
        let draft = p.draft(app, &admin, "2026-02-01").await?.expect(200).json();
        let items = draft["items"].as_array().context("items")?;
        assert_eq!(items.len(), 2, "{draft}");
        refused(
            app,
            &admin,
            &draft,
            &["lessons: 1, from 2026-02-17 to 2026-02-17"],
        )
        .await?;

        // Nobody is paid nothing: a rate of zero is a rate, and books no record.
        rate(app, &admin, p.tutor, "hour", "0", "2026-02-01").await?;
        let draft = p.draft(app, &admin, "2026-02-01").await?.expect(200).json();
        assert_eq!(
            draft["totals"],
            json!([{"currency": "EUR", "amount": "12.00"}])
        );
        book(app, &admin, &draft, json!({"method": "cash"}))
            .await?
            .expect(200);
        let expected = ["salary 12.00 EUR cash 2026-02-28 Payroll 2026-02"];
        assert_eq!(booked(app, p.tutor).await?, expected);
        Ok(())
    });
}

#[test]
fn tutors_in_two_currencies_and_those_who_earn_nothing_are_booked_as_they_are() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        let body = json!({"tutor_id": p.tutor, "unit": "lesson", "amount": "900", "currency": "JPY", "effective_from": "2026-03-09"});
        post(app, &admin, "/v1/tutor-rates", &body)
            .await?
            .expect(201);
        let volunteer = people::tutor(app, &admin, p.centre, 5).await?;
        rate(app, &admin, volunteer, "hour", "0", "2026-01-01").await?;
        let class = people::class(app, volunteer).await?;
        let (start, end) = ("2026-03-04T16:00:00Z", "2026-03-04T17:00:00Z");
        people::lesson(app, class, start, end, "completed").await?;
        let draft = p.draft(app, &admin, MONTH).await?.expect(200).json();
        assert_eq!(draft["items"].as_array().map(Vec::len), Some(3), "{draft}");
        book(app, &admin, &draft, json!({"method": "card"}))
            .await?
            .expect(200);
        let expected = [
            "salary 25.10 EUR card 2026-03-31 Payroll 2026-03",
            "salary 900 JPY card 2026-03-31 Payroll 2026-03",
        ];
        assert_eq!(booked(app, p.tutor).await?, expected);
        assert!(booked(app, volunteer).await?.is_empty());
        Ok(())
    });
}

#[test]
fn a_month_is_posted_when_it_has_ended_at_the_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = payroll(app, &admin, "Europe/Dublin", "EUR").await?;
        let months = rows::texts(
            app,
            "select date_trunc('month', now() at time zone 'Europe/Dublin' + m * interval '1 month')::date::text
            from generate_series(-1, 1) as m",
            &[],
        )
        .await?;
        let past = p.draft(app, &admin, &months[0]).await?.expect(200).json();
        book(app, &admin, &past, json!({"method": "cash"}))
            .await?
            .expect(200);
        let current = p.draft(app, &admin, &months[1]).await?.expect(200).json();
        refused(app, &admin, &current, &["has not ended", &months[2]]).await?;
        Ok(())
    });
}

#[test]
fn the_database_refuses_to_change_what_is_posted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = ready(app, &admin).await?;
        let draft = p.draft(app, &admin, MONTH).await?.expect(200).json();
        book(app, &admin, &draft, json!({"method": "cash"}))
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
            let refused = client.batch_execute(sql).await.err();
            let code = refused.as_ref().and_then(|error| error.code());
            assert_eq!(code.map(|code| code.code()), Some("42501"), "{sql}");
        }
        Ok(())
    });
}
