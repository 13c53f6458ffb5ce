//! Sealing: committed events get their places in the chains of their tenants, within about a second.
//! The events of one tenant are sealed in `database::tenant`.
//!
//! No reader waits for this job, because a request that reads the log first seals the events that it can see. The job keeps the
//! number of unsealed events small.

use std::time::Duration;

use anyhow::{Context, Result};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST_ID;
use crate::metrics::JobMetrics;
use crate::periodic::{MAX_BACKOFF, run_periodically};

/// The wait before new events are looked for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Seals for ever. When the database cannot be reached, it tries again.
pub(crate) async fn run(database_url: &str) {
    let metrics = JobMetrics::new("events");
    run_periodically(&metrics, MAX_BACKOFF, || {
        seal_until_failure(database_url, &metrics)
    })
    .await;
}

async fn seal_until_failure(database_url: &str, metrics: &JobMetrics) -> Result<()> {
    let mut client = database::connect(database_url).await?;
    loop {
        metrics.measure(seal(&mut client)).await?;
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Seals all committed events, those of each tenant in a transaction of their own.
///
/// # Errors
///
/// When the database fails. Events that were not sealed are sealed the next time.
pub async fn seal(client: &mut Client) -> Result<()> {
    for tenant in unsealed(client).await? {
        tenant::seal_events(client, tenant).await?;
    }
    Ok(())
}

/// The tenants with events to seal.
async fn unsealed(client: &mut Client) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
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
