//! What is written down of a move in both databases, and the steps that write it: each is one transaction, and may be taken twice.

use anyhow::{Context, Result};
use database::{explain, tenant};
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

use super::REQUEST;
use super::cells::enter;
use super::erase::erase;
use super::receipt::Receipt;

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
                .context("lms_private.tenant_relocations has a receipt that can't be read")?,
        })
    }

    /// The move with an id.
    pub(super) async fn find(client: &Client, id: Uuid) -> Result<Option<Self>> {
        let row = client
            .query_opt(
                "-- moves.find
                select m.id, m.state, m.receipt::text
                from lms_private.tenant_relocations as m
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
                from lms_private.tenant_relocations as m
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
              select from lms_private.tenant_relocations as m
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
            from lms_private.relocated_tenants as a
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
    freeze(&transaction, receipt.tenant_id, &receipt.slug)
        .await
        .with_context(|| format!("{} is being moved already", receipt.slug))?;
    record(&transaction, &receipt, Direction::Out, "leaving").await?;
    transaction.commit().await.map_err(explain)?;
    Ok(Move {
        id: receipt.move_id,
        state: "leaving".to_owned(),
        receipt,
    })
}

/// The source: every event gets its place in the chain.
pub(crate) async fn seal(client: &mut Client, tenant: Uuid) -> Result<()> {
    tenant::seal(owned(client, tenant).await?).await
}

/// From the end of the transaction on a tenant of this cell is read only. Fails when it is so already.
pub(crate) async fn freeze(transaction: &Transaction<'_>, tenant: Uuid, slug: &str) -> Result<()> {
    transaction
        .execute(
            "-- moves.freeze
            insert into lms_private.relocated_tenants (tenant_id, slug, state)
            values ($1, $2, 'leaving')",
            &[&tenant, &slug],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// From the end of the transaction on a tenant that was read only can be written again.
pub(crate) async fn thaw(transaction: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    transaction
        .execute(
            "-- moves.thaw
            delete from lms_private.relocated_tenants as a
            where a.tenant_id = $1
              and a.state = 'leaving'",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// The target, in the transaction that copied: the tenant is there, and still lives where it came from.
pub(super) async fn arrive(transaction: &Transaction<'_>, out: &Move, home: &str) -> Result<Move> {
    transaction
        .execute(
            "-- moves.arrive
            insert into lms_private.relocated_tenants (tenant_id, slug, state, url)
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
                update lms_private.relocated_tenants as a
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
            update lms_private.relocated_tenants as a
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
            update lms_private.tenant_relocations as m
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
                delete from lms_private.relocated_tenants as a
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
    enter(&transaction, tenant, REQUEST, true).await?;
    transaction
        .execute(
            "-- moves.send_back
            update lms_private.relocated_tenants as a
            set
              state = 'elsewhere',
              url = $2
            where a.tenant_id = $1",
            &[&tenant, &home],
        )
        .await
        .map_err(explain)?;
    erase(&transaction, tenant).await?;
    drop_record(&transaction, out.id).await?;
    transaction.commit().await.map_err(explain)
}

/// The source: the tenant stays.
pub(super) async fn stay(client: &mut Client, out: &Move) -> Result<()> {
    let transaction = owned(client, out.receipt.tenant_id).await?;
    thaw(&transaction, out.receipt.tenant_id).await?;
    drop_record(&transaction, out.id).await?;
    transaction.commit().await.map_err(explain)
}

async fn drop_record(transaction: &Transaction<'_>, id: Uuid) -> Result<()> {
    transaction
        .execute(
            "-- moves.drop
            delete from lms_private.tenant_relocations as m
            where m.id = $1",
            &[&id],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn owned(client: &mut Client, tenant: Uuid) -> Result<Transaction<'_>> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST, false).await?;
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
            insert into lms_private.tenant_relocations (id, tenant_id, slug, direction, state, receipt)
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
            update lms_private.tenant_relocations as m
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
