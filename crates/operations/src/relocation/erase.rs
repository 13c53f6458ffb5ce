//! Erasing the rows of a tenant that lives in another cell.
//! The checks before that live in `confirm`.

use anyhow::{Context, Result};
use database::explain;
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::tables::tenant_tables;

/// Erases every row of a tenant that lives in another cell, in a transaction with triggers disabled.
pub(super) async fn erase(transaction: &Transaction<'_>, tenant: Uuid) -> Result<u64> {
    transaction
        .execute(
            "-- relocation.allow_erasure
            update lms_private.relocated_tenants as a
            set erased_at = now()
            where a.tenant_id = $1",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    let mut rows = 0;
    for table in tenant_tables(transaction).await? {
        rows += transaction
            .execute(
                &format!(
                    "-- relocation.erase
                    delete from {}
                    where tenant_id = $1",
                    table.name
                ),
                &[&tenant],
            )
            .await
            .map_err(explain)
            .with_context(|| format!("cannot erase {}", table.name))?;
    }
    Ok(rows)
}
