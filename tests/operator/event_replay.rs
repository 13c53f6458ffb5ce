//! Tests that a tenant's tables, rebuilt from its events, equal the present ones.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use operations::events::replay::{self, NOT_REBUILT, Options, Until};
use operations::events::verify;
use platform::declare::endpoint::Endpoint;
use tests::{
    Application, queries,
    random_requests::{RandomClient, StatusCounts, write_endpoints},
    role, run,
};
use tokio_postgres::Client;
use uuid::Uuid;

/// The number of concurrent clients.
const CLIENTS: u64 = 4;
/// The number of rounds that each client runs.
const ROUNDS: usize = 3;

/// Operations that need not succeed, because their preconditions are rare.
const OPERATIONS_THAT_MAY_FAIL: &[&str] =
    &["auth.email.confirm", "auth.logout", "notifications.retry"];

async fn run_random_client(app: &Application, seed: u64) -> Result<StatusCounts> {
    let mut workers = Vec::new();
    for client in 0..CLIENTS {
        workers.push(RandomClient::new(app, seed + client).await?);
    }
    try_join_all(workers.iter_mut().map(|worker| worker.run_rounds(ROUNDS))).await?;
    let mut all = StatusCounts::new();
    for worker in workers {
        for (operation, statuses) in worker.status_counts {
            for (status, count) in statuses {
                *all.entry(operation.clone())
                    .or_default()
                    .entry(status)
                    .or_default() += count;
            }
        }
    }
    Ok(all)
}

fn has_succeeded(status_counts: &StatusCounts, operation: &str) -> bool {
    status_counts
        .get(operation)
        .is_some_and(|statuses| statuses.keys().any(|status| *status < 300))
}

/// Repeats each operation that has not succeeded yet until it does, up to 40 times.
async fn retry_failed_operations(
    app: &Application,
    status_counts: &mut StatusCounts,
) -> Result<()> {
    let mut worker = RandomClient::new(app, 0).await?;
    for endpoint in write_endpoints() {
        let operation = endpoint.operation_id();
        for _ in 0..40 {
            if has_succeeded(status_counts, &operation)
                || OPERATIONS_THAT_MAY_FAIL.contains(&operation.as_str())
            {
                break;
            }
            worker.call(&endpoint).await?;
            let created = worker.status_counts.get(&operation).cloned();
            status_counts
                .entry(operation.clone())
                .or_default()
                .extend(created.into_iter().flatten());
        }
    }
    Ok(())
}

async fn replayed(app: &Application, until: Until, schema: &str) -> Result<replay::Report> {
    let options = Options {
        tenant: app.demo.tenants[0].slug.clone(),
        until,
        schema: schema.to_owned(),
    };
    replay::run(&app.superuser_url, &options).await
}

async fn tables(client: &Client) -> Result<Vec<String>> {
    let rows = client
        .query(
            "select c.relname::text from pg_class as c
            where c.relnamespace = 'lms'::regnamespace and c.relkind in ('r', 'p') order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Returns whether a column is not rebuilt.
fn is_not_rebuilt(table: &str, column: &str) -> bool {
    NOT_REBUILT.iter().any(|(name, columns, _)| {
        *name == table && columns.iter().any(|left| ["*", column].contains(left))
    })
}

/// Returns the columns that are compared.
async fn columns(client: &Client, table: &str) -> Result<Vec<String>> {
    let rows = client
        .query(
            "select a.attname::text from pg_attribute as a
            where a.attrelid = ('lms.' || $1::text)::regclass and a.attnum > 0 and not a.attisdropped",
            &[&table],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.get::<_, String>(0))
        .filter(|column| !is_not_rebuilt(table, column))
        .collect())
}

/// Compares all tables of a tenant with the rebuilt ones, and returns the number of rows.
async fn compare(client: &Client, tenant: Uuid, truth: &str, rebuilt: &str) -> Result<i64> {
    let mut rows = 0;
    for table in tables(client).await? {
        let columns = columns(client, &table).await?;
        if columns.is_empty() {
            continue;
        }
        let list = columns.join(", ");
        let of = |schema: &str| format!("select {list} from {schema}.{table} where tenant_id = $1");
        let sql = format!(
            "select
              (select coalesce(jsonb_agg(to_jsonb(d)), '[]')::text from (({a} except {b}) limit 3) as d),
              (select coalesce(jsonb_agg(to_jsonb(d)), '[]')::text from (({b} except {a}) limit 3) as d),
              (select count(*) from {truth}.{table} where tenant_id = $1),
              (select count(*) from {rebuilt}.{table} where tenant_id = $1)",
            a = of(truth),
            b = of(rebuilt),
        );
        let row = client
            .query_one(&sql, &[&tenant])
            .await
            .with_context(|| format!("{table} was not rebuilt"))?;
        let (missing, surplus): (String, String) = (row.get(0), row.get(1));
        assert_eq!(
            (missing.as_str(), surplus.as_str()),
            ("[]", "[]"),
            "{table}"
        );
        let (there, here): (i64, i64) = (row.get(2), row.get(3));
        assert_eq!(there, here, "{table}");
        rows += there;
    }
    Ok(rows)
}

/// Copies a tenant's rows to the schema `snapshot` and returns the position of its last event.
async fn snapshot(client: &mut Client, tenant: Uuid) -> Result<i64> {
    let tables = tables(client).await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("create schema snapshot").await?;
    for table in tables {
        transaction
            .batch_execute(&format!(
                "create table snapshot.{table} as select * from lms.{table} where tenant_id = '{tenant}'"
            ))
            .await?;
    }
    let row = transaction
        .query_one("select lms_private.seal_events($1)", &[&tenant])
        .await?;
    transaction.commit().await?;
    Ok(row.get(0))
}

#[test]
fn the_result_of_a_random_workload_is_rebuilt_exactly() {
    run(async |app| {
        let tenant = app.demo.tenants[0].id;
        let mut status_counts = run_random_client(app, 1).await?;
        let mut client = app.superuser().await?;
        let position = snapshot(&mut client, tenant).await?;
        for (operation, statuses) in run_random_client(app, 1000).await? {
            status_counts.entry(operation).or_default().extend(statuses);
        }
        retry_failed_operations(app, &mut status_counts).await?;
        let report = replayed(app, Until::End, "rebuilt").await?;
        let compared = compare(&client, tenant, "lms", "rebuilt").await?;
        assert!(u64::try_from(compared)? >= report.rows);
        replayed(app, Until::Position(position), "rebuilt_then").await?;
        compare(&client, tenant, "snapshot", "rebuilt_then").await?;

        let never: Vec<String> = write_endpoints()
            .iter()
            .map(Endpoint::operation_id)
            .filter(|operation| !has_succeeded(&status_counts, operation))
            .filter(|operation| !OPERATIONS_THAT_MAY_FAIL.contains(&operation.as_str()))
            .collect();
        assert!(
            never.is_empty(),
            "these never succeeded: {never:#?}\n{status_counts:#?}"
        );
        let seen: BTreeSet<u16> = status_counts
            .values()
            .flat_map(|s| s.keys().copied())
            .collect();
        for status in [403, 404, 412, 422] {
            assert!(
                seen.contains(&status),
                "nothing failed with {status}: {seen:?}"
            );
        }
        let verified = verify::run(&app.superuser_url, None, None).await?;
        assert!(
            verified.iter().all(|report| report.broken.is_none()),
            "{verified:?}"
        );
        Ok(())
    });
}

#[test]
fn columns_that_are_not_rebuilt_are_declared_and_documented() {
    let document = include_str!("../../docs/reference/event-log-format.md");
    for (table, columns, _) in NOT_REBUILT {
        assert!(document.contains(&format!("`{table}`")), "{table}");
        for column in columns.iter().filter(|column| **column != "*") {
            assert!(
                document.contains(&format!("`{column}`")),
                "{table}.{column}"
            );
        }
    }
}

#[test]
fn a_replay_until_a_time_has_the_state_of_that_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut client = app.superuser().await?;
        let position = snapshot(&mut client, admin.tenant).await?;
        let now: chrono::DateTime<chrono::Utc> = client
            .query_one("select clock_timestamp()", &[])
            .await?
            .get(0);
        let body = serde_json::json!({"name": "Later", "code": "later", "time_zone": "UTC", "currency": "EUR"});
        app.post(&admin, "/v1/centres", body).await?.expect(201);
        replayed(app, Until::Time(now), "by_time").await?;
        compare(&client, admin.tenant, "snapshot", "by_time").await?;
        let report = replayed(app, Until::Position(position), "by_position").await?;
        assert_eq!(report.position, position);
        compare(&client, admin.tenant, "by_time", "by_position").await?;
        Ok(())
    });
}

#[test]
fn a_rejected_replay_leaves_nothing_behind() {
    run(async |app| {
        let client = app.superuser().await?;
        let rejection = async |until: Until, schema: &str| -> Result<String> {
            let error = replayed(app, until, schema)
                .await
                .err()
                .context("the replay succeeded")?;
            Ok(format!("{error:#}"))
        };
        let end: i64 = client
            .query_one(
                "select lms_private.seal_events($1)",
                &[&app.demo.tenants[0].id],
            )
            .await?
            .get(0);
        let beyond_end = rejection(Until::Position(end + 1), "other").await?;
        assert_eq!(
            beyond_end,
            format!(
                "position {} is beyond the end: the last event of aurora is at position {end}",
                end + 1
            )
        );
        let tomorrow = chrono::Utc::now() + chrono::Duration::days(1);
        let future = rejection(Until::Time(tomorrow), "other").await?;
        assert!(future.contains("is in the future"), "{future}");
        assert!(
            rejection(Until::End, "lms")
                .await?
                .contains("the schema lms already exists")
        );
        for name in [
            "",
            "Other",
            "1st",
            "pg_other",
            "a\"b",
            "a-b",
            &"x".repeat(64),
        ] {
            let message = rejection(Until::End, name).await?;
            assert!(
                message.contains("is not a name for the schema"),
                "{message}"
            );
        }
        let options = Options {
            tenant: "nobody".to_owned(),
            until: Until::End,
            schema: "other".to_owned(),
        };
        let error = replay::run(&app.superuser_url, &options)
            .await
            .err()
            .context("the replay succeeded")?;
        assert_eq!(
            error.to_string(),
            "there is no tenant \"nobody\" in this database"
        );
        queries::disable_event_triggers(&client).await?;
        client
            .batch_execute("update lms.event_log set kind = 'x' where position = 7")
            .await?;
        let broken = rejection(Until::End, "other").await?;
        assert_eq!(
            broken,
            "the chain of aurora is broken at position 7: the event differs from the one that was hashed"
        );
        let schemas = client
            .query("select from pg_namespace where nspname = 'other'", &[])
            .await?;
        assert!(schemas.is_empty());
        Ok(())
    });
}
