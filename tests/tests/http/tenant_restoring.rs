//! One tenant is brought back to a time: its rows are what they were, its log goes on, and nobody else is touched.

use anyhow::Result;
use chrono::{DateTime, Utc};
use cli::events::verify;
use cli::moving::of_tenants;
use cli::restoring::{self, Options};
use tests::{Role, run};
use tokio_postgres::Client;
use uuid::Uuid;

/// What tables that people change hold, without who wrote it last and how often.
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

/// Every row of a tenant, version and all.
async fn everything(client: &Client, tenant: Uuid) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in of_tenants(client).await? {
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

#[test]
fn one_tenant_is_brought_back_to_a_time_and_nobody_else_is_touched() {
    run(async |app| {
        let client = app.superuser().await?;
        let (tenant, other) = (app.demo.tenants[0].id, app.demo.tenants[1].id);
        let before = content(&client, tenant).await?;
        let bystander = everything(&client, other).await?;
        let time: DateTime<Utc> = client
            .query_one("select clock_timestamp()", &[])
            .await?
            .get(0);
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
        assert!(content(&client, tenant).await? != before);

        let options = Options {
            tenant: app.demo.tenants[0].slug.clone(),
            time,
        };
        let restored = restoring::run(&app.superuser_url, &options).await?;
        assert!(
            restored.deleted == 1 && restored.made > 0 && restored.changed > 0,
            "{restored}"
        );
        assert!(content(&client, tenant).await? == before, "not as it was");
        assert!(everything(&client, other).await? == bystander, "touched");
        let reports = verify::run(&app.superuser_url, Some(&options.tenant), None).await?;
        assert!(reports.iter().all(|report| report.broken.is_none()));
        let told: i64 = client
            .query_one(
                "select count(*) from lms.event_log where tenant_id = $1 and request_id = 'restore'",
                &[&tenant],
            )
            .await?
            .get(0);
        assert_eq!(
            u64::try_from(told)?,
            restored.changed + restored.made + restored.deleted
        );
        // It can be written again: a sign-in writes.
        app.sign_in(Role::Admin).await?;

        for (tenant, time, told) in [
            ("nobody-here", time, "there is no tenant"),
            (
                &options.tenant,
                Utc::now() + chrono::Duration::days(1),
                "in the future",
            ),
            (&options.tenant, DateTime::UNIX_EPOCH, "nothing is known"),
        ] {
            let options = Options {
                tenant: tenant.to_owned(),
                time,
            };
            let error = restoring::run(&app.superuser_url, &options)
                .await
                .unwrap_err();
            let line = format!("{error:#}");
            assert!(line.contains(told) && !line.contains('\n'), "{line}");
        }
        Ok(())
    });
}
