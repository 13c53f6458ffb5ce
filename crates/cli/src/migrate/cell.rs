//! The identity of a cell: its region and its retention class, written once into its database.

use anyhow::{Result, bail};
use clap::ValueEnum;
use tokio_postgres::Client;

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

/// Writes the cell's identity the first time; later it must agree with `wanted`, if that is given.
pub(super) async fn settle(client: &Client, wanted: Option<Cell>) -> Result<()> {
    let row = client
        .query_opt("select region, retention from lms_private.cell", &[])
        .await
        .map_err(explain)?;
    match (row, wanted) {
        (Some(row), Some(wanted)) => {
            let (region, retention): (String, String) = (row.get(0), row.get(1));
            if region != wanted.region.as_str() || retention != wanted.retention.as_str() {
                bail!(
                    "this database is the cell {region}, {retention}, not {}, {}: a cell never changes; check which database is meant",
                    wanted.region.as_str(),
                    wanted.retention.as_str()
                );
            }
            Ok(())
        }
        (Some(_), None) => Ok(()),
        (None, Some(wanted)) => {
            client
                .execute(
                    "insert into lms_private.cell (region, retention)\nvalues ($1, $2)",
                    &[&wanted.region.as_str(), &wanted.retention.as_str()],
                )
                .await
                .map_err(explain)?;
            Ok(())
        }
        (None, None) => {
            bail!("this database is not a cell yet: say which with --region and --retention")
        }
    }
}
