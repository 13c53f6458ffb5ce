//! Tests that one tenant is restored to a time, while its log continues and other tenants are unchanged.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use operations::events::verify;
use operations::relocation::tenant_tables;
use operations::tenant_restore::{self, Options, Source};
use tests::{Application, role, run};
use tokio_postgres::Client;
use uuid::Uuid;

/// Returns the contents of tables that users change, without the version, time and author of the
/// last change.
async fn content(client: &Client, tenant: Uuid) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in ["centres", "students", "classes", "gamification", "requests"] {
        let row = client
            .query_one(
                &format!(
                    "select coalesce(string_agg((to_jsonb(r) - array['version', 'updated_at', 'updated_by'])::text, chr(10)
                      order by r.id), '')
                    from lms.{table} as r where r.tenant_id = $1 and r.deleted_at is null"
                ),
                &[&tenant],
            )
            .await?;
        found.push(row.get(0));
    }
    Ok(found)
}

/// Returns every row of a tenant with its version.
async fn versioned_rows(client: &Client, tenant: Uuid) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in tenant_tables(client).await? {
        let row = client
            .query_one(
                &format!(
                    "select coalesce(string_agg(r::text, chr(10) order by r::text collate \"C\"), '')
                    from {} as r where r.tenant_id = $1",
                    table.name
                ),
                &[&tenant],
            )
            .await?;
        found.push(row.get(0));
    }
    Ok(found)
}

/// Simulates an error: rows of a tenant are overwritten, deleted and inserted.
async fn damage_rows(client: &Client, tenant: Uuid) -> Result<()> {
    client
        .batch_execute(&format!(
            "set app.tenant_id = '{tenant}';
            update lms.centres set name = 'Overwritten' where tenant_id = '{tenant}';
            delete from lms.gamification where tenant_id = '{tenant}';
            insert into lms.centres
            select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'code', 'nty', 'name', 'Not there yet'))).*
            from lms.centres as c where tenant_id = '{tenant}' limit 1"
        ))
        .await?;
    Ok(())
}

#[test]
fn one_tenant_is_restored_to_a_time_and_others_are_unchanged() {
    run(async |app| {
        let client = app.superuser().await?;
        let (tenant, other) = (app.demo.tenants[0].id, app.demo.tenants[1].id);
        let before = content(&client, tenant).await?;
        let bystander = versioned_rows(&client, other).await?;
        let time: DateTime<Utc> = client
            .query_one("select clock_timestamp()", &[])
            .await?
            .get(0);
        damage_rows(&client, tenant).await?;
        assert!(content(&client, tenant).await? != before);

        let options = Options {
            tenant: app.demo.tenants[0].slug.clone(),
            source: Source::Events(time),
        };
        let restored = tenant_restore::run(&app.superuser_url, &options).await?;
        assert!(
            restored.deleted == 1 && restored.recreated > 0 && restored.changed > 0,
            "{restored}"
        );
        assert!(
            content(&client, tenant).await? == before,
            "the tenant was not restored"
        );
        assert!(
            versioned_rows(&client, other).await? == bystander,
            "the other tenant was changed"
        );
        let reports = verify::run(&app.superuser_url, Some(&options.tenant), None).await?;
        assert!(reports.iter().all(|report| report.broken.is_none()));
        let event_count: i64 = client
            .query_one(
                "select count(*) from lms.event_log where tenant_id = $1 and request_id = 'restore'",
                &[&tenant],
            )
            .await?
            .get(0);
        assert_eq!(
            u64::try_from(event_count)?,
            restored.changed + restored.recreated + restored.deleted
        );
        // The tenant is writable again, as a sign-in shows.
        app.sign_in(role::ADMIN).await?;

        for (tenant, time, expected_message) in [
            ("nobody-here", time, "there is no tenant"),
            (
                &options.tenant,
                Utc::now() + chrono::Duration::days(1),
                "in the future",
            ),
            (
                &options.tenant,
                DateTime::UNIX_EPOCH,
                "has no event up to 1970-01-01T00:00:00Z: its first event is of 2",
            ),
        ] {
            let options = Options {
                tenant: tenant.to_owned(),
                source: Source::Events(time),
            };
            let error = tenant_restore::run(&app.superuser_url, &options)
                .await
                .unwrap_err();
            let line = format!("{error:#}");
            assert!(
                line.contains(expected_message) && !line.contains('\n'),
                "{line}"
            );
        }
        Ok(())
    });
}

#[test]
fn one_tenant_is_restored_from_a_restored_cluster_if_its_log_is_damaged() {
    run(async |app| {
        // A copy of the database stands for the restored cluster. It is made before anyone
        // connects, because PostgreSQL copies no database that is in use.
        let (server, name) = app.superuser_url.rsplit_once('/').context("no database")?;
        let restored = format!("restored_{}", Uuid::now_v7().simple());
        let administrator = database::connect(&format!("{server}/postgres")).await?;
        administrator
            .batch_execute(&format!("create database {restored} template {name}"))
            .await?;
        let outcome = from_cluster(app, &format!("{server}/{restored}")).await;
        administrator
            .batch_execute(&format!("drop database {restored} with (force)"))
            .await?;
        outcome
    });
}

async fn from_cluster(app: &Application, restored: &str) -> Result<()> {
    let client = app.superuser().await?;
    let (tenant, other) = (app.demo.tenants[0].id, app.demo.tenants[1].id);
    let before = content(&client, tenant).await?;
    let bystander = versioned_rows(&client, other).await?;
    damage_rows(&client, tenant).await?;
    client
        .batch_execute(&format!(
            "alter table lms.event_log disable trigger all;
            delete from lms.event_log where tenant_id = '{tenant}' and position = 3;
            alter table lms.event_log enable trigger all"
        ))
        .await?;
    let options = |source| Options {
        tenant: app.demo.tenants[0].slug.clone(),
        source,
    };
    for (source, expected_message) in [
        (Source::Events(Utc::now()), "is broken"),
        (
            Source::Cluster(app.superuser_url.clone()),
            "is this database itself",
        ),
    ] {
        let outcome = tenant_restore::run(&app.superuser_url, &options(source)).await;
        let line = format!("{:#}", outcome.err().context("the tenant was restored")?);
        assert!(
            line.contains(expected_message) && !line.contains('\n'),
            "{line}"
        );
    }
    tenant_restore::run(
        &app.superuser_url,
        &options(Source::Cluster(restored.to_owned())),
    )
    .await?;
    assert!(
        content(&client, tenant).await? == before,
        "the tenant was not restored"
    );
    assert!(
        versioned_rows(&client, other).await? == bystander,
        "the other tenant was changed"
    );
    Ok(())
}
