//! Transactions that see one state of a tenant's log, however long they take.
//! The log is read in `log`.

use anyhow::{Result, bail};
use database::{explain, tenant};
use tokio_postgres::{Client, IsolationLevel, Transaction};
use uuid::Uuid;

/// The request id of these commands' transactions in the event log, should they write.
const REQUEST_ID: &str = "events";

/// The tenant with a slug, which must exist.
pub(super) async fn find_tenant(client: &Client, slug: &str) -> Result<Uuid> {
    match tenant::find(client, slug).await? {
        Some(tenant) => Ok(tenant),
        None => bail!("there is no tenant {slug:?} in this database"),
    }
}

/// Begins a transaction in a tenant's context that sees one state of the database.
pub(super) async fn begin_snapshot(
    client: &mut Client,
    tenant: Uuid,
    read_only: bool,
) -> Result<Transaction<'_>> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(read_only)
        .start()
        .await
        .map_err(explain)?;
    tenant::enter(&transaction, tenant, REQUEST_ID).await?;
    Ok(transaction)
}
