//! The receipt of a relocation: the cells, the end of the chain, and the hashes of all tables.
//! Checking a receipt against both cells lives in `confirm`.

use std::collections::BTreeMap;

use anyhow::Result;
use database::explain;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::cells::{Cells, Identity, Options};
use super::digest::Digest;

/// A cell in a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellReference {
    /// Its name.
    pub name: String,
    /// Its retention class.
    pub retention_class: String,
    /// Its base URL.
    pub url: String,
}

/// The end of a tenant's chain of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The position of the last event.
    pub position: i64,
    /// Its hash, in lower-case hex.
    pub hash: String,
}

/// The receipt of a relocation: the tenant, the cells, and the hashes that were equal in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The id of the relocation.
    pub move_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// Its slug.
    pub slug: String,
    /// The source.
    pub from: CellReference,
    /// The target.
    pub to: CellReference,
    /// The end of its chain of events when it was copied.
    pub events: Head,
    /// The number of rows of each table, and their hash.
    pub tables: BTreeMap<String, Digest>,
}

impl Receipt {
    /// The receipt of a relocation that begins, before anything has been counted.
    pub(super) fn begin(
        id: Uuid,
        tenant: Uuid,
        slug: &str,
        cells: &Cells,
        options: &Options,
    ) -> Self {
        let reference = |cell: &Identity, url: &str| CellReference {
            name: cell.name.clone(),
            retention_class: cell.retention_class.clone(),
            url: url.to_owned(),
        };
        Self {
            move_id: id,
            tenant_id: tenant,
            slug: slug.to_owned(),
            from: reference(&cells.from_cell, &options.from.url),
            to: reference(&cells.to_cell, &options.to.url),
            events: Head::default(),
            tables: BTreeMap::new(),
        }
    }
}

impl Head {
    /// The end of the tenant's chain, as the transaction sees it.
    pub(super) async fn read(transaction: &Transaction<'_>, tenant: Uuid) -> Result<Self> {
        let row = transaction
            .query_opt(
                "-- relocation.head
                select h.position, encode(h.hash, 'hex')
                from lms.event_heads as h
                where h.tenant_id = $1",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
        Ok(row.map_or_else(Self::default, |row| Self {
            position: row.get(0),
            hash: row.get(1),
        }))
    }
}
