//! The command line of `lms cell`, and how other commands name a cell.

use std::path::PathBuf;

use clap::{Args, Subcommand};
#[cfg(feature = "local")]
use database::cell::Name;
#[cfg(feature = "local")]
use local::installation::RegionUrl;

#[derive(Subcommand)]
pub(crate) enum Cell {
    /// Check the definitions of all cells, by themselves and against each other
    Check(Directory),
    /// Start cells on this machine, each with its own database, host, credentials and keys, until Ctrl-C
    #[cfg(feature = "local")]
    Up(Up),
}

/// Where the definitions of cells are.
#[derive(Args)]
pub(crate) struct Directory {
    /// Directory with the definitions of cells
    #[arg(
        long,
        env = "LMS_CELLS",
        value_name = "DIRECTORY",
        default_value = "deploy/cells"
    )]
    pub(crate) cells: PathBuf,
}

/// One of the cells that are defined.
#[derive(Args)]
pub(crate) struct CellChoice {
    /// The cell, such as eu-standard
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: String,

    #[command(flatten)]
    pub(crate) directory: Directory,
}

#[cfg(feature = "local")]
#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) directory: Directory,

    /// Port of the first cell; each further one has the tenth port behind
    #[arg(long, value_name = "PORT", default_value_t = 3010)]
    pub(crate) port: u16,

    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,

    /// Which cells
    #[arg(
        value_name = "NAME",
        default_values = ["eu-standard", "au-standard", "us-standard"]
    )]
    pub(crate) names: Vec<Name>,
}

/// Which cell a local installation is, and which others there are.
#[cfg(feature = "local")]
#[derive(Args)]
pub(crate) struct Place {
    /// The cell that this is; a database that is new becomes it, eu-standard if none is named
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: Option<Name>,

    /// Where another region answers, such as au=http://127.0.0.1:3020
    #[arg(long = "region-url", value_name = "REGION=URL")]
    pub(crate) region_urls: Vec<RegionUrl>,
}
