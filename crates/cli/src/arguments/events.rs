//! The command line of `lms events`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use operations::events::export::Format;
use url::Url;

use super::Target;

#[derive(Subcommand)]
pub(crate) enum Events {
    /// Compute the chains anew and say the first position that is broken
    Verify(Verify),
    /// Write where all chains end into a signed file, for `verify --heads`
    Heads(Heads),
    /// Make the pair of keys that heads are signed with
    Key(Key),
    /// Rebuild the tables of a tenant from its events alone
    Replay(Replay),
    /// Write the events of a tenant into files, part by part; a rerun goes on behind the last one
    Export(Export),
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG", required_unless_present = "all")]
    pub(crate) tenant: Option<String>,

    /// Every tenant
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) all: bool,

    /// Signed heads that the chains have to go through
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) heads: Option<PathBuf>,

    /// The public key of whoever signed them
    #[arg(long, value_name = "FILE", requires = "heads")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Heads {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// The private key to sign with
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

#[derive(Args)]
pub(crate) struct Key {
    /// The file for the private key; the public one is put beside it, with .pub behind the name
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Only what had happened by this time, such as 2026-09-01T00:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "position")]
    pub(crate) until: Option<DateTime<Utc>>,

    /// Only the events up to this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) position: Option<i64>,

    /// The schema to make and to rebuild the tables in
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) into: String,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// The form of the files
    #[arg(long, value_enum)]
    pub(crate) format: Format,

    /// The directory for the files
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) output: PathBuf,

    /// Begin behind this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) after: Option<i64>,

    /// The service's address, which people's accounts in statements belong to
    #[arg(long, value_name = "URL", required_if_eq("format", "xapi"))]
    pub(crate) home_page: Option<Url>,
}
