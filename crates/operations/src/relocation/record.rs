//! The record of a relocation in each of the two databases: reading it, writing it, and advancing its state.
//! The steps that do so live in `steps`; the states live in `state`.

use anyhow::{Context, Result};
use database::explain;
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

use super::receipt::Receipt;
use super::state::{Direction, RelocationState};

/// A relocation, as one of the two databases records it.
#[derive(Clone, Debug)]
pub(super) struct Relocation {
    pub(super) id: Uuid,
    pub(super) state: RelocationState,
    pub(super) receipt: Receipt,
}

impl Relocation {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0),
            state: RelocationState::parse(row.get(1))?,
            receipt: serde_json::from_str(row.get(2))
                .context("lms_private.tenant_relocations has a receipt that cannot be read")?,
        })
    }

    /// The relocation with an id.
    pub(super) async fn find(client: &Client, id: Uuid) -> Result<Option<Self>> {
        let row = client
            .query_opt(
                "-- relocation.find
                select m.id, m.state, m.receipt::text
                from lms_private.tenant_relocations as m
                where m.id = $1",
                &[&id],
            )
            .await
            .map_err(explain)?;
        row.as_ref().map(Self::read).transpose()
    }

    /// The last relocation in a direction of the tenant with a slug, unless the source has been erased.
    pub(super) async fn last(
        client: &Client,
        direction: Direction,
        slug: &str,
    ) -> Result<Option<Self>> {
        let row = client
            .query_opt(
                "-- relocation.last
                select m.id, m.state, m.receipt::text
                from lms_private.tenant_relocations as m
                where m.slug = $1
                  and m.direction = $2
                  and m.state <> $3
                order by m.started_at desc
                limit 1",
                &[
                    &slug,
                    &direction.name(),
                    &RelocationState::SourceErased.name(),
                ],
            )
            .await
            .map_err(explain)?;
        row.as_ref().map(Self::read).transpose()
    }
}

/// Returns whether a tenant is being relocated out of this cell or into it, or has been relocated.
pub(crate) async fn has_relocation(client: &Client, tenant: Uuid) -> Result<bool> {
    let states = [
        RelocationState::SourceReadOnly,
        RelocationState::Switched,
        RelocationState::Copied,
        RelocationState::TargetReady,
    ]
    .map(RelocationState::name);
    let row = client
        .query_one(
            "-- relocation.has_relocation
            select exists (
              select from lms_private.tenant_relocations as m
              where m.tenant_id = $1
                and m.state = any ($2)
            )",
            &[&tenant, &states.as_slice()],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// Records a relocation in its first state in a database.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    receipt: Receipt,
    state: RelocationState,
) -> Result<Relocation> {
    transaction
        .execute(
            "-- relocation.insert
            insert into lms_private.tenant_relocations (id, tenant_id, slug, direction, state, receipt)
            values ($1, $2, $3, $4, $5, $6::text::jsonb)",
            &[
                &receipt.move_id,
                &receipt.tenant_id,
                &receipt.slug,
                &state.direction().name(),
                &state.name(),
                &serde_json::to_string(&receipt)?,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(Relocation {
        id: receipt.move_id,
        state,
        receipt,
    })
}

/// Replaces the receipt, once everything has been counted.
pub(super) async fn update_receipt(
    transaction: &Transaction<'_>,
    relocation: &Relocation,
) -> Result<()> {
    transaction
        .execute(
            "-- relocation.update_receipt
            update lms_private.tenant_relocations as m
            set receipt = $2::text::jsonb
            where m.id = $1",
            &[&relocation.id, &serde_json::to_string(&relocation.receipt)?],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Advances a relocation from one state to the next. Returns false when it was not in the first one.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    relocation: Uuid,
    from: RelocationState,
    to: RelocationState,
) -> Result<bool> {
    let count = transaction
        .execute(
            "-- relocation.advance
            update lms_private.tenant_relocations as m
            set
              state = $3,
              changed_at = now()
            where m.id = $1
              and m.state = $2",
            &[&relocation, &from.name(), &to.name()],
        )
        .await
        .map_err(explain)?;
    Ok(count == 1)
}

/// Deletes the record of a cancelled relocation.
pub(super) async fn delete(transaction: &Transaction<'_>, relocation: Uuid) -> Result<()> {
    transaction
        .execute(
            "-- relocation.delete
            delete from lms_private.tenant_relocations as m
            where m.id = $1",
            &[&relocation],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
