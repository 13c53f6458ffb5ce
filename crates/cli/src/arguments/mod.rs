//! The command line of `lms`: its subcommands, options and help texts.
//! The work that they stand for lives in the crates that `commands` calls.

pub(crate) mod backup;
pub(crate) mod cell;
pub(crate) mod events;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod tenants;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use database::analytics::View;
use database::cell::Name;
use uuid::Uuid;

/// The LMS backend: runs it locally and looks after its databases.
#[derive(Parser)]
#[command(name = "lms", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print every cause of an error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Directory for the local cluster, its secrets and caches
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        default_value = ".lms",
        hide = cfg!(not(feature = "local"))
    )]
    pub(crate) state: PathBuf,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prepare everything and serve the application on this machine
    #[cfg(feature = "local")]
    Up(local::Up),
    /// Prepare database, schema and demo data, and print the variables that `spin up` needs as shell exports
    #[cfg(feature = "local")]
    Prepare(local::Prepare),
    /// Serve the application on a database that stands already, with variables from SPIN_VARIABLE_<NAME>
    #[cfg(feature = "local")]
    Serve(local::Serve),
    /// Bring a database to this program's schema
    Migrate(Migrate),
    /// Cells: one deployment each, with its own region, retention class, hosts and database
    #[command(subcommand)]
    Cell(cell::Cell),
    /// Tenants
    #[command(subcommand)]
    Tenant(tenants::Tenant),
    /// Users
    #[command(subcommand)]
    User(User),
    /// Export or erase a person, and verify the receipt of an erasure
    #[command(subcommand)]
    Privacy(Privacy),
    /// Do what is to be done as time goes on: deliver notifications and webhooks, and add the occurrences of classes that go on
    Worker(Worker),
    /// The figures that analytics show
    #[command(subcommand)]
    Analytics(Analytics),
    /// The event log: check it, rebuild tables from it, export it
    #[command(subcommand)]
    Events(events::Events),
    /// Backups of a cell: archiving, backing up, checking, restoring to a time
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Look after the private PostgreSQL cluster
    #[cfg(feature = "local")]
    #[command(subcommand)]
    Cluster(local::Cluster),
    /// Look for everything that commonly goes wrong, and say how to mend it
    #[cfg(feature = "local")]
    Doctor(local::Serving),
    /// Look into a database for everything that commonly goes wrong, and say how to mend it
    #[cfg(not(feature = "local"))]
    Doctor(Target),
    /// Print the OpenAPI document
    #[cfg(feature = "local")]
    Openapi,
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Which database a command works on.
#[derive(Args)]
pub(crate) struct Target {
    /// The database, with a login that may do this; without it, the local cluster
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Print what would be applied and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The cell that the database is, such as eu-standard; needed the first time, compared later
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: Option<Name>,

    /// File with the password to give to lms_application
    #[arg(long, value_name = "FILE")]
    pub(crate) application_password_file: Option<PathBuf>,

    /// File with the password to give to lms_migrator
    #[arg(long, value_name = "FILE")]
    pub(crate) migrator_password_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum User {
    /// Make an administrator and print the id; the password comes from a prompt or standard input
    CreateAdmin(CreateAdmin),
}

#[derive(Args)]
pub(crate) struct CreateAdmin {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// What the person is called
    #[arg(long)]
    pub(crate) name: String,

    /// What the person signs in with
    #[arg(long)]
    pub(crate) email: String,
}

#[derive(Subcommand)]
pub(crate) enum Privacy {
    /// Write everything held on a person into a file
    Export(ExportSubject),
    /// Erase a person for good, and print the receipt
    Erase(EraseSubject),
    /// Hold the receipt of an erasure against the database
    Verify(VerifyReceipt),
}

#[derive(Args)]
pub(crate) struct ExportSubject {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// The person's account
    #[arg(long, value_name = "ID")]
    pub(crate) user: Uuid,

    /// Where to write the document; must not be there yet
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct EraseSubject {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// The person's account
    #[arg(long, value_name = "ID")]
    pub(crate) user: Uuid,

    /// Why, for the records: who asked, and when
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Args)]
pub(crate) struct VerifyReceipt {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The receipt, as it was printed or answered
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: PathBuf,

    /// The slug of the tenant that the receipt must be of
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
}

#[derive(Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Do what is due and end, for cron
    #[arg(long)]
    pub(crate) once: bool,

    /// Seconds between two rounds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        conflicts_with = "once"
    )]
    pub(crate) interval: u64,

    /// Seconds between two refreshes of the analytics
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 900,
        conflicts_with = "once"
    )]
    pub(crate) refresh_interval: u64,

    /// Do what is due at this time, removing for good what was deleted long before it, such as 2026-09-01T00:00:00Z, instead of now
    #[arg(long, value_name = "TIME", requires = "once")]
    pub(crate) now: Option<DateTime<Utc>>,

    #[command(flatten)]
    pub(crate) delivery: worker::delivery::Options,

    #[command(flatten)]
    pub(crate) webhooks: worker::webhooks::Options,
}

#[derive(Subcommand)]
pub(crate) enum Analytics {
    /// Bring the materialized views up to date, while they are read and written beneath
    Refresh(Refresh),
}

#[derive(Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Only this one
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) view: Option<View>,
}
