//! Reminding people of overdue loans: the time is recorded, and a trigger notifies them.
//! The text of the reminder lives with the kinds of notifications in the database.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST_ID;

/// Reminds once of each loan of an active tenant whose last day has passed at its centre. Returns their number.
pub(crate) async fn remind(client: &mut Client, tenant: Uuid, now: DateTime<Utc>) -> Result<u64> {
    let loans = overdue(client, tenant, now).await?;
    if loans.is_empty() {
        return Ok(0);
    }
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    tenant::serialize_writers(&transaction, tenant).await?;
    let count = transaction
        .execute(
            "update lms.inventory_loans as l
            set reminded_at = $3
            where l.tenant_id = $1
              and l.id = any ($2)
              and l.returned_at is null
              and l.reminded_at is null
              and l.deleted_at is null",
            &[&tenant, &loans, &now],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(count)
}

/// The loans to remind of. Usually there are none, so they are looked for without the lock on the tenant's writers.
async fn overdue(client: &mut Client, tenant: Uuid, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    // The first comparison is for the index: a day that has passed anywhere has passed in the easternmost zone.
    let rows = transaction
        .query(
            "select l.id
            from lms.inventory_loans as l
            join lms.inventory as i
              on i.tenant_id = l.tenant_id
              and i.id = l.inventory_id
            join lms.centres as c
              on c.tenant_id = i.tenant_id
              and c.id = i.centre_id
            join lms.tenants as t
              on t.tenant_id = l.tenant_id
            where l.tenant_id = $1
              and l.due_on < (($2::timestamptz + interval '14 hours') at time zone 'UTC')::date
              and l.due_on < ($2::timestamptz at time zone c.time_zone)::date
              and l.returned_at is null
              and l.reminded_at is null
              and l.deleted_at is null
              and t.status = 'active'
              and t.deleted_at is null",
            &[&tenant, &now],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
