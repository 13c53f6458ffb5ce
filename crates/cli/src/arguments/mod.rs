//! The command line of `lms`: its subcommands, options and help texts.
//! They are executed in `commands`.

pub(crate) mod backup;
pub(crate) mod cell;
pub(crate) mod events;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod management;
pub(crate) mod tenants;
pub(crate) mod users;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use database::analytics::View;
use database::cell::Name;
use uuid::Uuid;

/// The LMS backend: run it locally, and operate its databases.
#[derive(Parser)]
#[command(name = "lms", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print every cause of an error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Print the answer as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Directory of the local cluster, its secrets and caches
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

impl Arguments {
    /// Parses the command line. A usage error ends the process with code 2.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if arguments.json
            && let Some(reason) = arguments.command.reason_for_no_answer()
        {
            let message = format!("--json cannot be used here, because {reason}");
            Self::command()
                .error(ErrorKind::ArgumentConflict, message)
                .exit()
        }
        arguments
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prepare everything and serve the application on this machine
    #[cfg(feature = "local")]
    Up(local::Up),
    /// Prepare database, schema and demo data, and print the variables that `spin up` needs as shell exports
    #[cfg(feature = "local")]
    Prepare(local::Prepare),
    /// Serve the application on an existing database, with variables from SPIN_VARIABLE_<NAME>
    #[cfg(feature = "local")]
    Serve(local::Serve),
    /// Migrate a database to this program's schema
    Migrate(Migrate),
    /// Manage cells: deployments with their own region, retention class, hosts and database
    #[command(subcommand)]
    Cell(cell::Cell),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(tenants::Tenant),
    /// Manage users
    #[command(subcommand)]
    User(users::User),
    /// Export or erase a person's data, and verify the receipt of an erasure
    #[command(subcommand)]
    Privacy(Privacy),
    /// Run background work: deliver notifications and webhooks, extend classes, and remove expired data
    Worker(Box<Worker>),
    /// Manage the data behind the analytics
    #[command(subcommand)]
    Analytics(Analytics),
    /// Verify and export the event log, and rebuild tables from it
    #[command(subcommand)]
    Events(events::Events),
    /// Back up a cell: archive, back up, verify, and restore to a time
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Manage the private PostgreSQL cluster
    #[cfg(feature = "local")]
    #[command(subcommand)]
    Cluster(local::Cluster),
    /// Check for common problems, and print how to repair them
    #[cfg(feature = "local")]
    Doctor(local::ServeOptions),
    /// Check a database for common problems, and print how to repair them
    #[cfg(not(feature = "local"))]
    Doctor(Target),
    /// Print the OpenAPI document
    #[cfg(feature = "local")]
    Openapi,
    /// Print completions for a shell
    Completions {
        /// Name of the shell
        shell: Shell,
    },
}

impl Command {
    /// The reason why the command has no answer that could be printed as JSON; none when it has one.
    fn reason_for_no_answer(&self) -> Option<&'static str> {
        match self {
            #[cfg(feature = "local")]
            Self::Up(_) | Self::Serve(_) | Self::Cell(cell::Cell::Up(_)) => {
                Some("the command serves until it is stopped, and answers nothing")
            }
            Self::Worker(options) if !options.once => Some(
                "the command works until it is stopped, and answers nothing; with --once it does",
            ),
            Self::Completions { .. } => Some("the command prints a script for a shell"),
            _ => None,
        }
    }
}

/// The database that a command works on.
#[derive(Args)]
pub(crate) struct Target {
    /// URL of the database, with a login that may do this; without it, the local cluster
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

    /// Name of the cell that the database is, such as eu-standard; required the first time, compared later
    #[arg(long, value_name = "NAME")]
    pub(crate) cell: Option<Name>,

    /// File with the password to set for lms_application
    #[arg(long, value_name = "FILE")]
    pub(crate) application_password_file: Option<PathBuf>,

    /// File with the password to set for lms_migrator
    #[arg(long, value_name = "FILE")]
    pub(crate) migrator_password_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Privacy {
    /// Export all data on a person into a file
    Export(ExportSubject),
    /// Erase a person's data for good, and print the receipt
    Erase(EraseSubject),
    /// Check the receipt of an erasure against the database
    Verify(VerifyReceipt),
}

#[derive(Args)]
pub(crate) struct ExportSubject {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Id of the person's account
    #[arg(long, value_name = "ID")]
    pub(crate) user: Uuid,

    /// File for the document, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct EraseSubject {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Id of the person's account
    #[arg(long, value_name = "ID")]
    pub(crate) user: Uuid,

    /// Reason for the records: who asked, and when
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Args)]
pub(crate) struct VerifyReceipt {
    #[command(flatten)]
    pub(crate) target: Target,

    /// File with the receipt, as it was printed or returned by the API
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: PathBuf,

    /// Slug of the tenant that the receipt must belong to
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
}

#[derive(Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Do everything that is due and exit, for cron
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

    /// Do everything that is due at this time instead of now, such as 2026-09-01T00:00:00Z; this removes for good what has expired by then
    #[arg(long, value_name = "TIME", requires = "once")]
    pub(crate) now: Option<DateTime<Utc>>,

    #[command(flatten)]
    pub(crate) notifications: worker::notifications::Options,

    #[command(flatten)]
    pub(crate) webhooks: worker::webhooks::Options,

    #[command(flatten)]
    pub(crate) management: management::Management,

    #[command(flatten)]
    pub(crate) log: telemetry::log::Options,
}

#[derive(Subcommand)]
pub(crate) enum Analytics {
    /// Refresh the materialized views, without blocking requests
    Refresh(Refresh),
}

#[derive(Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Refresh only this view
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) view: Option<View>,
}
