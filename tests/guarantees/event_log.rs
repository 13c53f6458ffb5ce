//! Tests that no role changes the event log and no reader misses an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run};
use tokio_postgres::{Client, error::SqlState};
use uuid::Uuid;

/// The roles of the system and the superuser.
const ROLES: [&str; 6] = [
    "lms_application",
    "lms_owner",
    "lms_definer",
    "lms_refresher",
    "lms_migrator",
    "postgres",
];

/// Statements that try to change a table.
const ATTEMPTS: [&str; 5] = [
    "update {} set state = '{}'",
    "update {} set salt = gen_random_uuid(), state = state",
    "update {} set at = at - interval '1 day'",
    "delete from {}",
    "truncate {}",
];

/// Returns a hash of the whole event log.
async fn contents(client: &Client) -> Result<String> {
    let row = client
        .query_one(
            "select md5(string_agg(l::text, '' order by l.tenant_id, l.position)) from lms.event_log as l",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// Runs a statement as a role in the tenant's context, and returns the SQLSTATE or the number of changed rows.
async fn try_statement(
    client: &mut Client,
    role: &str,
    tenant: Uuid,
    sql: &str,
) -> Result<Result<u64, SqlState>> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(&format!(
            "set local role {role}; set local app.tenant_id = '{tenant}'; set local app.role = 'admin'"
        ))
        .await?;
    Ok(match transaction.execute(sql, &[]).await {
        Ok(count) => {
            transaction.commit().await?;
            Ok(count)
        }
        Err(error) => Err(error.code().cloned().context("a SQLSTATE")?),
    })
}

#[test]
fn no_role_changes_or_removes_an_event() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        queries::write_counters(app).await?;
        let mut client = app.superuser().await?;
        let partition: String = client
            .query_one(
                "select tableoid::regclass::text from lms.event_log limit 1",
                &[],
            )
            .await?
            .get(0);
        let before = contents(&client).await?;
        for replication in ["origin", "replica"] {
            client
                .batch_execute(&format!("set session_replication_role = {replication}"))
                .await?;
            for role in ROLES {
                for table in ["lms.event_log", &partition] {
                    for sql in ATTEMPTS {
                        let sql = sql.replacen("{}", table, 1);
                        let outcome = try_statement(&mut client, role, admin.tenant, &sql).await?;
                        // Some roles see no rows of the log, so they change none either.
                        assert!(
                            matches!(&outcome, Ok(0))
                                || outcome == Err(SqlState::INSUFFICIENT_PRIVILEGE),
                            "{role} {replication}: {sql}: {outcome:?}"
                        );
                    }
                }
            }
        }
        assert_eq!(contents(&client).await?, before);
        Ok(())
    });
}

#[test]
fn unsealed_events_are_removed_only_by_sealing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut client = app.superuser().await?;
        let count = "select count(*) from lms_private.unsealed_events";
        let before: i64 = client.query_one(count, &[]).await?.get(0);
        assert!(before > 0, "signing in is an event");
        for role in [
            "lms_application",
            "lms_owner",
            "lms_refresher",
            "lms_migrator",
            "postgres",
        ] {
            for sql in [
                "update {} set state = '{}'",
                "delete from {}",
                "truncate {}",
            ] {
                let sql = sql.replacen("{}", "lms_private.unsealed_events", 1);
                let outcome = try_statement(&mut client, role, admin.tenant, &sql).await?;
                assert_eq!(
                    outcome,
                    Err(SqlState::INSUFFICIENT_PRIVILEGE),
                    "{role}: {sql}"
                );
            }
        }
        let after: i64 = client.query_one(count, &[]).await?.get(0);
        assert_eq!(after, before);
        Ok(())
    });
}

/// Creates a centre in a transaction that stays open for a while.
async fn create_centre_slowly(
    client: &mut Client,
    tenant: Uuid,
    code: &str,
    seconds: f64,
) -> Result<()> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(&format!("set local app.tenant_id = '{tenant}'"))
        .await?;
    transaction
        .execute(
            "insert into lms.centres (name, code, time_zone, currency) values ('x', $1, 'UTC', 'EUR')",
            &[&code],
        )
        .await?;
    transaction
        .execute("select pg_sleep($1)", &[&seconds])
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Reads the events after a position. Returns the position to read on from, and the position and
/// the centre's code of each event.
async fn read_on(
    app: &Application,
    session: &Session,
    after: i64,
) -> Result<(i64, Vec<(i64, String)>)> {
    let body = app
        .get(session, &format!("/v1/events?after={after}&limit=200"))
        .await?
        .expect(200)
        .json();
    let events = body["data"].as_array().context("data")?;
    let read = events.iter().map(|event| {
        let code = event["state"]["code"].as_str().unwrap_or_default();
        (event["position"].as_i64().unwrap_or(0), code.to_owned())
    });
    Ok((
        body["next_after"].as_i64().context("next_after")?,
        read.collect(),
    ))
}

/// Returns the last position of the tenant's log.
async fn end(app: &Application, session: &Session) -> Result<i64> {
    queries::count(
        app,
        "lms.event_log where tenant_id = $1",
        &[&session.tenant],
    )
    .await
}

#[test]
fn an_event_committed_late_gets_a_later_position() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = end(app, &admin).await?;
        let mut late = app.superuser().await?;
        let open = late.transaction().await?;
        open.batch_execute(&format!("set local app.tenant_id = '{}'", admin.tenant))
            .await?;
        let insert = "insert into lms.centres (name, code, time_zone, currency) values ('x', 'late', 'UTC', 'EUR')";
        open.execute(insert, &[]).await?;
        create_centre_slowly(&mut app.superuser().await?, admin.tenant, "early", 0.0).await?;

        let (after, first) = read_on(app, &admin, start).await?;
        assert_eq!(first, [(start + 1, "early".to_owned())]);
        open.commit().await?;
        let (_, second) = read_on(app, &admin, after).await?;
        assert_eq!(second, [(start + 2, "late".to_owned())]);
        Ok(())
    });
}

#[test]
fn a_reader_misses_no_event_of_concurrent_slow_writers() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = end(app, &admin).await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_u32 {
            let mut client = app.superuser().await?;
            let tenant = admin.tenant;
            writers.spawn(async move {
                for number in 0..12_u32 {
                    // The delay is between 0 and 44 ms, different for each.
                    let seconds = f64::from((writer * 7 + number * 5) % 12) * 0.004;
                    create_centre_slowly(
                        &mut client,
                        tenant,
                        &format!("slow-{writer}-{number}"),
                        seconds,
                    )
                    .await?;
                }
                anyhow::Ok(())
            });
        }
        let finished = is_over.clone();
        let writing = async {
            while let Some(writer) = writers.join_next().await {
                writer??;
            }
            finished.store(true, Ordering::SeqCst);
            anyhow::Ok(())
        };
        let reading = async {
            let (mut after, mut read) = (start, Vec::new());
            loop {
                let is_last = is_over.load(Ordering::SeqCst);
                let (next, events) = read_on(app, &admin, after).await?;
                read.extend(events);
                after = next;
                if is_last {
                    return anyhow::Ok(read);
                }
            }
        };
        let (written, read) = tokio::join!(writing, reading);
        written?;
        let read = read?;
        let positions: Vec<i64> = read.iter().map(|(position, _)| *position).collect();
        assert_eq!(positions, (start + 1..=start + 96).collect::<Vec<_>>());
        let mut codes: Vec<&str> = read.iter().map(|(_, code)| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 96);
        Ok(())
    });
}

#[test]
fn a_waiting_reader_gets_new_events_or_an_empty_page() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = end(app, &admin).await?;
        let nothing = app
            .get(&admin, &format!("/v1/events?after={start}&wait=1"))
            .await?
            .expect(200)
            .json();
        assert_eq!(nothing, json!({"data": [], "next_after": start}));

        let path = format!("/v1/events?after={start}&wait=30");
        let centre = json!({"name": "x", "code": "awaited", "time_zone": "UTC", "currency": "EUR"});
        let (page, created) = tokio::join!(
            app.get(&admin, &path),
            app.post(&admin, "/v1/centres", centre)
        );
        let created = created?.expect(201).json();
        let page = page?.expect(200).json();
        assert_eq!(page["data"][0]["entity_id"], created["id"]);
        assert_eq!(page["next_after"], start + 1);

        // One event ends the wait, whatever the limit.
        let at_once = app
            .get(
                &admin,
                &format!(
                    "/v1/events?after={}&wait=30&id={}",
                    0,
                    created["id"].as_str().unwrap_or_default()
                ),
            )
            .await?
            .expect(200)
            .json();
        assert_eq!(at_once["data"].as_array().map(Vec::len), Some(1));
        Ok(())
    });
}

#[test]
fn a_position_beyond_the_end_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let start = end(app, &admin).await?;
        app.get(&admin, &format!("/v1/events?after={start}"))
            .await?
            .expect(200);
        for wait in ["", "&wait=30"] {
            let reply = app
                .get(&admin, &format!("/v1/events?after={}{wait}", start + 1))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["?after"]);
            let detail = reply.json()["errors"][0]["detail"].clone();
            assert_eq!(
                detail,
                Value::from(format!(
                    "Must be at most {start}, the last position of the event log."
                ))
            );
        }
        Ok(())
    });
}

#[test]
fn an_event_without_a_partition_for_its_month_is_stored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        queries::write_counters(app).await?;
        let client = app.superuser().await?;
        // This simulates that no worker has run for years, so that the month has no partition.
        client
            .execute(
                "insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, at, state)
                values ($1, 'centres', gen_random_uuid(), 'centre.created', now() + interval '3 years', '{}')",
                &[&admin.tenant],
            )
            .await?;
        queries::write_counters(app).await?;
        let default_count: i64 = client
            .query_one("select count(*) from lms_private.event_log_default", &[])
            .await?
            .get(0);
        assert_eq!(default_count, 1);
        // The event's month stays in the default partition, and the months before it are created.
        let created: i32 = client
            .query_one(
                "select lms.make_event_partitions((now() + interval '3 years')::date)",
                &[],
            )
            .await?
            .get(0);
        assert_eq!(created, 36 - 4, "four of the 36 months have partitions");
        let again: i32 = client
            .query_one(
                "select lms.make_event_partitions((now() + interval '3 years')::date)",
                &[],
            )
            .await?
            .get(0);
        assert_eq!(again, 0);
        Ok(())
    });
}
