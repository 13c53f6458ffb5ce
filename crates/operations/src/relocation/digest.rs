//! Hashes of a tenant's rows, the same in two databases exactly when the rows are.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use database::explain;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::tables::Table;

/// How many rows a table has of a tenant, and their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// How many.
    pub rows: i64,
    /// SHA-256 over the sorted SHA-256 of each row's text, in lower-case hex.
    pub sha256: String,
}

/// A row's hash as SQL, of the alias `r`.
pub(super) fn of_row(table: &Table) -> String {
    format!(
        "sha256(convert_to(row({})::text, 'UTF8'))",
        table.compared("r.")
    )
}

/// Hashes a tenant's rows of each table, in a transaction of the tenant's context.
pub(super) async fn all(
    transaction: &Transaction<'_>,
    tables: &[Table],
    tenant: Uuid,
) -> Result<BTreeMap<String, Digest>> {
    let mut digests = BTreeMap::new();
    for table in tables {
        let statement = format!(
            "-- moves.digest
            select
              count(*),
              encode(sha256(coalesce(string_agg(h.hash, ''::bytea order by h.hash), ''::bytea)), 'hex')
            from (
              select {} as hash
              from {} as r
              where r.tenant_id = $1
            ) as h",
            of_row(table),
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
