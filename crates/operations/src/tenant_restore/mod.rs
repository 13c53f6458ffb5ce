//! `lms tenant restore`: one tenant brought back to what it was at a time, through its events or from a restored cluster. The log goes on: what is
//! brought back is events too. Nobody else's rows are touched. docs/how-to/restore-a-tenant.md says what is brought back and what stays; how rows are written is in `rows`.

mod copy;
mod rows;

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use database::{explain, quote_name, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::events::replay::{self, Until};
use crate::relocation::{self, enter, has_move, seal, wait_for_writers};

pub use rows::STAYS;

/// What the event log calls the changes of a restoration.
const REQUEST: &str = "restore";

/// Where what was then is known from.
#[derive(Clone)]
pub enum Source {
    /// The tenant's own events until a time.
    Events(DateTime<Utc>),
    /// The rows of a cluster that was restored to the time: its address, which has a password.
    Cluster(String),
}

/// Which tenant, and what it is to be again.
#[derive(Clone)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// From where.
    pub source: Source,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Rows that are as they were then.
    pub changed: u64,
    /// Rows that had been removed for good, and are there again.
    pub made: u64,
    /// Rows that had not been there, and are deleted; they can be restored like all that is deleted.
    pub deleted: u64,
}

impl Display for Restored {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            changed,
            made,
            deleted,
        } = self;
        write!(
            out,
            "{changed} rows changed back, {made} made again, {deleted} deleted"
        )
    }
}

/// Brings a tenant back. A failure changes nothing; one that is interrupted leaves the tenant read only until it is run again.
///
/// # Errors
///
/// When there is no such tenant here, nothing is known of it then, the chain is broken, the restored cluster is of another cell or schema, or a
/// database refuses something.
pub async fn run(address: &str, options: &Options) -> Result<Restored> {
    let mut client = database::connect(address).await?;
    let slug = &options.tenant;
    let Some(tenant) = tenant::find(&client, slug).await? else {
        bail!("there is no tenant {slug:?} in this database");
    };
    ensure!(
        !has_move(&client, tenant).await?,
        "{slug} is being moved to another cell, or has moved: finish that first"
    );
    thaw(&mut client, tenant).await?;
    // Whatever happened before the time has been committed then, and is in the log.
    wait_for_writers(&client).await?;
    let schema = format!("restore_{}", Uuid::now_v7().simple());
    match &options.source {
        Source::Events(time) => {
            let rebuilt = replay::Options {
                tenant: slug.clone(),
                until: Until::Time(*time),
                schema: schema.clone(),
            };
            replay::run(address, &rebuilt).await?;
        }
        Source::Cluster(restored) => copy::run(&mut client, restored, tenant, &schema).await?,
    }
    let outcome = bring_back(&mut client, tenant, slug, &schema).await;
    let dropped = drop_schema(&client, &schema).await;
    if outcome.is_err() {
        // The first error is the one to report.
        let _ = thaw(&mut client, tenant).await;
    }
    let restored = outcome?;
    dropped?;
    Ok(restored)
}

async fn bring_back(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    schema: &str,
) -> Result<Restored> {
    let known = client
        .query_opt(&format!("select from {}.tenants", quote_name(schema)), &[])
        .await
        .map_err(explain)?;
    ensure!(
        known.is_some(),
        "nothing is known of {slug} then: it was made later"
    );
    freeze(client, tenant, slug).await?;
    wait_for_writers(client).await?;
    seal(client, tenant).await?;
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST, true).await?;
    let restored = rows::restore(&transaction, tenant, schema).await?;
    relocation::thaw(&transaction, tenant).await?;
    transaction.commit().await.map_err(explain)?;
    seal(client, tenant).await?;
    Ok(restored)
}

/// From now on the tenant is read only.
async fn freeze(client: &mut Client, tenant: Uuid, slug: &str) -> Result<()> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST, false).await?;
    relocation::freeze(&transaction, tenant, slug)
        .await
        .with_context(|| format!("{slug} is being restored or moved already"))?;
    transaction.commit().await.map_err(explain)
}

/// Lets the tenant be written again, after this or an interrupted restoration.
async fn thaw(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST, false).await?;
    relocation::thaw(&transaction, tenant).await?;
    transaction.commit().await.map_err(explain)
}

async fn drop_schema(client: &Client, schema: &str) -> Result<()> {
    client
        .batch_execute(&format!("drop schema {} cascade", quote_name(schema)))
        .await
        .map_err(explain)
        .with_context(|| format!("cannot drop the schema {schema}: drop it by hand"))
}
