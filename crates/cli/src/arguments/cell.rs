//! The command line of `lms cell`, and the options by which other commands name a cell.
//! The work lives in `operations::cell` and `local::cells`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
#[cfg(feature = "local")]
use database::cell::Name;
#[cfg(feature = "local")]
use local::installation::RegionUrl;

#[derive(Subcommand)]
pub(crate) enum Cell {
    /// Check the definitions of all cells, by themselves and against each other
    Check(DefinitionDirectory),
    /// Start cells on this machine, each with its own database, host, credentials and keys, until Ctrl-C
    #[cfg(feature = "local")]
    Up(Up),
}

/// The directory of the definitions.
#[derive(Args)]
pub(crate) struct DefinitionDirectory {
    /// Directory of the definitions of cells
    #[arg(
        long,
        env = "LMS_CELLS",
        value_name = "DIRECTORY",
        default_value = "deploy/cells"
    )]
    pub(crate) cells: PathBuf,
}

/// One of the defined cells.
#[derive(Args)]
pub(crate) struct CellOptions {
    /// Name of the cell, such as eu-standard
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: String,

    #[command(flatten)]
    pub(crate) directory: DefinitionDirectory,
}

#[cfg(feature = "local")]
#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) directory: DefinitionDirectory,

    /// Port of the first cell; each further cell has a port that is higher by ten
    #[arg(long, value_name = "PORT", default_value_t = 3010)]
    pub(crate) port: u16,

    /// Manifest of the application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,

    /// Names of the cells
    #[arg(
        value_name = "NAME",
        default_values = ["eu-standard", "au-standard", "us-standard"]
    )]
    pub(crate) names: Vec<Name>,
}

/// The cell of a local installation, and the other regions.
#[cfg(feature = "local")]
#[derive(Args)]
pub(crate) struct Identity {
    /// Name of the cell; a new database becomes this cell, or eu-standard if none is given
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: Option<Name>,

    /// Base URL of another region, such as au=http://127.0.0.1:3020
    #[arg(long = "region-url", value_name = "REGION=URL")]
    pub(crate) region_urls: Vec<RegionUrl>,
}
