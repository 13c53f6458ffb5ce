//! `lms tenant forget`: erasing a tenant from the cell that it left, once everything that this cell has is found again where it lives.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use database::analytics::{self, View};
use database::{copy_rows, explain};
use tokio_postgres::{IsolationLevel, Transaction};
use uuid::Uuid;

use super::cells::{Cell, Cells, enter};
use super::erase::erase;
use super::receipt::{Head, Receipt};
use super::record::{self, Move};
use super::tables::{Table, of_tenants};
use super::{REQUEST, digest};
use crate::events::verify;

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// How many rows.
    pub rows: u64,
}

/// Erases the tenant of a receipt from the cell that it left, after a check of the cell where it lives.
///
/// # Errors
///
/// When the receipt is not true of both databases, or anything of the tenant is not found at the target: nothing is erased then.
pub async fn forget(receipt: &Path, from: &Cell, to: &Cell) -> Result<Forgotten> {
    let receipt = read(receipt)?;
    let mut cells = Cells::open(from, to).await?;
    check_receipt(&cells, &receipt).await?;
    check_chain(&receipt, to).await?;
    check_rows(&mut cells, &receipt).await?;

    let source = cells.from.transaction().await.map_err(explain)?;
    enter(&source, receipt.tenant_id, REQUEST, true).await?;
    let out = Move {
        id: receipt.move_id,
        state: "left".to_owned(),
        receipt: receipt.clone(),
    };
    ensure!(
        record::advance(&source, &out, "left", "forgotten").await?,
        "somebody else has erased the tenant in the meantime"
    );
    let rows = erase(&source, receipt.tenant_id).await?;
    source.commit().await.map_err(explain)?;
    // The views hold figures of the tenant until they are refreshed.
    for view in View::ALL {
        analytics::refresh(&cells.from, view).await?;
    }
    Ok(Forgotten { rows })
}

fn read(path: &Path) -> Result<Receipt> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the receipt {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no receipt of a move", path.display()))
}

/// Both databases have to have the receipt as it is.
async fn check_receipt(cells: &Cells, receipt: &Receipt) -> Result<()> {
    ensure!(
        receipt.from.name == cells.from_name.name && receipt.to.name == cells.to_name.name,
        "the receipt is of a move from {} to {}, not from {} to {}",
        receipt.from.name,
        receipt.to.name,
        cells.from_name.name,
        cells.to_name.name
    );
    let states = [
        (&cells.from, "left", &receipt.from.name),
        (&cells.to, "served", &receipt.to.name),
    ];
    for (client, state, name) in states {
        let Some(known) = Move::find(client, receipt.move_id).await? else {
            bail!("the receipt is not true: the cell {name} knows of no such move");
        };
        ensure!(
            known.receipt == *receipt,
            "the receipt is not true: it says something else than the cell {name}"
        );
        match known.state.as_str() {
            "forgotten" => bail!("the cell {name} has erased the tenant already"),
            found if found != state => {
                bail!("the move has not been finished: run `lms tenant move` again")
            }
            _ => {}
        }
    }
    if let Some(url) = record::home(&cells.to, receipt.tenant_id).await? {
        bail!(
            "the tenant has moved on to {url}: the cell {} can't confirm it any more",
            receipt.to.name
        );
    }
    Ok(())
}

/// The chain at the target has to be whole. That it goes on from where it ended here is looked at with the rows.
async fn check_chain(receipt: &Receipt, to: &Cell) -> Result<()> {
    let reports = verify::run(&to.database, Some(&receipt.slug), None).await?;
    match reports.iter().find(|report| report.broken.is_some()) {
        Some(report) => bail!("{report}: nothing was erased"),
        None => Ok(()),
    }
}

/// Whatever is in a recorded table here has to be there as it is, or an event there has to tell what has become of it since.
async fn check_rows(cells: &mut Cells, receipt: &Receipt) -> Result<()> {
    let tenant = receipt.tenant_id;
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
    enter(&target, tenant, REQUEST, false).await?;
    ensure!(
        Head::read(&source, tenant).await? == receipt.events && is_sealed(&source, tenant).await?,
        "something has happened to the tenant in the cell {} since it left: nothing was erased",
        receipt.from.name
    );
    ensure!(
        has_event(&target, receipt).await?,
        "the tenant's chain of events in the cell {} does not go on where it ended in {}: nothing was erased",
        receipt.to.name,
        receipt.from.name
    );
    for table in of_tenants(&source)
        .await?
        .iter()
        .filter(|table| table.is_recorded)
    {
        let missing = missing(&source, &target, table, receipt).await?;
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
            "-- moves.is_sealed
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
            "-- moves.has_event
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

async fn missing(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    receipt: &Receipt,
) -> Result<i64> {
    target
        .batch_execute("create temporary table left_behind (id uuid, hash bytea) on commit drop")
        .await
        .map_err(explain)?;
    let hash = digest::of_row(table);
    let query = format!(
        "select r.id, {hash}
        from {} as r
        where r.tenant_id = '{}'",
        table.name, receipt.tenant_id
    );
    copy_rows(source, &query, target, "left_behind", "id, hash").await?;
    let name = table.name.trim_start_matches("lms.");
    let row = target
        .query_one(
            &format!(
                "-- moves.missing
                select count(*)
                from left_behind as b
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
        .batch_execute("drop table left_behind")
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}
