//! Tests the metrics of the worker: its jobs, and the state of the cell.

use anyhow::{Context, Result, ensure};
use database::migrate;
use tests::fault_injection::database_name_and_server;
use tests::notifications::{clear_outbox, send_emails};
use tests::webhook_fixture::{create_centre_event, create_with_receiver};
use tests::{Application, Behaviour, Process, free_address, role, run};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::{read_until, value, worker_metrics};

#[test]
fn the_worker_measures_its_jobs() {
    run(async |app| {
        let operators = free_address()?;
        let _worker = Process::start(
            app,
            &["worker", "--management", &operators.to_string()],
            &[],
        )?;
        let last_success = "lms_worker_job_last_success_seconds";
        let succeeded = |text: &str| {
            ["round", "analytics", "events", "webhooks"]
                .iter()
                .all(|job| value(text, last_success, &[&format!("worker_job=\"{job}\"")]).is_some())
        };
        let text = read_until(&format!("http://{operators}/metrics"), succeeded).await?;
        let labels = ["worker_job=\"round\"", "outcome=\"success\""];
        assert_eq!(
            value(&text, "lms_worker_job_duration_seconds_count", &labels),
            Some(1.0)
        );
        Ok(())
    });
}

/// The seconds by which the constructed situations lie back.
const HOUR: f64 = 3600.0;

/// The tolerance for the time that a test takes.
const TOLERANCE: f64 = 600.0;

/// Asserts the values of series, which are named with their labels.
fn assert_values(text: &str, expected: &[(&str, &[&str], f64)]) -> Result<()> {
    for (name, labels, expected) in expected {
        let found = value(text, name, labels);
        ensure!(
            found == Some(*expected),
            "{name} {labels:?}: {found:?}, not {expected}\n{text}"
        );
    }
    Ok(())
}

/// Asserts that a series is an age of one hour.
fn assert_hour(text: &str, name: &str, labels: &[&str]) -> Result<()> {
    let age = value(text, name, labels).with_context(|| format!("{name} is missing: {text}"))?;
    ensure!((HOUR..HOUR + TOLERANCE).contains(&age), "{name}: {age}");
    Ok(())
}

/// Inserts a delivery of each kind for two webhooks: one that is due, and a dead letter, which makes its webhook fail.
async fn insert_webhook_deliveries(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    webhook: Uuid,
) -> Result<()> {
    transaction
        .execute(
            "insert into lms.webhook_deliveries (
              tenant_id, webhook_id, position, event_id, event_at, kind, next_attempt_at, last_attempt_at, last_error, dead_at
            )
            values
              ($1, $2, 1001, $2, now(), 'centre.created', now() - interval '1 hour', null, null, null),
              ($1, $2, 1002, $2, now(), 'centre.created', now(), now(), 'answered 500', now())",
            &[&tenant, &webhook],
        )
        .await?;
    Ok(())
}

/// Sets up what the worker counts, without any trigger, and commits it.
async fn construct(app: &Application, webhook: Uuid) -> Result<()> {
    let mut client = app.superuser().await?;
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "select lms_private.seal_events(t.tenant_id)
            from lms.tenants as t;
            insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, at, state)
            select t.tenant_id, 'tenants', t.id, 'tenant.updated', now() - interval '1 hour', '{}'
            from lms.tenants as t;
            set local session_replication_role = replica;
            update lms.notification_deliveries as d
            set next_attempt_at = now() - interval '1 hour';
            update lms.notification_deliveries as d
            set dead_at = now(), last_error = 'answered 422'
            where d.id = (select max(l.id::text)::uuid from lms.notification_deliveries as l);
            update lms_private.view_refreshes as v
            set refreshed_at = now() - interval '1 hour';
            insert into lms_private.backups (repository, ended_at)
            values (1, now() - interval '1 hour');
            update lms.webhooks as w
            set disabled_reason = 'answered 410: the webhook is gone'
            where w.status = 'disabled';
            update lms.occurrences as o
            set status = 'cancelled', reason = 'clash'
            where o.id = (
              select p.id
              from lms.occurrences as p
              where p.starts_at > now() + interval '1 day'
                and p.deleted_at is null
              limit 1
            )",
        )
        .await?;
    insert_webhook_deliveries(&transaction, app.demo.tenants[0].id, webhook).await?;
    Ok(transaction.commit().await?)
}

/// Locks what the worker would otherwise do at once, until the transaction ends.
async fn hold_worker_up(transaction: &Transaction<'_>) -> Result<()> {
    transaction
        .batch_execute(
            "select from lms.webhook_deliveries for update;
            select from lms.event_heads for update;
            select from lms_private.view_refreshes for update",
        )
        .await?;
    Ok(())
}

#[test]
fn the_worker_measures_the_state_of_the_cell() {
    run(async |app| {
        let (admin, _receiver, webhook) = create_with_receiver(app, Behaviour::Accepts).await?;
        let disabled = "select count(*) from lms.webhooks where status = 'disabled'";
        let mut client = app.superuser().await?;
        let disabled: i64 = client.query_one(disabled, &[]).await?.get(0);
        clear_outbox(app).await?;
        send_emails(app, &admin, 2).await?;
        construct(app, webhook.id).await?;
        let transaction = client.transaction().await?;
        hold_worker_up(&transaction).await?;

        let name = client_database(app);
        let migrator = database::with_database(&app.demo.database.owner_url, &name)?;
        let (login, _) = migrator.split_once('?').context("a role")?;
        let text = worker_metrics(app, &[("DATABASE_URL", login)], |text| {
            value(text, "lms_database_up", &[]) == Some(1.0)
        })
        .await?;
        let migrations = migrate::embedded()?;
        // The numbers of migrations and of webhooks are small.
        #[expect(clippy::cast_precision_loss)]
        let (schema, failing) = (
            migrations.last().context("a migration")?.version as f64,
            (disabled + 1) as f64,
        );
        let cell = ["cell=\"eu-standard\"", "region=\"eu\"", "version=\""];
        let email: &[&str] = &["channel=\"email\""];
        let push: &[&str] = &["channel=\"push\""];
        assert_values(
            &text,
            &[
                ("lms_cell_info", &cell, 1.0),
                ("lms_schema_version", &[], schema),
                ("lms_outbox_depth", email, 1.0),
                ("lms_outbox_dead_letters", email, 1.0),
                ("lms_outbox_depth", push, 0.0),
                ("lms_outbox_oldest_age_seconds", push, 0.0),
                ("lms_webhook_queue_depth", &[], 1.0),
                ("lms_webhook_dead_letters", &[], 1.0),
                ("lms_webhook_failing_endpoints", &[], failing),
                ("lms_clashes_found", &[], 1.0),
            ],
        )?;
        let view: &[&str] = &["view=\"mv_student_progress\""];
        for (name, labels) in [
            ("lms_events_sealing_lag_seconds", &[] as &[&str]),
            ("lms_outbox_oldest_age_seconds", email),
            ("lms_webhook_queue_oldest_age_seconds", &[]),
            ("lms_view_refresh_age_seconds", view),
            ("lms_backup_age_seconds", &["repository=\"1\""]),
        ] {
            assert_hour(&text, name, labels)?;
        }
        ensure!(
            value(&text, "lms_database_size_bytes", &[]) > Some(1_000_000.0),
            "{text}"
        );
        // This server does not archive, and its connections are not encrypted.
        for absent in [
            "lms_archive_gap_seconds",
            "lms_certificate_expiry_timestamp_seconds",
        ] {
            ensure!(value(&text, absent, &[]).is_none(), "{text}");
        }
        Ok(())
    });
}

#[test]
fn a_quiet_cell_has_no_lag() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        create_centre_event(app, &admin, "quiet").await?;
        // The first measurement may come before the first sealing.
        let text = worker_metrics(app, &[], |text| {
            value(text, "lms_events_sealing_lag_seconds", &[]) == Some(0.0)
        })
        .await?;
        assert_values(
            &text,
            &[
                ("lms_webhook_queue_depth", &[], 0.0),
                ("lms_webhook_queue_oldest_age_seconds", &[], 0.0),
                ("lms_webhook_failing_endpoints", &[], 0.0),
            ],
        )
    });
}

#[test]
fn the_worker_says_that_the_database_is_away() {
    run(async |app| {
        let operators = free_address()?;
        let _worker = Process::start(
            app,
            &["worker", "--management", &operators.to_string()],
            &[],
        )?;
        let metrics = format!("http://{operators}/metrics");
        let is =
            |expected: f64| move |text: &str| value(text, "lms_database_up", &[]) == Some(expected);
        read_until(&metrics, is(1.0)).await?;
        let (name, server) = database_name_and_server(app).await?;
        let allow = async |allowed: bool| {
            let sql = format!("alter database {name} allow_connections {allowed}");
            server.batch_execute(&sql).await
        };
        allow(false).await?;
        read_until(&metrics, is(0.0)).await?;
        allow(true).await?;
        read_until(&metrics, is(1.0)).await?;
        Ok(())
    });
}

/// Returns the name of the test's database.
fn client_database(app: &Application) -> String {
    let (_, name) = app
        .superuser_url
        .rsplit_once('/')
        .unwrap_or(("", &app.superuser_url));
    name.to_owned()
}
