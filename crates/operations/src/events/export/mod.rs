//! `lms events export`: the log of a tenant as files, part by part. A part is written under a temporary name and gets its own when it is
//! whole, so that an export that was interrupted goes on behind its last part and writes nothing twice.

mod ndjson;
mod parquet;
mod parts;
mod xapi;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use database::{explain, tenant};
use tempfile::NamedTempFile;
use tokio_postgres::{Client, Transaction};
use url::Url;
use uuid::Uuid;

use self::parts::Parts;
use super::chain::{BEGINNING, Event, Walk};
use super::log::{Log, WINDOW};
use super::{known, still};
use crate::progress::Bar;

/// Most positions of a part.
const PART: i64 = 50_000;

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Newline-delimited JSON: each event with all of its columns, which is enough to compute the chain.
    Ndjson,
    /// Apache Parquet, the same columns.
    Parquet,
    /// Experience API statements of lessons and assessments, one on a line.
    Xapi,
}

impl Format {
    /// What names of files end in.
    fn extension(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
            Format::Xapi => "xapi.ndjson",
        }
    }
}

/// What is exported, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// The form of the files.
    pub format: Format,
    /// The directory that the files are in, and made if need be.
    pub output: PathBuf,
    /// The position behind which the first part begins.
    pub after: Option<i64>,
    /// The address that people's accounts in statements belong to.
    pub home_page: Option<Url>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many parts were added.
    pub parts: u64,
    /// The last position that is in a part.
    pub position: i64,
}

/// Adds the parts that are missing.
///
/// # Errors
///
/// When there is no such tenant, the beginning lies beyond the end, the parts that are there do not fit, the chain is broken, or a file
/// cannot be written. Parts that were whole by then stay.
pub async fn run(address: &str, options: &Options) -> Result<Report> {
    let mut client = database::connect(address).await?;
    let tenant = known(&client, &options.tenant).await?;
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
        "the parts in {} go to position {reached}, the last event of {} is at {end}: they are of another log",
        options.output.display(),
        options.tenant
    );
    let mut bar = Bar::new("exporting", u64::try_from(end - reached)?);
    let mut report = Report {
        parts: 0,
        position: reached,
    };
    while reached < end {
        let until = (reached + PART).min(end);
        let file = part(&mut client, tenant, options, reached, until, &mut bar).await?;
        parts.keep(file, reached, until)?;
        reached = until;
        report.parts += 1;
        report.position = until;
    }
    bar.done();
    Ok(report)
}

async fn end(client: &mut Client, tenant: Uuid) -> Result<i64> {
    let transaction = still(client, tenant, true).await?;
    Ok(Log::open(&transaction, tenant)
        .await?
        .head()
        .await?
        .position)
}

/// One part, as a temporary file.
async fn part(
    client: &mut Client,
    tenant: Uuid,
    options: &Options,
    after: i64,
    until: i64,
    bar: &mut Bar,
) -> Result<NamedTempFile> {
    let transaction = still(client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let mut walk = Walk::behind(after, hash_at(&transaction, tenant, after).await?);
    let temporary = parts::temporary(&options.output)?;
    let mut writer = Writer::new(options, temporary.reopen()?)?;
    while walk.reached() < until {
        let before = walk.reached();
        let window = before.saturating_add(WINDOW).min(until);
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

/// The hash of the event at a position, on which the next one has to follow.
async fn hash_at(transaction: &Transaction<'_>, tenant: Uuid, position: i64) -> Result<Vec<u8>> {
    if position == 0 {
        return Ok(BEGINNING.to_vec());
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

/// Writes events in one of the forms.
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
                let home_page = options.home_page.clone().context(
                    "statements need the address that accounts belong to: give --home-page",
                )?;
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

    /// Lets go of what is in memory, at the end of a window.
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

/// What a file in a directory is called, in a message.
fn named(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}
