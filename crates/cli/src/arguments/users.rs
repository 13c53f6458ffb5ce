//! The command line of `lms user`.
//! The work lives in `operations::user`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::Target;

#[derive(Subcommand)]
pub(crate) enum User {
    /// List the users of a tenant
    List(ListUsers),
    /// Create an administrator and print the id; the password is read from a prompt or from standard input
    CreateAdmin(CreateAdmin),
    /// End the password and all sessions of a user, and print a token that sets a new password once
    ResetPassword(ResetPassword),
}

#[derive(Args)]
pub(crate) struct ListUsers {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// List only users with this role
    #[arg(long, value_parser = PossibleValuesParser::new(domain::role::NAMES))]
    pub(crate) role: Option<String>,

    /// List only users with this status; inactive users cannot sign in
    #[arg(long, value_parser = ["active", "inactive"])]
    pub(crate) status: Option<String>,
}

#[derive(Args)]
pub(crate) struct CreateAdmin {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    /// Name of the person
    #[arg(long)]
    pub(crate) name: String,

    /// E-mail address with which the person signs in
    #[arg(long)]
    pub(crate) email: String,
}

#[derive(Args)]
pub(crate) struct ResetPassword {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Slug of the tenant
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,

    #[command(flatten)]
    pub(crate) account: Account,
}

/// One user of a tenant.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Account {
    /// Id of the user
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<Uuid>,

    /// E-mail address with which the user signs in
    #[arg(long)]
    pub(crate) email: Option<String>,
}
