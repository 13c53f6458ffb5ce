//! A tenant's rows from a restored cluster, in a schema of their own beside the live ones.

use anyhow::{Context, Result, ensure};
use futures::{SinkExt, StreamExt, pin_mut};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::database::{self, explain, quote_name};
use crate::events::tables::{Table, copy_definition};
use crate::moving::enter;

/// Copies every recorded table of a tenant from the database at an address into a new schema of the client's. What fails leaves no schema.
pub(super) async fn run(
    client: &mut Client,
    address: &str,
    tenant: Uuid,
    schema: &str,
) -> Result<()> {
    let mut restored = database::connect(address)
        .await
        .context("the restored cluster")?;
    check_same(client, &restored).await?;
    let source = restored.transaction().await.map_err(explain)?;
    enter(&source, tenant, false).await?;
    let target = client.transaction().await.map_err(explain)?;
    // Made as the login itself, for the owner of the schema `lms` may not make schemas.
    target
        .batch_execute(&format!(
            "create schema {} authorization lms_owner",
            quote_name(schema)
        ))
        .await
        .map_err(explain)
        .context(
            "cannot make a schema: the login needs the right to create schemas in this database",
        )?;
    enter(&target, tenant, false).await?;
    for table in Table::recorded(&target).await? {
        copy_definition(&target, &table.name, schema).await?;
        one(&source, &target, &table, tenant, schema)
            .await
            .with_context(|| format!("cannot copy {}", table.name))?;
    }
    target.commit().await.map_err(explain)
}

/// A cluster that was restored from this one is the same cell, and has the same tables.
async fn check_same(live: &Client, restored: &Client) -> Result<()> {
    let (here, there) = (state(live).await?, state(restored).await?);
    ensure!(
        here.cell == there.cell,
        "the restored cluster is the cell {}, this database is {}",
        there.cell,
        here.cell
    );
    ensure!(
        here.started != there.started,
        "the restored cluster is this database itself: name the address of the one that was restored"
    );
    ensure!(
        here.version == there.version,
        "the restored cluster is at migration {:04}, this database at {:04}: run `lms migrate` on the restored one first",
        there.version,
        here.version
    );
    Ok(())
}

/// What tells databases apart.
struct State {
    cell: String,
    /// The database's number, and when its server was started.
    started: String,
    version: i64,
}

async fn state(client: &Client) -> Result<State> {
    let row = client
        .query_one(
            "-- restoring.state
            select
              c.name,
              concat_ws(' ', d.oid, pg_postmaster_start_time()::text),
              (select max(m.version) from lms_private.migrations as m)
            from lms_private.cell as c
            cross join pg_database as d
            where d.datname = current_database()",
            &[],
        )
        .await
        .map_err(explain)
        .context("the database lacks the schema: run `lms migrate`")?;
    Ok(State {
        cell: row.get(0),
        started: row.get(1),
        version: row.get(2),
    })
}

async fn one(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    tenant: Uuid,
    schema: &str,
) -> Result<()> {
    let columns = table.list("");
    let rows = source
        .copy_out(&format!(
            "copy (
              select {columns}
              from {}
              where tenant_id = '{tenant}'
            ) to stdout (format binary)",
            table.within("lms")
        ))
        .await
        .map_err(explain)?;
    let sink = target
        .copy_in(&format!(
            "copy {} ({columns}) from stdin (format binary)",
            table.within(schema)
        ))
        .await
        .map_err(explain)?;
    pin_mut!(rows, sink);
    while let Some(bytes) = rows.next().await {
        sink.send(bytes.map_err(explain)?).await.map_err(explain)?;
    }
    sink.finish().await.map_err(explain)?;
    Ok(())
}
