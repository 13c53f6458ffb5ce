//! The command line of `lms events`.
//! The work lives in `operations::events`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use operations::events::export::Format;
use url::Url;

use super::Target;

#[derive(Subcommand)]
pub(crate) enum Events {
    /// Compute the chains and report the first broken position of each
    Verify(Verify),
    /// Write the heads of all chains into a signed file, for `verify --heads`
    Heads(Heads),
    /// Generate the pair of keys for signing heads
    Key(Key),
    /// Rebuild the tables of a tenant from its events alone
    Replay(Replay),
    /// Export the events of a tenant into files, part by part; another run resumes after the last part
    Export(Export),
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG", required_unless_present = "all")]
    pub(crate) tenant: Option<String>,

    /// Verify every tenant
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) all: bool,

    /// Signed heads to compare the chains with
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) heads: Option<PathBuf>,

    /// Public key of the signed heads
    #[arg(long, value_name = "FILE", requires = "heads")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Heads {
    #[command(flatten)]
    pub(crate) target: Target,

    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Private key to sign with
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

#[derive(Args)]
pub(crate) struct Key {
    /// File for the private key; the public key is written beside it, with the suffix .pub
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Replay only the events up to this time, such as 2026-09-01T00:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "position")]
    pub(crate) until: Option<DateTime<Utc>>,

    /// Replay only the events up to this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) position: Option<i64>,

    /// New schema in which the tables are rebuilt
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) into: String,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Format of the files
    #[arg(long, value_enum)]
    pub(crate) format: Format,

    /// Directory for the files
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) output: PathBuf,

    /// Begin after this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) after: Option<i64>,

    /// Address of the service, which is the home page of accounts in xAPI statements
    #[arg(long, value_name = "URL", required_if_eq("format", "xapi"))]
    pub(crate) home_page: Option<Url>,
}
