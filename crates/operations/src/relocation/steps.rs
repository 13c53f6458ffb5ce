//! The steps of a relocation at its source and at its target. Each is one transaction, and may be repeated.
//! Their order lives in the parent module; copying rows lives in `copy`.

use anyhow::{Context, Result};
use database::{explain, tenant};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::cells::{REQUEST_ID, enter};
use super::erase::erase;
use super::read_only::{clear_read_only, set_read_only};
use super::receipt::Receipt;
use super::record::{self, Relocation};
use super::state::RelocationState;

/// At the source: makes the tenant read-only.
pub(super) async fn begin(client: &mut Client, receipt: Receipt) -> Result<Relocation> {
    let transaction = begin_transaction(client, receipt.tenant_id).await?;
    set_read_only(&transaction, receipt.tenant_id, &receipt.slug)
        .await
        .with_context(|| format!("{} is being relocated already", receipt.slug))?;
    let relocation = record::insert(&transaction, receipt, RelocationState::SourceReadOnly).await?;
    transaction.commit().await.map_err(explain)?;
    Ok(relocation)
}

/// At the source: gives every event its place in the chain.
pub(crate) async fn seal(client: &mut Client, tenant: Uuid) -> Result<()> {
    tenant::seal(begin_transaction(client, tenant).await?).await
}

/// At the target, in the transaction that has copied the rows: redirects clients to the source, where the tenant still lives.
pub(super) async fn record_copy(
    transaction: &Transaction<'_>,
    relocation: &Relocation,
    source_url: &str,
) -> Result<Relocation> {
    let receipt = relocation.receipt.clone();
    transaction
        .execute(
            "-- relocation.record_copy
            insert into lms_private.relocated_tenants (tenant_id, slug, state, url)
            values ($1, $2, 'elsewhere', $3)
            on conflict (tenant_id) do update
            set
              slug = excluded.slug,
              state = excluded.state,
              url = excluded.url",
            &[&receipt.tenant_id, &receipt.slug, &source_url],
        )
        .await
        .map_err(explain)?;
    record::insert(transaction, receipt, RelocationState::Copied).await
}

/// At the target: stops redirecting clients to the source, because the tenant is about to live here.
pub(super) async fn make_target_ready(client: &mut Client, relocation: &Relocation) -> Result<()> {
    let tenant = relocation.receipt.tenant_id;
    let transaction = begin_transaction(client, tenant).await?;
    let has_advanced = record::advance(
        &transaction,
        relocation.id,
        RelocationState::Copied,
        RelocationState::TargetReady,
    )
    .await?;
    if has_advanced {
        transaction
            .execute(
                "-- relocation.make_target_ready
                update lms_private.relocated_tenants as a
                set
                  state = 'closed',
                  url = null
                where a.tenant_id = $1",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)
}

/// At the source: redirects clients to the target. From its commit on the tenant lives there.
pub(super) async fn switch(client: &mut Client, relocation: &mut Relocation) -> Result<()> {
    let receipt = &relocation.receipt;
    let transaction = begin_transaction(client, receipt.tenant_id).await?;
    transaction
        .execute(
            "-- relocation.switch
            update lms_private.relocated_tenants as a
            set
              state = 'elsewhere',
              url = $2
            where a.tenant_id = $1
              and a.state = 'leaving'",
            &[&receipt.tenant_id, &receipt.to.url],
        )
        .await
        .map_err(explain)?;
    record::update_receipt(&transaction, relocation).await?;
    record::advance(
        &transaction,
        relocation.id,
        RelocationState::SourceReadOnly,
        RelocationState::Switched,
    )
    .await?;
    transaction.commit().await.map_err(explain)?;
    relocation.state = RelocationState::Switched;
    Ok(())
}

/// At the target: serves the tenant from now on, and records this in its event log.
pub(super) async fn activate(client: &mut Client, relocation: &Relocation) -> Result<()> {
    let tenant = relocation.receipt.tenant_id;
    let transaction = begin_transaction(client, tenant).await?;
    let has_advanced = record::advance(
        &transaction,
        relocation.id,
        RelocationState::TargetReady,
        RelocationState::Active,
    )
    .await?;
    if has_advanced {
        transaction
            .execute(
                "-- relocation.activate
                delete from lms_private.relocated_tenants as a
                where a.tenant_id = $1",
                &[&tenant],
            )
            .await
            .map_err(explain)?;
        // The tenant's row has another region or class than its last event. This update causes an event with the new ones.
        transaction
            .execute(
                "-- relocation.record_region
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

/// At the target: erases the copy of a cancelled relocation, and goes on redirecting clients to the source.
pub(super) async fn discard_copy(
    client: &mut Client,
    relocation: &Relocation,
    source_url: &str,
) -> Result<()> {
    let tenant = relocation.receipt.tenant_id;
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST_ID, true).await?;
    transaction
        .execute(
            "-- relocation.discard_copy
            update lms_private.relocated_tenants as a
            set
              state = 'elsewhere',
              url = $2
            where a.tenant_id = $1",
            &[&tenant, &source_url],
        )
        .await
        .map_err(explain)?;
    erase(&transaction, tenant).await?;
    record::delete(&transaction, relocation.id).await?;
    transaction.commit().await.map_err(explain)
}

/// At the source: allows writes again after a cancelled relocation.
pub(super) async fn cancel(client: &mut Client, relocation: &Relocation) -> Result<()> {
    let transaction = begin_transaction(client, relocation.receipt.tenant_id).await?;
    clear_read_only(&transaction, relocation.receipt.tenant_id).await?;
    record::delete(&transaction, relocation.id).await?;
    transaction.commit().await.map_err(explain)
}

async fn begin_transaction(client: &mut Client, tenant: Uuid) -> Result<Transaction<'_>> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, REQUEST_ID, false).await?;
    Ok(transaction)
}
