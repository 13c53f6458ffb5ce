//! Fills a tenant with help-desk requests, for measuring the list of open ones at two sizes.
//! The tenant itself is created in `bench_tenant`.

use anyhow::{Context, Result};
use database::explain;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{bench_tenant, database_copy};

/// The number of help-desk requests at the two sizes.
pub(super) const SMALL: i32 = 10_000;
pub(super) const LARGE: i32 = 1_000_000;

/// Returns the path of a page of open help-desk requests, sorted by urgency and age.
pub(super) fn list_path(limit: u32) -> String {
    format!("/v1/requests?status=open&sort=priority,created_at&limit={limit}")
}

/// Writes the help-desk requests after number `from` up to number `to`.
pub(super) async fn fill(client: &mut Client, tenant: Uuid, from: i32, to: i32) -> Result<()> {
    let transaction = bench_tenant::begin(client, tenant).await?;
    transaction
        .execute(REQUESTS, &[&(from + 1), &to])
        .await
        .map_err(explain)
        .context("cannot write the help-desk requests")?;
    transaction.commit().await.map_err(explain)?;
    database_copy::vacuum_and_checkpoint(client).await
}

/// One in ten is open, and all priorities are equally frequent.
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
