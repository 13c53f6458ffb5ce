//! The command line of `lms tenant`.
//! The work lives in `database::tenant`, `operations::relocation` and `operations::tenant_restore`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::Target;

#[derive(Subcommand)]
pub(crate) enum Tenant {
    /// List the tenants of a cell
    List(ListTenants),
    /// Show a tenant
    Show(ShowTenant),
    /// Create a tenant and print its id
    Create(CreateTenant),
    /// Suspend a tenant: its users cannot sign in, their sessions are refused, and nothing is delivered to them
    Suspend(TenantStatus),
    /// Resume a suspended tenant
    Resume(TenantStatus),
    /// Move a tenant to another cell; another run resumes an interrupted move
    Move(MoveTenant),
    /// Erase a moved tenant from its former cell, once every row has been found in the new one
    Forget(ForgetTenant),
    /// Restore one tenant to a time, without affecting other tenants
    Restore(RestoreTenant),
}

#[derive(Args)]
pub(crate) struct ListTenants {
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args)]
pub(crate) struct ShowTenant {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,
}

#[derive(Args)]
pub(crate) struct TenantStatus {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,
}

#[derive(Args)]
pub(crate) struct CreateTenant {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Short name that people type to sign in: lower-case letters, digits and hyphens
    #[arg(long)]
    pub(crate) slug: String,

    /// Name of the organisation
    #[arg(long)]
    pub(crate) name: String,
}

/// The two cells. Addresses of databases contain passwords, so they are in files or environment variables.
#[derive(Args)]
pub(crate) struct Cells {
    /// Source cell: its name, or its base URL if it has no definition
    #[arg(long, value_name = "CELL")]
    pub(crate) from: String,

    /// Target cell: its name, or its base URL if it has no definition
    #[arg(long, value_name = "CELL")]
    pub(crate) to: String,

    /// File with the address of the source database; without it, the variable `LMS_MOVE_FROM_DATABASE_URL`
    #[arg(long, value_name = "FILE")]
    pub(crate) from_database_file: Option<PathBuf>,

    /// File with the address of the target database; without it, the variable `LMS_MOVE_TO_DATABASE_URL`
    #[arg(long, value_name = "FILE")]
    pub(crate) to_database_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) directory: super::cell::DefinitionDirectory,
}

#[derive(Args)]
pub(crate) struct MoveTenant {
    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    #[command(flatten)]
    pub(crate) cells: Cells,

    /// File for the receipt, which `lms tenant forget` needs
    #[arg(long, value_name = "FILE", required_unless_present = "cancel")]
    pub(crate) receipt: Option<PathBuf>,

    /// Cancel a move before its switch: the copy is erased, and the tenant stays
    #[arg(long, conflicts_with = "receipt")]
    pub(crate) cancel: bool,
}

#[derive(Args)]
pub(crate) struct ForgetTenant {
    #[command(flatten)]
    pub(crate) cells: Cells,

    /// File with the receipt of the move
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: PathBuf,
}

#[derive(Args)]
pub(crate) struct RestoreTenant {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Time to restore to from the tenant's events, such as 2026-11-24T12:00:00Z
    #[arg(
        long,
        value_name = "TIME",
        required_unless_present = "from_database_file"
    )]
    pub(crate) to_time: Option<DateTime<Utc>>,

    /// File with the address of a cluster that was restored to the time; its rows are used instead of events
    #[arg(long, value_name = "FILE", conflicts_with = "to_time")]
    pub(crate) from_database_file: Option<PathBuf>,
}
