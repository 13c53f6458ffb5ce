//! The command line of `lms`: its subcommands, options and help texts. What they do is in the library.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use cli::migrate::{Region, Retention};

/// The LMS backend: runs it locally and looks after its databases.
#[derive(Parser)]
#[command(name = "lms", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print every cause of an error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Directory for the local cluster, its secrets and caches
    #[arg(long, global = true, value_name = "DIRECTORY", default_value = ".lms")]
    pub(crate) state: PathBuf,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prepare database, schema and demo data, and print the variables that `spin up` needs as shell exports
    Prepare(Prepare),
    /// Bring a database to this program's schema
    Migrate(Migrate),
    /// Look after the private PostgreSQL cluster
    #[command(subcommand)]
    Cluster(Cluster),
}

/// Which database a command works on.
#[derive(Args)]
pub(crate) struct Target {
    /// The database, with a login that may do this; without it, the local cluster
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

#[derive(Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Where the service will answer
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub(crate) base_url: String,
}

#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Print what would be applied and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The cell's region; needed the first time, compared later
    #[arg(long, value_enum, requires = "retention")]
    pub(crate) region: Option<Region>,

    /// The cell's retention class; needed the first time, compared later
    #[arg(long, value_enum, requires = "region")]
    pub(crate) retention: Option<Retention>,

    /// File with the password to give to lms_application
    #[arg(long, value_name = "FILE")]
    pub(crate) application_password_file: Option<PathBuf>,

    /// File with the password to give to lms_migrator
    #[arg(long, value_name = "FILE")]
    pub(crate) migrator_password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Cluster {
    /// Start it, making it first if there is none
    Start {
        /// Force nothing to disk: faster, for clusters that are thrown away
        #[arg(long = "unsafe")]
        not_durable: bool,
    },
    /// Stop it
    Stop,
    /// Say whether it runs
    Status,
}
