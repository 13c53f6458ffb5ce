//! The identity of a cell: its region and its retention class, written once into its database.

use anyhow::{Result, bail};
use clap::ValueEnum;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::database::explain;

/// Where a cell's data lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Region {
    /// European Union.
    Eu,
    /// Australia.
    Au,
    /// United States.
    Us,
}

/// How long a cell keeps its backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Retention {
    /// Thirty days.
    Standard,
    /// Seven years.
    Regulated,
}

/// What one deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where it is.
    pub region: Region,
    /// How long it keeps.
    pub retention: Retention,
}

impl Region {
    /// As the schema writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Au => "au",
            Self::Us => "us",
        }
    }
}

impl Retention {
    /// As the schema writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Regulated => "regulated",
        }
    }
}

/// What the database says it is, before anything is changed in it.
pub(super) enum Standing {
    /// It is a cell already, and the wanted one if one was named.
    Settled,
    /// It becomes this one once it has its tables.
    Open(Cell),
}

/// Whether the database knows which cell it is.
pub async fn is_cell(client: &Client) -> Result<bool> {
    Ok(read(client).await?.is_some())
}

/// Region and retention class, if they have been written.
async fn read(client: &Client) -> Result<Option<(String, String)>> {
    match client
        .query_opt("select region, retention_class from lms_private.cell", &[])
        .await
    {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        answer => Ok(answer.map_err(explain)?.map(|row| (row.get(0), row.get(1)))),
    }
}

/// Compares the cell that is wanted with the one that the database is.
pub(super) async fn compare(client: &Client, wanted: Option<Cell>) -> Result<Standing> {
    match (read(client).await?, wanted) {
        (Some((region, retention)), Some(wanted)) => {
            if region != wanted.region.as_str() || retention != wanted.retention.as_str() {
                bail!(
                    "this database is the cell {region}, {retention}, not {}, {}: a cell never changes; check which database is meant",
                    wanted.region.as_str(),
                    wanted.retention.as_str()
                );
            }
            Ok(Standing::Settled)
        }
        (Some(_), None) => Ok(Standing::Settled),
        (None, Some(wanted)) => Ok(Standing::Open(wanted)),
        (None, None) => {
            bail!("this database is not a cell yet: say which with --region and --retention")
        }
    }
}

/// Writes the identity of a database that had none.
pub(super) async fn write(client: &Client, cell: Cell) -> Result<()> {
    client
        .execute(
            "insert into lms_private.cell (name, region, retention_class)
            values (concat_ws('-', $1::text, $2::text), $1, $2)",
            &[&cell.region.as_str(), &cell.retention.as_str()],
        )
        .await
        .map(|_| ())
        .map_err(explain)
}
