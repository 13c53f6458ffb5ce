//! The command line of `lms tenant`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::Target;

#[derive(Subcommand)]
pub(crate) enum Tenant {
    /// Make a tenant and print its id
    Create(CreateTenant),
    /// Move a tenant to another cell; run it again, and it goes on where it was interrupted
    Move(MoveTenant),
    /// Erase a tenant from the cell that it left, once everything is found again where it lives
    Forget(ForgetTenant),
    /// Bring one tenant back to what it was at a time; nobody else is touched
    Restore(RestoreTenant),
}

#[derive(Args)]
pub(crate) struct CreateTenant {
    #[command(flatten)]
    pub(crate) target: Target,

    /// What people type to sign in to it: lower-case letters, digits and hyphens
    #[arg(long)]
    pub(crate) slug: String,

    /// What it is called
    #[arg(long)]
    pub(crate) name: String,
}

/// The two cells. Addresses of databases hold passwords, so they are in files or variables.
#[derive(Args)]
pub(crate) struct Cells {
    /// The cell that the tenant leaves: its name, or its base URL where it is not defined
    #[arg(long, value_name = "CELL")]
    pub(crate) from: String,

    /// The cell that the tenant goes to, in the same way
    #[arg(long, value_name = "CELL")]
    pub(crate) to: String,

    /// Holds the address of the database that the tenant leaves; without it, the variable `LMS_MOVE_FROM_DATABASE_URL`
    #[arg(long, value_name = "FILE")]
    pub(crate) from_database_file: Option<PathBuf>,

    /// Holds the address of the database that the tenant goes to; without it, the variable `LMS_MOVE_TO_DATABASE_URL`
    #[arg(long, value_name = "FILE")]
    pub(crate) to_database_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) directory: super::cell::Directory,
}

#[derive(Args)]
pub(crate) struct MoveTenant {
    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    #[command(flatten)]
    pub(crate) cells: Cells,

    /// Where to write the receipt, which `lms tenant forget` asks for
    #[arg(long, value_name = "FILE", required_unless_present = "cancel")]
    pub(crate) receipt: Option<PathBuf>,

    /// Give a move up that has not come to the switch: what has arrived is erased, and the tenant stays
    #[arg(long, conflicts_with = "receipt")]
    pub(crate) cancel: bool,
}

#[derive(Args)]
pub(crate) struct ForgetTenant {
    #[command(flatten)]
    pub(crate) cells: Cells,

    /// The receipt of the move
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: PathBuf,
}

#[derive(Args)]
pub(crate) struct RestoreTenant {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// The time to go back to, through the tenant's events, as in 2026-11-24T12:00:00Z
    #[arg(
        long,
        value_name = "TIME",
        required_unless_present = "from_database_file"
    )]
    pub(crate) to_time: Option<DateTime<Utc>>,

    /// Holds the address of a cluster that was restored to the time: its rows are taken, and no event is read
    #[arg(long, value_name = "FILE", conflicts_with = "to_time")]
    pub(crate) from_database_file: Option<PathBuf>,
}
