//! Escalating overdue requests: the time is recorded, and their priority rises by one step.
//! Triggers on requests notify the people concerned.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST_ID;
use super::report::{Escalation, Failure, Report};

/// Escalates and reports the overdue requests of a tenant, each in a transaction of its own.
pub(crate) async fn escalate(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Result<()> {
    for request in overdue(client, tenant, now).await? {
        match escalate_one(client, tenant, slug, request, now).await {
            Ok(escalation) => report.escalated.extend(escalation),
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => report.failed.push(Failure {
                tenant: slug.to_owned(),
                what: "request",
                id: request,
                reason: format!("not escalated: {error:#}"),
            }),
        }
    }
    Ok(())
}

/// The requests of an active tenant that are overdue and not yet escalated.
async fn overdue(client: &mut Client, tenant: Uuid, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    let rows = transaction
        .query(
            "select r.id
            from lms.requests as r
            join lms.tenants as t
              on t.tenant_id = r.tenant_id
            where t.status = 'active'
              and t.deleted_at is null
              and r.due_at < $1
              and r.status in ('open', 'in_progress')
              and r.escalated_at is null
              and r.deleted_at is null
            order by r.due_at, r.id",
            &[&now],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Escalates a request, unless another worker has done so in the meantime or it is no longer overdue.
async fn escalate_one(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    request: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Escalation>> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    let row = transaction
        .query_opt(
            "update lms.requests as r
            set
              escalated_at = $2,
              priority = case r.priority when 'low' then 'medium' else 'high' end
            where r.id = $1
              and r.due_at < $2
              and r.status in ('open', 'in_progress')
              and r.escalated_at is null
              and r.deleted_at is null
            returning r.number, r.priority, r.assigned_to is not null",
            &[&request, &now],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.map(|row| Escalation {
        tenant: slug.to_owned(),
        number: row.get(0),
        priority: row.get(1),
        is_assigned: row.get(2),
    }))
}
