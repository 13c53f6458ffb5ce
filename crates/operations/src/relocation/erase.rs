//! Erasing the rows of a tenant that lives in another cell.
//! The checks that must come first live in `confirm`.

use anyhow::{Context, Result};
use database::explain;
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::tables::of_tenants;

/// Erases every row of a tenant that lives elsewhere, in a transaction in which triggers rest.
pub(super) async fn erase(transaction: &Transaction<'_>, tenant: Uuid) -> Result<u64> {
    transaction
        .execute(
            "-- moves.forget
            update lms_private.relocated_tenants as a
            set erased_at = now()
            where a.tenant_id = $1",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    let mut rows = 0;
    for table in of_tenants(transaction).await? {
        rows += transaction
            .execute(
                &format!(
                    "-- moves.erase
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
