//! What is written down of a move in both databases, and the steps that write it: each is one transaction, and may be taken twice.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

use super::cells::{Cells, Name, enter};
use super::digest::Digest;
use super::{Options, confirm};
use crate::database::explain;

/// How long transactions that began before the tenant became read only may go on.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Whether a move leads out of a database or into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Out,
    In,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// A move, as one of the two databases has it.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) id: Uuid,
    pub(super) state: String,
    pub(super) receipt: Receipt,
}

impl Move {
    fn new(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0),
            state: row.get(1),
            receipt: serde_json::from_str(&row.get::<_, String>(2))
                .context("lms_private.tenant_moves has a receipt that can't be read")?,
        })
    }

    /// The move with an id.
    pub(super) async fn find(client: &Client, id: Uuid) -> Result<Option<Self>> {
        let row = client
            .query_opt(
                "-- moves.find
                select m.id, m.state, m.receipt::text
                from lms_private.tenant_moves as m
                where m.id = $1",
                &[&id],
            )
            .await
            .map_err(explain)?;
        row.as_ref().map(Self::new).transpose()
    }

    /// The last move of the tenant with a slug in a direction, unless the source has been erased.
    pub(super) async fn under_way(
        client: &Client,
        direction: Direction,
        slug: &str,
    ) -> Result<Option<Self>> {
        let row = client
            .query_opt(
                "-- moves.under_way
                select m.id, m.state, m.receipt::text
                from lms_private.tenant_moves as m
                where m.slug = $1
                  and m.direction = $2
                  and m.state <> 'forgotten'
                order by m.started_at desc
                limit 1",
                &[&slug, &direction.name()],
            )
            .await
            .map_err(explain)?;
        row.as_ref().map(Self::new).transpose()
    }
}

/// Whether a tenant is on its way out of this cell or into it, or has left.
pub(crate) async fn has_move(client: &Client, tenant: Uuid) -> Result<bool> {
    let row = client
        .query_one(
            "-- moves.has_move
            select exists (
              select from lms_private.tenant_moves as m
              where m.tenant_id = $1
                and m.state in ('leaving', 'left', 'arrived', 'awaited')
            )",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// The URL where a tenant lives that has moved away.
pub(super) async fn home(client: &Client, tenant: Uuid) -> Result<Option<String>> {
    let row = client
        .query_opt(
            "-- moves.home
            select a.url
            from lms_private.tenants_away as a
            where a.tenant_id = $1
              and a.state = 'elsewhere'",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(row.map(|row| row.get(0)))
}

/// The source: from now on the tenant is read only.
pub(super) async fn begin(client: &mut Client, receipt: Receipt) -> Result<Move> {
    let transaction = owned(client, receipt.tenant_id).await?;
    transaction
        .execute(
            "-- moves.begin
            insert into lms_private.tenants_away (tenant_id, slug, state)
            values ($1, $2, 'leaving')",
            &[&receipt.tenant_id, &receipt.slug],
        )
        .await
        .map_err(explain)
        .with_context(|| format!("{} is being moved already", receipt.slug))?;
    record(&transaction, &receipt, Direction::Out, "leaving").await?;
    transaction.commit().await.map_err(explain)?;
    Ok(Move {
        id: receipt.move_id,
        state: "leaving".to_owned(),
        receipt,
    })
}

/// The source: until every transaction has ended that began before the tenant was read only. What begins later can't write.
pub(crate) async fn wait_for_writers(client: &Client) -> Result<()> {
    let running = client
        .query(
            "-- moves.running
            select l.pid, l.virtualtransaction
            from pg_locks as l
            join pg_stat_activity as a
              on a.pid = l.pid
            where l.locktype = 'virtualxid'
              and l.virtualxid = l.virtualtransaction
              and a.datname = current_database()
              and l.pid <> pg_backend_pid()",
            &[],
        )
        .await
        .map_err(explain)?;
    let until = Instant::now() + PATIENCE;
    for row in &running {
        let (process, transaction): (i32, String) = (row.get(0), row.get(1));
        while is_running(client, &transaction).await? {
            if Instant::now() > until {
                bail!(
                    "a transaction of process {process} has gone on for more than {} seconds: end it, and run this again",
                    PATIENCE.as_secs()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn is_running(client: &Client, transaction: &str) -> Result<bool> {
    let row = client
        .query_opt(
            "-- moves.is_running
            select
            from pg_locks as l
            where l.locktype = 'virtualxid'
              and l.virtualxid = $1
              and l.virtualtransaction = $1",
            &[&transaction],
        )
        .await
        .map_err(explain)?;
    Ok(row.is_some())
}

/// The source: every event gets its place in the chain.
pub(crate) async fn seal(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = owned(client, tenant).await?;
    transaction
        .execute("select lms.seal_events()", &[])
        .await
        .map_err(explain)
        .context("cannot seal the events")?;
    transaction.commit().await.map_err(explain)
}

/// The target, in the transaction that copied: the tenant is there, and still lives where it came from.
pub(super) async fn arrive(transaction: &Transaction<'_>, out: &Move, home: &str) -> Result<Move> {
    transaction
        .execute(
            "-- moves.arrive
            insert into lms_private.tenants_away (tenant_id, slug, state, url)
            values ($1, $2, 'elsewhere', $3)
            on conflict (tenant_id) do update
            set
              slug = excluded.slug,
              state = excluded.state,
              url = excluded.url",
            &[&out.receipt.tenant_id, &out.receipt.slug, &home],
        )
        .await
        .map_err(explain)?;
    record(transaction, &out.receipt, Direction::In, "arrived").await?;
    Ok(Move {
        id: out.id,
        state: "arrived".to_owned(),
        receipt: out.receipt.clone(),
    })
}

/// The target: no longer sends anybody back, for the tenant is about to live here.
pub(super) async fn close(client: &mut Client, out: &Move) -> Result<()> {
    let transaction = owned(client, out.receipt.tenant_id).await?;
    if advance(&transaction, out, "arrived", "awaited").await? {
        transaction
            .execute(
                "-- moves.close
                update lms_private.tenants_away as a
                set
                  state = 'closed',
                  url = null
                where a.tenant_id = $1",
                &[&out.receipt.tenant_id],
            )
            .await
            .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)
}

/// The source: the tenant has left. This is the switch.
pub(super) async fn leave(client: &mut Client, out: &mut Move) -> Result<()> {
    let transaction = owned(client, out.receipt.tenant_id).await?;
    transaction
        .execute(
            "-- moves.leave
            update lms_private.tenants_away as a
            set
              state = 'elsewhere',
              url = $2
            where a.tenant_id = $1
              and a.state = 'leaving'",
            &[&out.receipt.tenant_id, &out.receipt.to.url],
        )
        .await
        .map_err(explain)?;
    transaction
        .execute(
            "-- moves.keep_receipt
            update lms_private.tenant_moves as m
            set receipt = $2::text::jsonb
            where m.id = $1",
            &[&out.id, &serde_json::to_string(&out.receipt)?],
        )
        .await
        .map_err(explain)?;
    advance(&transaction, out, "leaving", "left").await?;
    transaction.commit().await.map_err(explain)?;
    "left".clone_into(&mut out.state);
    Ok(())
}

/// The target: the tenant lives here from now on, and its log says so.
pub(super) async fn serve(client: &mut Client, out: &Move) -> Result<()> {
    let tenant = out.receipt.tenant_id;
    let transaction = owned(client, tenant).await?;
    if advance(&transaction, out, "awaited", "served").await? {
        transaction
            .execute(
                "-- moves.serve
                delete from lms_private.tenants_away as a
                where a.tenant_id = $1",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
        // Its row says another region or class than the last event of it: the next event tells.
        transaction
            .execute(
                "-- moves.tell
                update lms.tenants as t
                set settings = t.settings
                where t.tenant_id = $1",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)
}

/// The target: erases what has arrived. It goes on sending everybody to where the tenant lives.
pub(super) async fn send_back(client: &mut Client, out: &Move, home: &str) -> Result<()> {
    let tenant = out.receipt.tenant_id;
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, true).await?;
    transaction
        .execute(
            "-- moves.send_back
            update lms_private.tenants_away as a
            set
              state = 'elsewhere',
              url = $2
            where a.tenant_id = $1",
            &[&tenant, &home],
        )
        .await
        .map_err(explain)?;
    confirm::erase(&transaction, tenant).await?;
    drop_record(&transaction, out.id).await?;
    transaction.commit().await.map_err(explain)
}

/// The source: the tenant stays.
pub(super) async fn stay(client: &mut Client, out: &Move) -> Result<()> {
    let transaction = owned(client, out.receipt.tenant_id).await?;
    transaction
        .execute(
            "-- moves.stay
            delete from lms_private.tenants_away as a
            where a.tenant_id = $1
              and a.state = 'leaving'",
            &[&out.receipt.tenant_id],
        )
        .await
        .map_err(explain)?;
    drop_record(&transaction, out.id).await?;
    transaction.commit().await.map_err(explain)
}

async fn drop_record(transaction: &Transaction<'_>, id: Uuid) -> Result<()> {
    transaction
        .execute(
            "-- moves.drop
            delete from lms_private.tenant_moves as m
            where m.id = $1",
            &[&id],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn owned(client: &mut Client, tenant: Uuid) -> Result<Transaction<'_>> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, false).await?;
    Ok(transaction)
}

async fn record(
    transaction: &Transaction<'_>,
    receipt: &Receipt,
    direction: Direction,
    state: &str,
) -> Result<()> {
    transaction
        .execute(
            "-- moves.record
            insert into lms_private.tenant_moves (id, tenant_id, slug, direction, state, receipt)
            values ($1, $2, $3, $4, $5, $6::text::jsonb)",
            &[
                &receipt.move_id,
                &receipt.tenant_id,
                &receipt.slug,
                &direction.name(),
                &state,
                &serde_json::to_string(receipt)?,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Whether the move was in a state, from which it has now gone on to the next.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    out: &Move,
    from: &str,
    to: &str,
) -> Result<bool> {
    let count = transaction
        .execute(
            "-- moves.advance
            update lms_private.tenant_moves as m
            set
              state = $3,
              changed_at = now()
            where m.id = $1
              and m.state = $2",
            &[&out.id, &from, &to],
        )
        .await
        .map_err(explain)?;
    Ok(count == 1)
}
