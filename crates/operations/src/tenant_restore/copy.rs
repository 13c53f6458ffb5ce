//! Copying a tenant's rows from a restored cluster into a schema of their own beside the live tables.
//! They are written back from there in `rows`.

use anyhow::{Context, Result, ensure};
use database::migrate::{self, ledger};
use database::{copy_rows, explain, quote_name};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::rows::REQUEST_ID;
use crate::events::tables::{Table, copy_definition};
use crate::relocation::{enter, identity, latest_migration};

/// Copies every recorded table of a tenant from the database at a URL into a new schema. A failure leaves no schema behind.
pub(super) async fn run(
    client: &mut Client,
    database_url: &str,
    tenant: Uuid,
    schema: &str,
) -> Result<()> {
    let mut restored = database::connect(database_url)
        .await
        .context("the restored cluster")?;
    check_same(client, &restored).await?;
    let source = restored.transaction().await.map_err(explain)?;
    enter(&source, tenant, REQUEST_ID, false).await?;
    let target = client.transaction().await.map_err(explain)?;
    // The login itself creates the schema, because the owner of the schema `lms` may not create others.
    target
        .batch_execute(&format!(
            "create schema {} authorization lms_owner",
            quote_name(schema)
        ))
        .await
        .map_err(explain)
        .context(
            "cannot create a schema: the login needs the privilege to create schemas in this database",
        )?;
    enter(&target, tenant, REQUEST_ID, false).await?;
    for table in Table::recorded(&target).await? {
        copy_definition(&target, &table.name, schema).await?;
        copy_table(&source, &target, &table, tenant, schema)
            .await
            .with_context(|| format!("cannot copy {}", table.name))?;
    }
    target.commit().await.map_err(explain)
}

/// Checks that the other cluster was restored from this one: it is the same cell, and has the same tables.
async fn check_same(live: &Client, restored: &Client) -> Result<()> {
    let (here, there) = (cell(live).await?, cell(restored).await?);
    ensure!(
        here == there,
        "the restored cluster is the cell {there}, and this database is {here}"
    );
    ensure!(
        identity(live).await? != identity(restored).await?,
        "the restored cluster is this database itself: give the address of the restored one"
    );
    let (here, there) = (ledger(live).await?, ledger(restored).await?);
    ensure!(
        migrate::is_same_schema(&here, &there),
        "the restored cluster is at {}, and this database at {}: run `lms migrate` on the restored one first",
        latest_migration(&there),
        latest_migration(&here)
    );
    Ok(())
}

async fn cell(client: &Client) -> Result<String> {
    migrate::cell_name(client)
        .await?
        .context("the database is not a cell yet: run `lms migrate` with --cell")
}

async fn copy_table(
    source: &Transaction<'_>,
    target: &Transaction<'_>,
    table: &Table,
    tenant: Uuid,
    schema: &str,
) -> Result<()> {
    let columns = table.list("");
    let query = format!(
        "select {columns}
        from {}
        where tenant_id = '{tenant}'",
        table.within("lms")
    );
    copy_rows(source, &query, target, &table.within(schema), &columns).await
}
