//! A tenant with many requests, most of them done: what the list of the open ones is measured on, while they become more.

use anyhow::{Context, Result};
use database::explain;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{data, own_tenant};

/// Requests of the two sizes.
pub(super) const FEW: i32 = 10_000;
pub(super) const MANY: i32 = 1_000_000;

/// The list of so many open requests, the most urgent first and the oldest of them.
pub(super) fn query(limit: u32) -> String {
    format!("/v1/requests?status=open&sort=priority,created_at&limit={limit}")
}

/// Writes the requests behind number `from` up to number `to`.
pub(super) async fn fill(client: &mut Client, tenant: Uuid, from: i32, to: i32) -> Result<()> {
    let transaction = own_tenant::begin(client, tenant).await?;
    transaction
        .execute(REQUESTS, &[&(from + 1), &to])
        .await
        .map_err(explain)
        .context("cannot write the requests")?;
    transaction.commit().await.map_err(explain)?;
    data::settle(client).await
}

/// One in ten is open, and each priority as often as the others.
const REQUESTS: &str = "
insert into lms.requests (number, centre_id, type, details, priority, status, opened_at, due_at, created_at)
select
  number,
  c.id,
  (array['it', 'inventory', 'complaint', 'reschedule', 'maintenance'])[1 + number % 5],
  'The lamp of room ' || number || ' is broken.',
  (array['low', 'medium', 'high'])[1 + number % 3],
  case when number % 10 = 0 then 'open' else 'closed' end,
  at.moment,
  at.moment + interval '8 hours',
  at.moment
from generate_series($1::integer, $2::integer) as number
cross join lateral (select now() - make_interval(mins => 1000000 - number) as moment) as at
cross join lms.centres as c
where c.tenant_id = current_setting('app.tenant_id')::uuid";
