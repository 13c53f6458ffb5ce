//! What a move leaves behind, and how a receipt names cells and the end of a chain.

use std::collections::BTreeMap;

use anyhow::Result;
use database::explain;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::Options;
use super::cells::{Cells, Name};
use super::digest::Digest;

/// A cell, as a receipt names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// How long it keeps backups.
    pub retention_class: String,
    /// Its base URL.
    pub url: String,
}

/// Where a tenant's chain of events ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The last event's position.
    pub position: i64,
    /// Its hash, in lower-case hex.
    pub hash: String,
}

/// What a move leaves behind: who, from where to where, and the hashes that were the same at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The move.
    pub move_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// Its slug.
    pub slug: String,
    /// The cell that it left.
    pub from: Place,
    /// The cell where it lives.
    pub to: Place,
    /// Where its chain of events ended when it left.
    pub events: Head,
    /// How many rows of each table there were, and their hash.
    pub tables: BTreeMap<String, Digest>,
}

impl Receipt {
    /// That of a move which begins: nothing has been counted yet.
    pub(super) fn begin(
        id: Uuid,
        tenant: Uuid,
        slug: &str,
        cells: &Cells,
        options: &Options,
    ) -> Self {
        let place = |name: &Name, url: &str| Place {
            name: name.name.clone(),
            retention_class: name.retention.clone(),
            url: url.to_owned(),
        };
        Self {
            move_id: id,
            tenant_id: tenant,
            slug: slug.to_owned(),
            from: place(&cells.from_name, &options.from.url),
            to: place(&cells.to_name, &options.to.url),
            events: Head::default(),
            tables: BTreeMap::new(),
        }
    }
}

impl Head {
    /// Where the tenant's chain ends, as the transaction sees it.
    pub(super) async fn read(transaction: &Transaction<'_>, tenant: Uuid) -> Result<Self> {
        let row = transaction
            .query_opt(
                "-- moves.head
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
