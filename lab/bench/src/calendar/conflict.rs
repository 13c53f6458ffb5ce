//! What it costs the database to see that a lesson clashes with nobody's.

use std::time::Instant;

use anyhow::Result;
use database::explain;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::latencies::Latencies;
use crate::own_tenant::begin;

/// Lessons that are tried.
const SAMPLES: i32 = 500;

/// The median time in milliseconds of one insert into a calendar with so many lessons, its constraints checked and
/// its indexes kept: an upper bound of the check.
pub(crate) async fn check(client: &mut Client, tenant: Uuid) -> Result<f64> {
    let transaction = begin(client, tenant).await?;
    let insert = transaction.prepare(INSERT).await.map_err(explain)?;
    let mut latencies = Latencies::new()?;
    for sample in 0..SAMPLES {
        let began = Instant::now();
        transaction
            .execute(&insert, &[&sample])
            .await
            .map_err(explain)?;
        latencies.record(began.elapsed());
    }
    // The calendar stays as it was.
    transaction.rollback().await.map_err(explain)?;
    Ok(latencies.quantile(0.5))
}

/// Between two lessons of the same tutor, touching both: at six in the evening of a weekday.
const INSERT: &str = "
insert into lms.occurrences (class_id, centre_id, tutor_id, original_start, starts_at, ends_at)
select
  o.class_id,
  o.centre_id,
  o.tutor_id,
  o.starts_at + interval '1 hour',
  o.starts_at + interval '1 hour',
  o.starts_at + interval '2 hours'
from lms.occurrences as o
where o.tenant_id = current_setting('app.tenant_id')::uuid
  and o.id = md5('the lesson' || $1::integer + 1 || '/7')::uuid";
