//! Runs queries as the database's superuser, for what HTTP does not show.
//! Queries that insert rows of a test are in `fixtures`.

use crate::Application;
use anyhow::{Context, Result};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The parameters of a statement.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Connects as the superuser and seals the pending events, so that the event log has all that is committed.
async fn connect_and_seal(app: &Application) -> Result<Client> {
    let client = app.superuser().await?;
    client
        .execute(
            "select lms_private.seal_events(t.tenant_id) from lms.tenants as t order by t.tenant_id",
            &[],
        )
        .await?;
    Ok(client)
}

/// Counts the rows of a `from` clause.
pub async fn count(app: &Application, from: &str, parameters: Parameters<'_>) -> Result<i64> {
    let sql = format!("select count(*) from {from}");
    let row = connect_and_seal(app)
        .await?
        .query_one(&sql, parameters)
        .await?;
    Ok(row.get(0))
}

/// Returns the id in the first row of a query.
pub async fn fetch_id(app: &Application, sql: &str, parameters: Parameters<'_>) -> Result<Uuid> {
    let rows = connect_and_seal(app).await?.query(sql, parameters).await?;
    let row = rows.first().with_context(|| format!("no row: {sql}"))?;
    Ok(row.get(0))
}

/// Returns the first column of a query as texts.
pub async fn fetch_texts(
    app: &Application,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<Vec<String>> {
    let rows = connect_and_seal(app).await?.query(sql, parameters).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Executes a statement and returns the number of affected rows.
pub async fn execute(app: &Application, sql: &str, parameters: Parameters<'_>) -> Result<u64> {
    Ok(app.superuser().await?.execute(sql, parameters).await?)
}

/// Returns the number of events of all tenants and the number of idempotency keys. Both stay the same as long as nothing is
/// written, because every change of a resource is an event.
pub async fn write_counters(app: &Application) -> Result<(i64, i64)> {
    let row = connect_and_seal(app)
        .await?
        .query_one(
            "select
              (select coalesce(sum(position), 0)::bigint from lms.event_heads),
              (select count(*) from lms.idempotency_keys)",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// Returns the first tenant's two centres, oldest first. The demo users belong to the first one.
pub async fn demo_centres(app: &Application) -> Result<(Uuid, Uuid)> {
    let rows = app
        .superuser()
        .await?
        .query(
            "select id from lms.centres where tenant_id = $1 order by id",
            &[&app.demo.tenants[0].id],
        )
        .await?;
    anyhow::ensure!(rows.len() == 2, "{} centres", rows.len());
    Ok((rows[0].get(0), rows[1].get(0)))
}

/// Returns a user of this role in a centre of the first tenant that is not the demo user.
pub async fn other_user(app: &Application, role: &str, centre: Uuid) -> Result<Uuid> {
    fetch_id(
        app,
        "select id from lms.users
        where tenant_id = $1 and role = $2 and centre_id = $3 and email <> $2 || '@aurora.example'
        order by id",
        &[&app.demo.tenants[0].id, &role, &centre],
    )
    .await
}

/// Returns the first id in a table of the tenant `index`.
pub async fn first_id(app: &Application, index: usize, table: &str) -> Result<Uuid> {
    let sql = format!(
        "select id from lms.{table} where tenant_id = $1 and deleted_at is null order by id"
    );
    fetch_id(app, &sql, &[&app.demo.tenants[index].id]).await
}

/// Lets the superuser change events, by disabling the triggers of the event log and its partitions.
///
/// # Errors
///
/// When the database fails.
pub async fn disable_event_triggers(client: &Client) -> Result<()> {
    client
        .batch_execute(
            "alter table lms.event_log disable trigger all;
            do $$ declare partition regclass; begin
              for partition in select inhrelid from pg_inherits where inhparent = 'lms.event_log'::regclass loop
                execute format('alter table %s disable trigger all', partition);
              end loop;
            end $$",
        )
        .await?;
    Ok(())
}
