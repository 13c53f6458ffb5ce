//! Exporting the log of a tenant into files (`lms events export`), part by part. A part is written under a temporary name and renamed when
//! it is complete, so that an interrupted export resumes after its last part and writes nothing twice.
//! The formats are in files of their own; parts are named and found in `parts`.

mod ndjson;
mod parquet;
mod parts;
mod xapi;

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use database::{explain, tenant};
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio_postgres::{Client, Transaction};
use url::Url;
use uuid::Uuid;

use self::parts::Parts;
use super::chain::{Event, Walk, ZERO_HASH};
use super::log::{Log, POSITIONS_PER_WINDOW};
use super::snapshot::{begin_snapshot, find_tenant};
use crate::progress::Bar;

/// The largest number of positions in a part.
const PART_SIZE: i64 = 50_000;

/// The format of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Newline-delimited JSON: each event with all columns, from which the chain can be computed.
    Ndjson,
    /// Apache Parquet, with the same columns.
    Parquet,
    /// Experience API (xAPI) statements of lessons and assessments, one on each line.
    Xapi,
}

impl Format {
    /// The extension of the files.
    fn extension(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
            Format::Xapi => "xapi.ndjson",
        }
    }
}

/// The options of an export.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// The format of the files.
    pub format: Format,
    /// The directory of the files, which is created if needed.
    pub output: PathBuf,
    /// The position after which the first part begins.
    pub after: Option<i64>,
    /// The home page of people's accounts in xAPI statements.
    pub home_page: Option<Url>,
}

/// The extent of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The number of parts that were written.
    pub parts: u64,
    /// The last exported position.
    pub position: i64,
}

/// Writes the missing parts.
///
/// # Errors
///
/// When there is no such tenant, the beginning is beyond the end, existing parts do not fit, the chain is broken, or a file cannot be
/// written. Parts that are complete by then stay.
pub async fn run(database_url: &str, options: &Options) -> Result<Report> {
    let mut client = database::connect(database_url).await?;
    let tenant = find_tenant(&client, &options.tenant).await?;
    tenant::seal_events(&mut client, tenant).await?;
    let end = end(&mut client, tenant).await?;
    if let Some(after) = options.after {
        ensure!(
            after <= end,
            "position {after} is beyond the end: the last event of {} is at position {end}",
            options.tenant
        );
    }
    let parts = Parts::open(&options.output, &options.tenant, options.format.extension())?;
    let mut reached = parts.reached(options.after)?;
    ensure!(
        reached <= end,
        "the parts in {} go to position {reached}, but the last event of {} is at {end}: they are of another log",
        options.output.display(),
        options.tenant
    );
    let mut bar = Bar::new("exporting", u64::try_from(end - reached)?);
    let mut report = Report {
        parts: 0,
        position: reached,
    };
    while reached < end {
        let until = (reached + PART_SIZE).min(end);
        let file = write_part(&mut client, tenant, options, reached, until, &mut bar).await?;
        parts.keep(file, reached, until)?;
        reached = until;
        report.parts += 1;
        report.position = until;
    }
    bar.done();
    Ok(report)
}

async fn end(client: &mut Client, tenant: Uuid) -> Result<i64> {
    let transaction = begin_snapshot(client, tenant, true).await?;
    Ok(Log::open(&transaction, tenant)
        .await?
        .head()
        .await?
        .position)
}

/// Writes a part into a temporary file.
async fn write_part(
    client: &mut Client,
    tenant: Uuid,
    options: &Options,
    after: i64,
    until: i64,
    bar: &mut Bar,
) -> Result<NamedTempFile> {
    let transaction = begin_snapshot(client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let mut walk = Walk::after(after, hash_at(&transaction, tenant, after).await?);
    let temporary = parts::temporary(&options.output)?;
    let mut writer = Writer::new(options, temporary.reopen()?)?;
    while walk.reached() < until {
        let before = walk.reached();
        let window = before.saturating_add(POSITIONS_PER_WINDOW).min(until);
        let broken = log
            .walk(&mut walk, window, |event| writer.write(event))
            .await?;
        if let Some(broken) = broken {
            bail!("the chain of {} is broken at {broken}", options.tenant);
        }
        writer.flush(&transaction, tenant).await?;
        bar.advance(u64::try_from(window - before)?);
    }
    writer.finish()?;
    Ok(temporary)
}

/// The hash of the event at a position, which is the previous hash of the next event.
async fn hash_at(transaction: &Transaction<'_>, tenant: Uuid, position: i64) -> Result<Vec<u8>> {
    if position == 0 {
        return Ok(ZERO_HASH.to_vec());
    }
    let row = transaction
        .query_opt(
            "-- events.hash
            select l.hash
            from lms.event_log as l
            where l.tenant_id = $1
              and l.position = $2",
            &[&tenant, &position],
        )
        .await
        .map_err(explain)?
        .with_context(|| {
            format!("the chain is broken at position {position}: the event is missing")
        })?;
    Ok(row.get(0))
}

/// The writer for a format.
enum Writer {
    Ndjson(ndjson::Lines),
    Parquet(Box<parquet::Columns>),
    Xapi(xapi::Statements),
}

impl Writer {
    fn new(options: &Options, file: File) -> Result<Self> {
        Ok(match options.format {
            Format::Ndjson => Writer::Ndjson(ndjson::Lines::new(file)),
            Format::Parquet => Writer::Parquet(Box::new(parquet::Columns::new(file)?)),
            Format::Xapi => {
                let home_page = options
                    .home_page
                    .clone()
                    .context("xAPI statements need the home page of accounts: give --home-page")?;
                Writer::Xapi(xapi::Statements::new(file, home_page))
            }
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        match self {
            Writer::Ndjson(lines) => lines.write(event),
            Writer::Parquet(columns) => columns.write(event),
            Writer::Xapi(statements) => statements.write(event),
        }
    }

    /// Writes the events in memory to the file, at the end of a window.
    async fn flush(&mut self, transaction: &Transaction<'_>, tenant: Uuid) -> Result<()> {
        match self {
            Writer::Ndjson(_) => Ok(()),
            Writer::Parquet(columns) => columns.flush(),
            Writer::Xapi(statements) => statements.flush(transaction, tenant).await,
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Writer::Ndjson(lines) => lines.finish(),
            Writer::Parquet(columns) => columns.finish(),
            Writer::Xapi(statements) => statements.finish(),
        }
    }
}
