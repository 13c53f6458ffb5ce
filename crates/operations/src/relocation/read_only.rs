//! The directory entry that makes a tenant read-only while it is relocated or restored, or that names its new home.
//! The effect of an entry on requests lives in the schema, in `migrations/baseline/19_relocation`.

use anyhow::Result;
use database::explain;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

/// Makes a tenant of this cell read-only from the end of the transaction on. Fails when it is so already.
pub(crate) async fn set_read_only(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    slug: &str,
) -> Result<()> {
    transaction
        .execute(
            "-- relocation.set_read_only
            insert into lms_private.relocated_tenants (tenant_id, slug, state)
            values ($1, $2, 'leaving')",
            &[&tenant, &slug],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Allows writes to a read-only tenant again, from the end of the transaction on.
pub(crate) async fn clear_read_only(transaction: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    transaction
        .execute(
            "-- relocation.clear_read_only
            delete from lms_private.relocated_tenants as a
            where a.tenant_id = $1
              and a.state = 'leaving'",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// The URL of the cell in which a relocated tenant lives.
pub(super) async fn new_home(client: &Client, tenant: Uuid) -> Result<Option<String>> {
    let row = client
        .query_opt(
            "-- relocation.new_home
            select a.url
            from lms_private.relocated_tenants as a
            where a.tenant_id = $1
              and a.state = 'elsewhere'",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(row.map(|row| row.get(0)))
}
