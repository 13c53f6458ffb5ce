//! Sealing: events that are committed get their places in the chains of their tenants, within a second or so.
//!
//! Whoever reads the log has what he can see sealed first, so nobody waits for this. It keeps short what is not in the chain yet.

use std::time::Duration;

use anyhow::{Context, Result};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST;
use crate::pace::{RETRY, rest};

/// How long to wait before there is a look for new events.
const PAUSE: Duration = Duration::from_secs(1);

/// Seals for ever. A database that is away is asked again.
pub(crate) async fn work(address: &str) {
    loop {
        let outcome = seal_until_it_fails(address).await;
        tokio::time::sleep(rest("events: ", outcome, RETRY)).await;
    }
}

async fn seal_until_it_fails(address: &str) -> Result<()> {
    let mut client = database::connect(address).await?;
    loop {
        seal(&mut client).await?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Seals what is committed, each tenant in a transaction of its own.
///
/// # Errors
///
/// When the database fails; what was not sealed is sealed next time.
pub async fn seal(client: &mut Client) -> Result<()> {
    for tenant in waiting(client).await? {
        tenant::seal_events(client, tenant).await?;
    }
    Ok(())
}

/// The tenants that have events to seal.
async fn waiting(client: &mut Client) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
    let rows = transaction
        .query(
            "select distinct u.tenant_id
            from lms_private.unsealed_events as u
            where not exists (
              select from lms_private.relocated_tenants as a
              where a.tenant_id = u.tenant_id
            )",
            &[],
        )
        .await
        .map_err(explain)
        .context("cannot look for events to seal")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
