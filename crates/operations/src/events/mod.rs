//! The event log from outside: checking its chain, signing where it ends, rebuilding tables from it, writing it into files. What is
//! relied on here is docs/reference/event-log-format.md, not the functions of the database that write the log.

mod chain;
pub mod export;
pub mod heads;
pub mod keys;
mod log;
mod moment;
mod redactions;
pub mod replay;
pub(crate) mod tables;
pub mod verify;

pub use chain::{Break, Fault};

use anyhow::{Result, bail};
use database::{explain, tenant};
use tokio_postgres::{Client, IsolationLevel, Transaction};
use uuid::Uuid;

/// What the transactions of these commands are called in the log, should they write.
const REQUEST: &str = "events";

/// The tenant with a slug, which has to be there.
async fn known(client: &Client, slug: &str) -> Result<Uuid> {
    match tenant::find(client, slug).await? {
        Some(tenant) => Ok(tenant),
        None => bail!("there is no tenant {slug:?} in this database"),
    }
}

/// A transaction in a tenant's context that sees one state of the database, however long it takes.
async fn still(client: &mut Client, tenant: Uuid, read_only: bool) -> Result<Transaction<'_>> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(read_only)
        .start()
        .await
        .map_err(explain)?;
    tenant::enter(&transaction, tenant, REQUEST).await?;
    Ok(transaction)
}
