//! Reminding people of loans that are overdue: it is written down when, and a trigger tells them.

use anyhow::Result;
use chrono::{DateTime, Utc};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST;
use crate::database::explain;
use crate::tenant;

/// Reminds of the loans of an active tenant whose last day has passed at their centre, each once. How many they were.
pub(super) async fn remind(client: &mut Client, tenant: Uuid, now: DateTime<Utc>) -> Result<u64> {
    let transaction = tenant::begin(client, tenant, REQUEST).await?;
    tenant::take_turn(&transaction, tenant).await?;
    // The first comparison is for the index: no day has passed anywhere that has not passed in the first zone.
    let count = transaction
        .execute(
            "update lms.inventory_loans as l
            set reminded_at = $2
            from lms.inventory as i, lms.centres as c, lms.tenants as t
            where l.tenant_id = $1
              and l.due_on < (($2::timestamptz + interval '14 hours') at time zone 'UTC')::date
              and l.returned_at is null
              and l.reminded_at is null
              and l.deleted_at is null
              and i.tenant_id = l.tenant_id
              and i.id = l.inventory_id
              and c.tenant_id = i.tenant_id
              and c.id = i.centre_id
              and l.due_on < ($2::timestamptz at time zone c.time_zone)::date
              and t.tenant_id = l.tenant_id
              and t.status = 'active'
              and t.deleted_at is null",
            &[&tenant, &now],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(count)
}
