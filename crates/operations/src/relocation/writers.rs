//! Waiting for transactions that may still write to a tenant that has just become read-only.
//! Making a tenant read-only lives in `read_only`.

use std::time::Duration;

use anyhow::{Result, bail};
use database::explain;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

/// The time for which transactions from before the tenant became read-only may run on.
const WRITER_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until every transaction has ended that began before the tenant became read-only. Later ones cannot write.
pub(crate) async fn wait_for_writers(client: &Client) -> Result<()> {
    let running = client
        .query(
            "-- relocation.running
            select l.pid, l.virtualtransaction
            from pg_locks as l
            join pg_stat_activity as a
              on a.pid = l.pid
            where l.locktype = 'virtualxid'
              and l.virtualxid = l.virtualtransaction
              and a.datname = current_database()
              and l.pid <> pg_backend_pid()",
            &[],
        )
        .await
        .map_err(explain)?;
    let until = Instant::now() + WRITER_TIMEOUT;
    for row in &running {
        let (process, transaction): (i32, String) = (row.get(0), row.get(1));
        while is_running(client, &transaction).await? {
            if Instant::now() > until {
                bail!(
                    "a transaction of process {process} has been running for more than {} seconds: end it, and run this command again",
                    WRITER_TIMEOUT.as_secs()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn is_running(client: &Client, transaction: &str) -> Result<bool> {
    let row = client
        .query_opt(
            "-- relocation.is_running
            select
            from pg_locks as l
            where l.locktype = 'virtualxid'
              and l.virtualxid = $1
              and l.virtualtransaction = $1",
            &[&transaction],
        )
        .await
        .map_err(explain)?;
    Ok(row.is_some())
}
