//! Hashes of a tenant's rows, which are equal in two databases exactly when the rows are.
//! The columns that are compared live in `tables`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use database::explain;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::tables::Table;

/// The number of rows that a table has of a tenant, and their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The number of rows.
    pub rows: i64,
    /// SHA-256 over the sorted SHA-256 of each row's text, in lower-case hex.
    pub sha256: String,
}

/// The SQL expression for the hash of the row with the alias `r`.
pub(super) fn row_hash(table: &Table) -> String {
    format!(
        "sha256(convert_to(row({})::text, 'UTF8'))",
        table.compared("r.")
    )
}

/// Hashes a tenant's rows of each table, in a transaction in the tenant's context.
pub(super) async fn all(
    transaction: &Transaction<'_>,
    tables: &[Table],
    tenant: Uuid,
) -> Result<BTreeMap<String, Digest>> {
    let mut digests = BTreeMap::new();
    for table in tables {
        let statement = format!(
            "-- relocation.digest
            select
              count(*),
              encode(sha256(coalesce(string_agg(h.hash, ''::bytea order by h.hash), ''::bytea)), 'hex')
            from (
              select {} as hash
              from {} as r
              where r.tenant_id = $1
            ) as h",
            row_hash(table),
            table.name
        );
        let row = transaction
            .query_one(&statement, &[&tenant])
            .await
            .map_err(explain)
            .with_context(|| format!("cannot hash {}", table.name))?;
        digests.insert(
            table.name.clone(),
            Digest {
                rows: row.get(0),
                sha256: row.get(1),
            },
        );
    }
    Ok(digests)
}
