//! Copying a tenant: all rows of one snapshot, byte for byte, in one transaction of the target, which commits when the hashes agree.
//! Computing the hashes lives in `digest`.

use anyhow::{Context, Result, bail};
use database::{copy_rows, explain};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::cells::Cells;
use super::receipt::Head;
use super::record::Relocation;
use super::tables::{Table, tenant_tables};
use super::{digest, steps};

/// Copies the tenant of a relocation. A failure leaves nothing in the target.
pub(super) async fn run(
    cells: &mut Cells,
    relocation: &mut Relocation,
    source_url: &str,
) -> Result<Relocation> {
    let tenant = relocation.receipt.tenant_id;
    let (source, target) = cells.begin(tenant, true).await?;
    let tables = tenant_tables(&source).await?;
    for table in &tables {
        copy_table(&source, &target, table, tenant)
            .await
            .with_context(|| format!("cannot copy {}", table.name))?;
    }
    let source_digests = digest::all(&source, &tables, tenant).await?;
    let target_digests = digest::all(&target, &tables, tenant).await?;
    let different = source_digests
        .keys()
        .find(|name| source_digests.get(*name) != target_digests.get(*name));
    if let Some(name) = different {
        bail!("{name} differs in the target: nothing was kept there");
    }
    relocation.receipt.tables = source_digests;
    relocation.receipt.events = Head::read(&source, tenant).await?;
    let copied = steps::record_copy(&target, relocation, source_url).await?;
    target.commit().await.map_err(explain)?;
    source.rollback().await.map_err(explain)?;
    Ok(copied)
}

/// Copies a table by way of a temporary one, because PostgreSQL does not copy into a table with row security.
async fn copy_table(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    tenant: Uuid,
) -> Result<()> {
    let columns = table.list("");
    target
        .batch_execute(&format!(
            "create temporary table copied_rows as
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
    copy_rows(source, &query, target, "copied_rows", &columns).await?;
    target
        .batch_execute(&format!(
            "insert into {} ({columns})
            select {}
            from copied_rows as r;
            drop table copied_rows",
            table.name,
            table.target_values()
        ))
        .await
        .map_err(explain)
}
