//! The states that erasures have put in place of the original ones, and the proof that each erasure did what its event says.
//! A person is erased in `crate::privacy`.

use std::collections::HashMap;

use anyhow::Result;
use database::explain;
use futures::{StreamExt, pin_mut};
use sha2::{Digest, Sha256};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The redactions of a tenant's erasures.
pub(super) struct Redactions {
    tenant: Uuid,
    /// The position of each erasure's event; the largest possible one if it is not sealed yet.
    erasures: HashMap<Uuid, i64>,
}

impl Redactions {
    /// Loads the erasures. One without an event has no effect.
    pub(super) async fn load(transaction: &Transaction<'_>, tenant: Uuid) -> Result<Self> {
        let rows = transaction
            .query(
                "-- events.erasures
                select e.erasure_id, coalesce(l.position, 9223372036854775807)
                from (
                  select distinct r.erasure_id
                  from lms.event_redactions as r
                  where r.tenant_id = $1
                ) as e
                left join lateral (
                  select min(l.position) as position
                  from lms.event_log as l
                  where l.tenant_id = $1
                    and l.entity_id = e.erasure_id
                    and l.entity = 'erasures'
                    and l.state->>'redactions_hash' is not null
                ) as l
                  on true
                where l.position is not null
                  or exists (
                    select from lms_private.unsealed_events as u
                    where u.tenant_id = $1
                      and u.entity = 'erasures'
                      and u.entity_id = e.erasure_id
                  )",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
        Ok(Self {
            tenant,
            erasures: rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
        })
    }

    /// The hash of the state that the latest erasure left at each redacted position of a window.
    pub(super) async fn of_window(
        &self,
        transaction: &Transaction<'_>,
        after: i64,
        until: i64,
    ) -> Result<HashMap<i64, Vec<u8>>> {
        let mut latest: HashMap<i64, (i64, Vec<u8>)> = HashMap::new();
        if self.erasures.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = transaction
            .query(
                "-- events.redactions
                select r.position, r.erasure_id, r.state_hash
                from lms.event_redactions as r
                where r.tenant_id = $1
                  and r.position > $2
                  and r.position <= $3",
                &[&self.tenant, &after, &until],
            )
            .await
            .map_err(explain)?;
        for row in rows {
            let position: i64 = row.get(0);
            let Some(&erased) = self.erasures.get(&row.get::<_, Uuid>(1)) else {
                continue;
            };
            let known = latest.get(&position).map(|(erased, _)| *erased);
            if known.is_none_or(|known| erased >= known) {
                latest.insert(position, (erased, row.get(2)));
            }
        }
        Ok(latest
            .into_iter()
            .map(|(position, (_, hash))| (position, hash))
            .collect())
    }

    /// The hash of an erasure's redactions, as the text of a `bytea`.
    pub(super) async fn digest(
        transaction: &Transaction<'_>,
        tenant: Uuid,
        erasure: Uuid,
    ) -> Result<String> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&tenant, &erasure];
        let rows = transaction
            .query_raw(
                "-- events.redactions_of_erasure
                select r.position, r.state_hash
                from lms.event_redactions as r
                where r.tenant_id = $1
                  and r.erasure_id = $2
                order by r.position",
                parameters,
            )
            .await
            .map_err(explain)?;
        pin_mut!(rows);
        let mut digest = Sha256::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(explain)?;
            digest.update(row.get::<_, i64>(0).to_be_bytes());
            digest.update(row.get::<_, &[u8]>(1));
        }
        Ok(format!("\\x{}", hex::encode(digest.finalize())))
    }
}
