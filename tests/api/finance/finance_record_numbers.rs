//! Tests that numbers have no gaps and that records are created once, despite concurrent requests,
//! repeated requests and lost connections.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Session,
    fault_injection::{
        block_writers, database_name_and_server, wait_until_blocked, within_timeout,
    },
    finance_records::{create, payment_body, request_with_key},
    queries, raw_connection, role, run, send,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

const PATH: &str = "/v1/finance-records";

/// The number of concurrent writers.
const WRITERS: usize = 100;
/// The number of records of each writer.
const RECORDS_PER_WRITER: usize = 3;

/// Repeats a request until it succeeds, as a client without a response does. Returns the record.
async fn retry_until_created(
    app: &Application,
    session: &Session,
    key: &str,
    body: &Value,
) -> Result<Value> {
    loop {
        let reply = match send(request_with_key(app, session, PATH, key, body)).await {
            Ok(reply) => reply,
            Err(_) => continue,
        };
        match reply.status {
            201 => return Ok(reply.json()),
            503 => {}
            _ => anyhow::bail!("{}: {}", reply.status, reply.text),
        }
    }
}

/// Returns the count of a tenant's numbers, the count of distinct ones, the first and the last.
async fn numbers(app: &Application, session: &Session) -> Result<(i64, i64, i64, i64)> {
    let row = app
        .superuser()
        .await?
        .query_one(
            "select count(*), count(distinct number), min(number), max(number)
            from lms.finance_records where tenant_id = $1",
            &[&session.tenant],
        )
        .await?;
    Ok((row.get(0), row.get(1), row.get(2), row.get(3)))
}

#[test]
fn numbers_have_no_gaps_and_no_duplicates_while_connections_are_killed() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (before, ..) = numbers(app, &finance).await?;
        let body = payment_body(app, own_centre, "10.00").await?;
        let (name, server) = database_name_and_server(app).await?;
        let (record_count, terminate_now) = (AtomicUsize::new(0), Notify::new());
        let writer = async |writer: usize| {
            let mut created = Vec::new();
            for number in 0..RECORDS_PER_WRITER {
                let key = format!("{writer}-{number}");
                created.push(retry_until_created(app, &finance, &key, &body).await?);
                if (record_count.fetch_add(1, Ordering::Relaxed) + 1) % 5 == 0 {
                    terminate_now.notify_one();
                }
            }
            anyhow::Ok(created)
        };
        // After every fifth record, a connection that is executing a statement is terminated.
        let killer = async {
            let mut killed = 0_u64;
            while record_count.load(Ordering::Relaxed) < WRITERS * RECORDS_PER_WRITER {
                killed += server
                    .execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = $1 and usename = 'lms_application' and state = 'active'
                        order by random() limit 1",
                        &[&name],
                    )
                    .await?;
                terminate_now.notified().await;
            }
            anyhow::Ok(killed)
        };
        let writers = futures::future::try_join_all((0..WRITERS).map(writer));
        let (created, killed) = tokio::try_join!(writers, killer)?;
        assert!(killed >= 20, "{killed} connections were killed");

        let total = before + i64::try_from(WRITERS * RECORDS_PER_WRITER)?;
        assert_eq!(numbers(app, &finance).await?, (total, total, 1, total));
        for one in created.iter().flatten() {
            let id = one["id"].as_str().context("an id")?;
            let stored = app
                .get(&finance, &format!("{PATH}/{id}"))
                .await?
                .expect(200);
            assert_eq!(stored.json(), *one);
        }
        let admin = app.sign_in(role::ADMIN).await?;
        let proof = app.get(&admin, &format!("{PATH}/reconciliation")).await?;
        assert_eq!(proof.expect(200).json()["consistent"], true);
        Ok(())
    });
}

#[test]
fn two_hundred_concurrent_repeats_create_one_record_and_get_equal_responses() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut body = payment_body(app, own_centre, "10.00").await?;
        body["reference"] = json!("once");
        let repeats =
            (0..200).map(|_| send(request_with_key(app, &finance, PATH, "at-once", &body)));
        let replies = futures::future::try_join_all(repeats).await?;
        let fresh = replies
            .iter()
            .filter(|reply| reply.header("idempotency-replayed").is_empty())
            .count();
        assert_eq!(fresh, 1);
        for reply in &replies {
            assert_eq!((reply.status, &reply.text), (201, &replies[0].text));
        }
        let created =
            queries::count(app, "lms.finance_records where reference = 'once'", &[]).await?;
        let events =
            queries::count(app, "lms.event_log where state->>'reference' = 'once'", &[]).await?;
        assert_eq!((created, events), (1, 1));
        Ok(())
    });
}

#[test]
fn a_client_that_repeats_after_a_lost_connection_gets_the_stored_response() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut body = payment_body(app, own_centre, "10.00").await?;
        body["reference"] = json!("cut off");
        let text = body.to_string();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: cut-off\r\n\
            Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            finance.token,
            text.len()
        );
        let (name, server) = database_name_and_server(app).await?;
        let mut holder = app.superuser().await?;
        let blocking_transaction = holder.transaction().await?;
        block_writers(&blocking_transaction, finance.tenant).await?;
        let mut stream = raw_connection::connect(app).await?;
        stream.write_all(request.as_bytes()).await?;
        wait_until_blocked(&server, &name, true).await?;
        // The client disconnects while its statement waits for the lock.
        drop(stream);
        blocking_transaction.rollback().await?;

        let reply = within_timeout(send(request_with_key(
            app, &finance, PATH, "cut-off", &body,
        )))
        .await?
        .expect(201);
        assert_eq!(reply.header("idempotency-replayed"), "true");
        let created =
            queries::count(app, "lms.finance_records where reference = 'cut off'", &[]).await?;
        assert_eq!(created, 1);
        let id = reply.json()["id"].as_str().context("an id")?.to_owned();
        let stored = app
            .get(&finance, &format!("{PATH}/{id}"))
            .await?
            .expect(200);
        assert_eq!(stored.json(), reply.json());
        Ok(())
    });
}

#[test]
fn an_idempotency_key_belongs_to_one_record_or_one_reversal() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let body = payment_body(app, own_centre, "10.00").await?;
        let created = create(app, &finance, &body).await?;
        let reversal = format!(
            "{PATH}/{}/reverse",
            created["id"].as_str().context("an id")?
        );
        let first = send(request_with_key(app, &finance, PATH, "record", &body))
            .await?
            .expect(201);
        let taken_back = send(request_with_key(
            app,
            &finance,
            &reversal,
            "reversal",
            &json!({}),
        ))
        .await?
        .expect(201);
        let before = queries::write_counters(app).await?;
        let mut other = body.clone();
        other["amount"] = json!("10.01");
        for (path, key, body) in [
            (PATH, "record", &other),
            (PATH, "reversal", &body),
            (reversal.as_str(), "record", &json!({})),
            (
                reversal.as_str(),
                "reversal",
                &json!({"reference": "other"}),
            ),
        ] {
            let reply = send(request_with_key(app, &finance, path, key, body))
                .await?
                .expect(422);
            assert_eq!(reply.json()["type"], "/problems/idempotency-key-reused");
        }
        for (path, key, body, expected) in [
            (PATH, "record", &body, &first),
            (reversal.as_str(), "reversal", &json!({}), &taken_back),
        ] {
            let again = send(request_with_key(app, &finance, path, key, body))
                .await?
                .expect(201);
            assert_eq!(again.text, expected.text);
            assert_eq!(again.header("location"), expected.header("location"));
            assert_eq!(again.header("idempotency-replayed"), "true");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn only_one_of_twenty_concurrent_reversals_is_created() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let created = create(
            app,
            &finance,
            &payment_body(app, own_centre, "10.00").await?,
        )
        .await?;
        let path = format!(
            "{PATH}/{}/reverse",
            created["id"].as_str().context("an id")?
        );
        let keys: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        let reversals = keys
            .iter()
            .map(|key| send(request_with_key(app, &finance, &path, key, &json!({}))));
        let mut statuses: Vec<u16> = futures::future::try_join_all(reversals)
            .await?
            .iter()
            .map(|reply| reply.status)
            .collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[19]), (201, 409, 409));
        let (count, different, first, last) = numbers(app, &finance).await?;
        assert_eq!((different, first, last), (count, 1, count));
        Ok(())
    });
}
