//! Fills a database with many tenants and students, by COPY into staging tables and one insert per table in the tenant's
//! context, so that row security and the event log apply to every row. The rows are generated in `generate`.

mod generate;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use database::{explain, tenant};
use futures::SinkExt;
use operations::progress::Bar;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Transaction};

use generate::{Batch, Generator};

/// The number of students in one batch.
const BATCH_SIZE: u64 = 5_000;
/// The number of tenants written concurrently.
const WRITERS: usize = 4;

/// The amount of data to write.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of tenants.
    pub tenants: u64,
    /// The number of students, spread evenly over the tenants.
    pub students: u64,
    /// The seed of the generator: the same seed gives the same rows.
    pub seed: u64,
}

/// The result of seeding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Tenants written.
    pub written: u64,
    /// Tenants that existed already, from an earlier run with the same seed.
    pub kept: u64,
}

/// Writes the tenants of a seed that don't exist yet, each in one transaction.
pub async fn run(database_url: &str, options: &Options) -> Result<Report> {
    if options.tenants == 0 {
        bail!("--tenants must be at least 1");
    }
    let next = Arc::new(AtomicU64::new(0));
    let kept = Arc::new(AtomicU64::new(0));
    let (done, mut progress) = mpsc::unbounded_channel();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (database_url, options, next, kept, done) = (
            database_url.to_owned(),
            *options,
            next.clone(),
            kept.clone(),
            done.clone(),
        );
        writers.spawn(async move {
            let mut client = database::connect(&database_url).await?;
            // After a crash the seed can be written again, so commits need not wait for the disk.
            client
                .batch_execute("set synchronous_commit = off; set statement_timeout = 0")
                .await
                .map_err(explain)?;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= options.tenants {
                    return Ok(());
                }
                let students = share(options.students, options.tenants, index);
                let generator = Generator::new(options.seed, index);
                if tenant::find(&client, &generator.slug()).await?.is_some() {
                    kept.fetch_add(1, Ordering::Relaxed);
                    let _ = done.send(students);
                    continue;
                }
                write_tenant(&mut client, generator, students, &done).await?;
            }
        });
    }
    drop(done);

    let mut bar = Bar::new("Students", options.students);
    while let Some(count) = progress.recv().await {
        bar.advance(count);
    }
    while let Some(writer) = writers.join_next().await {
        let outcome: Result<()> = writer.context("a writer task failed")?;
        outcome?;
    }
    bar.done();
    let mut client = database::connect(database_url).await?;
    worker::seal(&mut client).await?;
    client
        .batch_execute("analyze lms.users, lms.tutors, lms.students, lms.guardians, lms.event_log")
        .await
        .map_err(explain)?;
    let kept = kept.load(Ordering::Relaxed);
    Ok(Report {
        written: options.tenants - kept,
        kept,
    })
}

/// Returns the share of part `index` when `whole` is distributed evenly over `parts`.
fn share(whole: u64, parts: u64, index: u64) -> u64 {
    whole / parts + u64::from(index < whole % parts)
}

async fn write_tenant(
    client: &mut Client,
    mut generator: Generator,
    students: u64,
    done: &mpsc::UnboundedSender<u64>,
) -> Result<()> {
    let transaction = tenant::begin_new(client, generator.tenant, "seed").await?;
    let new = tenant::New {
        slug: generator.slug(),
        name: generator.name.clone(),
    };
    tenant::insert(&transaction, generator.tenant, &new).await?;
    for (number, centre) in generator.centres.iter().enumerate() {
        transaction
            .execute(
                "insert into lms.centres (id, name, code, currency)
                values ($1, $2, $3, 'EUR')",
                &[
                    centre,
                    &format!("Centre {}", number + 1),
                    &format!("c{}", number + 1),
                ],
            )
            .await
            .map_err(explain)?;
    }
    transaction
        .batch_execute(STAGING_TABLES)
        .await
        .map_err(explain)?;
    let mut left = students;
    while left > 0 {
        let count = left.min(BATCH_SIZE);
        let batch = generator.batch(usize::try_from(count)?)?;
        write_batch(&transaction, batch)
            .await
            .with_context(|| format!("cannot write the tenant {}", new.slug))?;
        left -= count;
        let _ = done.send(count);
    }
    transaction.commit().await.map_err(explain)
}

async fn write_batch(transaction: &Transaction<'_>, batch: Batch) -> Result<()> {
    for (table, rows) in [
        ("users", batch.users),
        ("tutors", batch.tutors),
        ("students", batch.students),
    ] {
        let statement = format!("copy staged_{table} from stdin with (format csv)");
        let writer = transaction.copy_in(&statement).await.map_err(explain)?;
        tokio::pin!(writer);
        writer
            .send(bytes::Bytes::from(rows))
            .await
            .map_err(explain)?;
        writer.finish().await.map_err(explain)?;
    }
    transaction.batch_execute(INSERTS).await.map_err(explain)
}

/// Staging tables, because PostgreSQL refuses COPY into a table with row security.
const STAGING_TABLES: &str = "
create temporary table staged_users (
  id uuid, centre_id uuid, name text, email text, phone text, role text, language_preferences jsonb
) on commit drop;
create temporary table staged_tutors (
  id uuid, user_id uuid, centre_id uuid, subjects jsonb, max_students integer
) on commit drop;
create temporary table staged_students (
  id uuid, user_id uuid, centre_id uuid, dob date, academic_age jsonb, special_needs jsonb, assigned_tutor_id uuid, parent_id uuid
) on commit drop;
";

const INSERTS: &str = "
insert into lms.users (id, centre_id, name, email, phone, role, language_preferences)
select id, centre_id, name, email, phone, role, language_preferences
from staged_users;
insert into lms.tutors (id, user_id, centre_id, subjects, max_students)
select id, user_id, centre_id, subjects, max_students
from staged_tutors;
insert into lms.students (id, user_id, centre_id, dob, academic_age, special_needs, assigned_tutor_id, parent_id)
select id, user_id, centre_id, dob, academic_age, special_needs, assigned_tutor_id, parent_id
from staged_students;
truncate staged_users, staged_tutors, staged_students;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_are_distributed_evenly_and_none_is_lost() {
        let shares: Vec<u64> = (0..3).map(|index| share(10, 3, index)).collect();
        assert_eq!(shares, [4, 3, 3]);
        assert_eq!(share(0, 5, 4), 0);
    }
}
