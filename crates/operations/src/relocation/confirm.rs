//! Erasing a relocated tenant from its source (`lms tenant forget`), once every row of the source has been found in the target.
//! Erasing itself lives in `erase`.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use database::analytics::{self, View};
use database::{copy_rows, explain};
use serde::Serialize;
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::cells::{Cell, Cells, REQUEST_ID, enter};
use super::digest;
use super::erase::erase;
use super::read_only::new_home;
use super::receipt::{Head, Receipt};
use super::record::{self, Relocation};
use super::state::RelocationState;
use super::tables::{Table, tenant_tables};
use crate::events::verify;

/// The extent of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The number of rows that were erased.
    pub rows: u64,
}

/// Erases the tenant of a receipt from the source, after a check of the target.
///
/// # Errors
///
/// When the receipt does not match both databases, or any row of the tenant is not found in the target. Then nothing is erased.
pub async fn erase_source(receipt: &Path, from: &Cell, to: &Cell) -> Result<Erased> {
    let receipt = read(receipt)?;
    let mut cells = Cells::open(from, to).await?;
    check_receipt(&cells, &receipt).await?;
    check_chain(&receipt, to).await?;
    check_rows(&mut cells, &receipt).await?;

    let source = cells.from.transaction().await.map_err(explain)?;
    enter(&source, receipt.tenant_id, REQUEST_ID, true).await?;
    let has_advanced = record::advance(
        &source,
        receipt.move_id,
        RelocationState::Switched,
        RelocationState::SourceErased,
    )
    .await?;
    ensure!(
        has_advanced,
        "the tenant has been erased by another command in the meantime"
    );
    let rows = erase(&source, receipt.tenant_id).await?;
    source.commit().await.map_err(explain)?;
    // The views contain figures of the tenant until they are refreshed.
    for view in View::ALL {
        analytics::refresh(&cells.from, view).await?;
    }
    Ok(Erased { rows })
}

fn read(path: &Path) -> Result<Receipt> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the receipt {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not the receipt of a relocation", path.display()))
}

/// Checks that both databases have the receipt as it is.
async fn check_receipt(cells: &Cells, receipt: &Receipt) -> Result<()> {
    ensure!(
        receipt.from.name == cells.from_cell.name && receipt.to.name == cells.to_cell.name,
        "the receipt is of a relocation from {} to {}, not from {} to {}",
        receipt.from.name,
        receipt.to.name,
        cells.from_cell.name,
        cells.to_cell.name
    );
    let states = [
        (&cells.from, RelocationState::Switched, &receipt.from.name),
        (&cells.to, RelocationState::Active, &receipt.to.name),
    ];
    for (client, state, name) in states {
        let Some(known) = Relocation::find(client, receipt.move_id).await? else {
            bail!("the receipt is not valid: the cell {name} has no record of this relocation");
        };
        ensure!(
            known.receipt == *receipt,
            "the receipt is not valid: it differs from the one that the cell {name} has"
        );
        match known.state {
            RelocationState::SourceErased => {
                bail!("the cell {name} has already erased the tenant")
            }
            found if found != state => {
                bail!("the relocation is not finished: run `lms tenant move` again")
            }
            _ => {}
        }
    }
    if let Some(url) = new_home(&cells.to, receipt.tenant_id).await? {
        bail!(
            "the tenant has been relocated again, to {url}: the cell {} can no longer confirm its rows",
            receipt.to.name
        );
    }
    Ok(())
}

/// Checks that the chain in the target is whole. Its continuation from the end of the source's chain is checked with the rows.
async fn check_chain(receipt: &Receipt, to: &Cell) -> Result<()> {
    let reports = verify::run(&to.database_url, Some(&receipt.slug), None).await?;
    match reports.iter().find(|report| report.broken.is_some()) {
        Some(report) => bail!("{report}: nothing was erased"),
        None => Ok(()),
    }
}

/// Checks that each row of a recorded table in the source is in the target as it is, or that an event there explains the difference.
async fn check_rows(cells: &mut Cells, receipt: &Receipt) -> Result<()> {
    let tenant = receipt.tenant_id;
    let (source, target) = cells.begin(tenant, false).await?;
    ensure!(
        Head::read(&source, tenant).await? == receipt.events && is_sealed(&source, tenant).await?,
        "the tenant has changed in the cell {} since the relocation: nothing was erased",
        receipt.from.name
    );
    ensure!(
        has_event(&target, receipt).await?,
        "the tenant's chain of events in the cell {} does not continue where it ended in {}: nothing was erased",
        receipt.to.name,
        receipt.from.name
    );
    for table in tenant_tables(&source)
        .await?
        .iter()
        .filter(|table| table.is_recorded)
    {
        let missing = count_missing(&source, &target, table, receipt).await?;
        ensure!(
            missing == 0,
            "{missing} rows of {} are not in the cell {} as they were: nothing was erased",
            table.name,
            receipt.to.name
        );
    }
    Ok(())
}

async fn is_sealed(source: &Transaction<'_>, tenant: Uuid) -> Result<bool> {
    let row = source
        .query_one(
            "-- relocation.is_sealed
            select not exists (
              select from lms_private.unsealed_events as u
              where u.tenant_id = $1
            )",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

async fn has_event(target: &Transaction<'_>, receipt: &Receipt) -> Result<bool> {
    if receipt.events == Head::default() {
        return Ok(true);
    }
    let row = target
        .query_one(
            "-- relocation.has_event
            select exists (
              select from lms.event_log as l
              where l.tenant_id = $1
                and l.position = $2
                and encode(l.hash, 'hex') = $3
            )",
            &[
                &receipt.tenant_id,
                &receipt.events.position,
                &receipt.events.hash,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

async fn count_missing(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    receipt: &Receipt,
) -> Result<i64> {
    target
        .batch_execute("create temporary table source_rows (id uuid, hash bytea) on commit drop")
        .await
        .map_err(explain)?;
    let hash = digest::row_hash(table);
    let query = format!(
        "select r.id, {hash}
        from {} as r
        where r.tenant_id = '{}'",
        table.name, receipt.tenant_id
    );
    copy_rows(source, &query, target, "source_rows", "id, hash").await?;
    let name = table.name.trim_start_matches("lms.");
    let row = target
        .query_one(
            &format!(
                "-- relocation.missing
                select count(*)
                from source_rows as b
                left join {} as r
                  on r.tenant_id = $1
                  and r.id = b.id
                where b.hash is distinct from {hash}
                  and not exists (
                    select from lms.event_log as l
                    where l.tenant_id = $1
                      and l.entity_id = b.id
                      and l.entity = $2
                      and l.position > $3
                  )",
                table.name
            ),
            &[&receipt.tenant_id, &name, &receipt.events.position],
        )
        .await
        .map_err(explain)?;
    target
        .batch_execute("drop table source_rows")
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}
