//! Copying a tenant: all rows of one snapshot, byte for byte, in one transaction of the target that commits when the hashes agree.

use anyhow::{Context, Result, bail};
use database::{copy_rows, explain};
use tokio_postgres::{IsolationLevel, Transaction};
use uuid::Uuid;

use super::cells::{Cells, enter};
use super::receipt::Head;
use super::record::{self, Move};
use super::tables::{Table, of_tenants};
use super::{REQUEST, digest};

/// Copies the tenant of a move. What fails leaves nothing at the target.
pub(super) async fn run(cells: &mut Cells, out: &mut Move, home: &str) -> Result<Move> {
    let tenant = out.receipt.tenant_id;
    let source = cells
        .from
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(explain)?;
    enter(&source, tenant, REQUEST, false).await?;
    let target = cells.to.transaction().await.map_err(explain)?;
    enter(&target, tenant, REQUEST, true).await?;
    let tables = of_tenants(&source).await?;
    for table in &tables {
        one(&source, &target, table, tenant)
            .await
            .with_context(|| format!("cannot copy {}", table.name))?;
    }
    let here = digest::all(&source, &tables, tenant).await?;
    let there = digest::all(&target, &tables, tenant).await?;
    if let Some(name) = here.keys().find(|name| here.get(*name) != there.get(*name)) {
        bail!("{name} is not the same at the target: nothing was kept there");
    }
    out.receipt.tables = here;
    out.receipt.events = Head::read(&source, tenant).await?;
    let arrived = record::arrive(&target, out, home).await?;
    target.commit().await.map_err(explain)?;
    source.rollback().await.map_err(explain)?;
    Ok(arrived)
}

/// Through a table of the session, because PostgreSQL does not copy into a table with row security.
async fn one(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    tenant: Uuid,
) -> Result<()> {
    let columns = table.list("");
    target
        .batch_execute(&format!(
            "create temporary table arriving as
            select {columns}
            from {}
            with no data",
            table.name
        ))
        .await
        .map_err(explain)?;
    let query = format!(
        "select {columns}
        from {}
        where tenant_id = '{tenant}'",
        table.name
    );
    copy_rows(source, &query, target, "arriving", &columns).await?;
    target
        .batch_execute(&format!(
            "insert into {} ({columns})
            select {}
            from arriving as r;
            drop table arriving",
            table.name,
            table.adopted()
        ))
        .await
        .map_err(explain)
}
