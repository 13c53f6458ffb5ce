//! Restoring one tenant to a time (`lms tenant restore`), from its events or from a restored cluster. Other tenants are not affected, and
//! every restored row is an event of its own in the log. docs/how-to/restore-a-tenant.md says what is restored.
//! The rows are written in `rows`.

mod copy;
mod rows;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use database::{explain, quote_name, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::events::replay::{self, Until};
use crate::relocation::{self, enter, has_relocation, seal, wait_for_writers};
use rows::REQUEST_ID;

pub use rows::{NOT_RESTORED, Restored};

/// The source of the former rows.
#[derive(Clone)]
pub enum Source {
    /// The tenant's events up to a time.
    Events(DateTime<Utc>),
    /// The URL, with its password, of a cluster that was restored to the time.
    Cluster(String),
}

/// The tenant, and the source from which it is restored.
#[derive(Clone)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// The source.
    pub source: Source,
}

/// Restores a tenant. A failure changes nothing. An interruption leaves the tenant read-only until the command is run again.
///
/// # Errors
///
/// When there is no such tenant, it did not exist at that time, the chain is broken, the restored cluster is of another cell or schema, or a
/// database rejects a statement.
pub async fn run(database_url: &str, options: &Options) -> Result<Restored> {
    let mut client = database::connect(database_url).await?;
    let slug = &options.tenant;
    let Some(tenant) = tenant::find(&client, slug).await? else {
        bail!("there is no tenant {slug:?} in this database");
    };
    ensure!(
        !has_relocation(&client, tenant).await?,
        "{slug} is being relocated or has been relocated: finish that first"
    );
    clear_read_only(&mut client, tenant).await?;
    // After this wait, everything that happened before the time is committed and in the log.
    wait_for_writers(&client).await?;
    let schema = format!("restore_{}", Uuid::now_v7().simple());
    match &options.source {
        Source::Events(time) => {
            let rebuilt = replay::Options {
                tenant: slug.clone(),
                until: Until::Time(*time),
                schema: schema.clone(),
            };
            replay::run(database_url, &rebuilt).await?;
        }
        Source::Cluster(restored) => copy::run(&mut client, restored, tenant, &schema).await?,
    }
    let outcome = restore(&mut client, tenant, slug, &schema).await;
    let dropped = drop_schema(&client, &schema).await;
    if outcome.is_err() {
        // The first error is the one to report.
        let _ = clear_read_only(&mut client, tenant).await;
    }
    let restored = outcome?;
    dropped?;
    Ok(restored)
}

async fn restore(client: &mut Client, tenant: Uuid, slug: &str, schema: &str) -> Result<Restored> {
    let known = client
        .query_opt(&format!("select from {}.tenants", quote_name(schema)), &[])
        .await
        .map_err(explain)?;
    ensure!(
        known.is_some(),
        "{slug} did not exist at that time: it was created later"
    );
    set_read_only(client, tenant, slug).await?;
    wait_for_writers(client).await?;
    seal(client, tenant).await?;
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST_ID, true).await?;
    let restored = rows::restore(&transaction, tenant, schema).await?;
    relocation::clear_read_only(&transaction, tenant).await?;
    transaction.commit().await.map_err(explain)?;
    seal(client, tenant).await?;
    Ok(restored)
}

/// Makes the tenant read-only.
async fn set_read_only(client: &mut Client, tenant: Uuid, slug: &str) -> Result<()> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST_ID, false).await?;
    relocation::set_read_only(&transaction, tenant, slug)
        .await
        .with_context(|| format!("{slug} is already being restored or relocated"))?;
    transaction.commit().await.map_err(explain)
}

/// Allows writes to the tenant again, after this or an interrupted restore.
async fn clear_read_only(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST_ID, false).await?;
    relocation::clear_read_only(&transaction, tenant).await?;
    transaction.commit().await.map_err(explain)
}

async fn drop_schema(client: &Client, schema: &str) -> Result<()> {
    client
        .batch_execute(&format!("drop schema {} cascade", quote_name(schema)))
        .await
        .map_err(explain)
        .with_context(|| format!("cannot drop the schema {schema}: drop it manually"))
}
