//! What the database holds, seen as its superuser: what HTTP does not show. No test stands here.

use crate::Application;
use anyhow::{Context, Result};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The parameters of a statement.
pub type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection of the superuser, to whom the log shows all that is committed.
async fn sealed(app: &Application) -> Result<Client> {
    let client = app.superuser().await?;
    client
        .execute(
            "select lms_private.seal_events(t.tenant_id) from lms.tenants as t order by t.tenant_id",
            &[],
        )
        .await?;
    Ok(client)
}

/// How many rows there are of what follows `from`.
pub async fn count(app: &Application, from: &str, values: Values<'_>) -> Result<i64> {
    let sql = format!("select count(*) from {from}");
    let row = sealed(app).await?.query_one(&sql, values).await?;
    Ok(row.get(0))
}

/// The one id that a query finds.
pub async fn id(app: &Application, sql: &str, values: Values<'_>) -> Result<Uuid> {
    let rows = sealed(app).await?.query(sql, values).await?;
    let row = rows.first().with_context(|| format!("no row: {sql}"))?;
    Ok(row.get(0))
}

/// The texts of a query's first column.
pub async fn texts(app: &Application, sql: &str, values: Values<'_>) -> Result<Vec<String>> {
    let rows = sealed(app).await?.query(sql, values).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Runs statements.
pub async fn execute(app: &Application, sql: &str, values: Values<'_>) -> Result<u64> {
    Ok(app.superuser().await?.execute(sql, values).await?)
}

/// Where the event log of all tenants ends, and how many idempotency keys are kept: it stays the same as long as
/// nothing is written, for every change of a resource is an event.
pub async fn written(app: &Application) -> Result<(i64, i64)> {
    let row = sealed(app)
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

/// The first tenant's centres, oldest first: the demo users belong to the first of them.
pub async fn centres(app: &Application) -> Result<(Uuid, Uuid)> {
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

/// A user of a role in one of the first tenant's centres who is nobody's demo user.
pub async fn colleague(app: &Application, role: &str, centre: Uuid) -> Result<Uuid> {
    id(
        app,
        "select id from lms.users
        where tenant_id = $1 and role = $2 and centre_id = $3 and email <> $2 || '@aurora.example'
        order by id",
        &[&app.demo.tenants[0].id, &role, &centre],
    )
    .await
}

/// What a query finds of the tenant `index`: the first id of a table.
pub async fn any(app: &Application, index: usize, table: &str) -> Result<Uuid> {
    let sql = format!(
        "select id from lms.{table} where tenant_id = $1 and deleted_at is null order by id"
    );
    id(app, &sql, &[&app.demo.tenants[index].id]).await
}
