//! Reading the log of a tenant in windows of positions, with one event at a time in memory.
//! The events are checked in `chain`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::explain;
use futures::{Stream, StreamExt, pin_mut};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};
use uuid::Uuid;

use super::chain::{Break, Event, Fault, Walk, ZERO_HASH};
use super::redactions::Redactions;

/// The number of positions in a window.
pub(super) const POSITIONS_PER_WINDOW: i64 = 10_000;

/// The log of a tenant, as seen by a transaction in its context.
pub(super) struct Log<'a> {
    transaction: &'a Transaction<'a>,
    tenant: Uuid,
    window: Statement,
    redactions: Redactions,
}

/// The end of the chain in `event_heads`.
pub(super) struct Head {
    pub(super) position: i64,
    pub(super) hash: Vec<u8>,
}

/// The part of a log up to a time.
pub(super) struct UntilTime {
    /// The last position; none when every event is later.
    pub(super) position: Option<i64>,
    /// The time of the earliest event of the whole log, if there is one.
    pub(super) first: Option<DateTime<Utc>>,
}

impl<'a> Log<'a> {
    /// Prepares for reading.
    pub(super) async fn open(transaction: &'a Transaction<'a>, tenant: Uuid) -> Result<Self> {
        let window = transaction
            .prepare(
                "-- events.window
                select
                  l.tenant_id, l.position, l.id, l.entity, l.entity_id, l.kind, l.actor, l.request_id, l.at,
                  l.created_at, l.updated_at, l.created_by, l.updated_by, l.deleted_at, l.version,
                  l.state::text, l.salt, l.state_hash, l.previous_hash, l.hash,
                  case l.entity when 'erasures' then l.state->>'redactions_hash' end
                from lms.event_log as l
                where l.tenant_id = $1
                  and l.position > $2
                  and l.position <= $3
                order by l.position",
            )
            .await
            .map_err(explain)
            .context("the database lacks the event log: run `lms migrate`")?;
        Ok(Self {
            transaction,
            tenant,
            window,
            redactions: Redactions::load(transaction, tenant).await?,
        })
    }

    /// The end of the chain in `event_heads`; position 0 for a tenant without events.
    pub(super) async fn head(&self) -> Result<Head> {
        let row = self
            .transaction
            .query_opt(
                "-- events.head
                select h.position, h.hash
                from lms.event_heads as h
                where h.tenant_id = $1",
                &[&self.tenant],
            )
            .await
            .map_err(explain)?;
        Ok(match row {
            Some(row) => Head {
                position: row.get(0),
                hash: row.get(1),
            },
            None => Head {
                position: 0,
                hash: ZERO_HASH.to_vec(),
            },
        })
    }

    /// The last position up to a time. Events before that position may be later, because positions are given in the order of commits.
    pub(super) async fn until(&self, time: DateTime<Utc>) -> Result<UntilTime> {
        let row = self
            .transaction
            .query_one(
                "-- events.until
                select
                  max(l.position) filter (where l.at <= $2),
                  min(l.at)
                from lms.event_log as l
                where l.tenant_id = $1",
                &[&self.tenant, &time],
            )
            .await
            .map_err(explain)?;
        Ok(UntilTime {
            position: row.get(0),
            first: row.get(1),
        })
    }

    /// The largest position in the log.
    pub(super) async fn last(&self) -> Result<i64> {
        let row = self
            .transaction
            .query_one(
                "-- events.last
                select coalesce(max(l.position), 0)
                from lms.event_log as l
                where l.tenant_id = $1",
                &[&self.tenant],
            )
            .await
            .map_err(explain)?;
        Ok(row.get(0))
    }

    /// The events after `after` up to `until`.
    async fn events(&self, after: i64, until: i64) -> Result<impl Stream<Item = Result<Event>>> {
        let parameters: [&(dyn ToSql + Sync); 3] = [&self.tenant, &after, &until];
        let rows = self
            .transaction
            .query_raw(&self.window, parameters)
            .await
            .map_err(explain)?;
        Ok(rows.map(|row| event(&row.map_err(explain)?)))
    }

    /// Continues a walk to a position, and passes each intact event to `visit`. Returns the break, if there is one.
    pub(super) async fn walk(
        &self,
        walk: &mut Walk,
        until: i64,
        mut visit: impl FnMut(&Event) -> Result<()>,
    ) -> Result<Option<Break>> {
        // The first window also reads events before the first position, where there must be none.
        let after = match walk.reached() {
            0 => i64::MIN,
            reached => reached,
        };
        let redacted = self
            .redactions
            .of_window(self.transaction, after, until)
            .await?;
        let mut erasures = Vec::new();
        let mut broken = None;
        let events = self.events(after, until).await?;
        pin_mut!(events);
        while let Some(event) = events.next().await {
            let event = event?;
            let replaced = redacted.get(&event.position).map(Vec::as_slice);
            if let Err(found) = walk.step(&event, replaced) {
                broken = Some(found);
                break;
            }
            if let Some(digest) = &event.redactions_hash {
                erasures.push((event.position, event.entity_id, digest.clone()));
            }
            visit(&event)?;
        }
        for (position, erasure, digest) in erasures {
            if Redactions::digest(self.transaction, self.tenant, erasure).await? != digest {
                let fault = Fault::Redactions;
                return Ok(Some(Break { position, fault }));
            }
        }
        if broken.is_none() && walk.reached() < until {
            broken = Some(Break {
                position: walk.reached() + 1,
                fault: Fault::Missing,
            });
        }
        Ok(broken)
    }
}

fn event(row: &Row) -> Result<Event> {
    let read = || -> Result<Event, tokio_postgres::Error> {
        Ok(Event {
            tenant_id: row.try_get(0)?,
            position: row.try_get(1)?,
            id: row.try_get(2)?,
            entity: row.try_get(3)?,
            entity_id: row.try_get(4)?,
            kind: row.try_get(5)?,
            actor: row.try_get(6)?,
            request_id: row.try_get(7)?,
            at: row.try_get(8)?,
            created_at: row.try_get(9)?,
            updated_at: row.try_get(10)?,
            created_by: row.try_get(11)?,
            updated_by: row.try_get(12)?,
            deleted_at: row.try_get(13)?,
            version: row.try_get(14)?,
            state: row.try_get(15)?,
            salt: row.try_get(16)?,
            state_hash: row.try_get(17)?,
            previous_hash: row.try_get(18)?,
            hash: row.try_get(19)?,
            redactions_hash: row.try_get(20)?,
        })
    };
    read().context("the event log has unexpected columns")
}
