//! Measures the database's check that a new lesson overlaps no other.
//! The calendar that it is checked against is filled in `calendar`.

use std::time::Instant;

use anyhow::Result;
use database::explain;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::bench_tenant::begin;
use crate::latencies::Latencies;

/// The number of lessons that are inserted.
const SAMPLES: i32 = 500;

/// Returns the median time in milliseconds of one insert with its constraints and indexes, an upper bound of the check.
pub(crate) async fn measure(client: &mut Client, tenant: Uuid) -> Result<f64> {
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
    // The rollback leaves the calendar unchanged.
    transaction.rollback().await.map_err(explain)?;
    Ok(latencies.quantile(0.5))
}

/// Inserts a lesson at 18:00 on a weekday that starts when one lesson of the tutor ends and ends when the next one starts.
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
