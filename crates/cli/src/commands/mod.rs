//! Executing the subcommands: each turns its arguments into a call of a library, and prints the result.
//! The work lives in the crates `database`, `worker`, `operations` and `local`.

mod analytics;
mod backup;
mod cell;
mod events;
#[cfg(feature = "local")]
mod local;
mod management;
mod migrate;
mod privacy;
mod target;
mod tenants;
mod users;
mod worker;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use operations::doctor;

use crate::arguments::cell::Cell;
use crate::arguments::{self, Arguments, Command};
use target::database_url;

pub(crate) async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let state = arguments.state.as_path();
    match arguments.command {
        #[cfg(feature = "local")]
        Command::Up(options) => local::up(state, options).await,
        #[cfg(feature = "local")]
        Command::Prepare(options) => local::prepare(state, options).await,
        #[cfg(feature = "local")]
        Command::Serve(options) => local::serve(state, options).await,
        Command::Migrate(options) => migrate::execute(state, options).await,
        Command::Cell(Cell::Check(directory)) => cell::check(&directory),
        #[cfg(feature = "local")]
        Command::Cell(Cell::Up(options)) => local::start_cells(state, options).await,
        Command::Tenant(command) => tenants::execute(state, command).await,
        Command::User(arguments::User::CreateAdmin(options)) => {
            users::create_admin(state, options).await
        }
        Command::Privacy(action) => privacy::execute(state, action).await,
        Command::Worker(options) => worker::execute(state, options).await,
        Command::Analytics(arguments::Analytics::Refresh(options)) => {
            analytics::refresh(state, options).await
        }
        Command::Events(command) => events::execute(state, command).await,
        Command::Backup(command) => backup::execute(state, command).await,
        #[cfg(feature = "local")]
        Command::Doctor(options) => local::doctor(state, options).await,
        #[cfg(not(feature = "local"))]
        Command::Doctor(target) => doctor(state, target).await,
        #[cfg(feature = "local")]
        Command::Openapi => {
            print_line(serde_json::to_string_pretty(&::local::openapi::document())?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "lms", &mut script);
            print_line(String::from_utf8_lossy(&script).trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "local")]
        Command::Cluster(action) => local::control_cluster(state, action).await,
    }
}

/// Checks the database alone, because this program does not run on a developer's machine.
#[cfg(not(feature = "local"))]
async fn doctor(state: &std::path::Path, target: arguments::Target) -> Result<ExitCode> {
    let checks = match doctor::connect(&database_url(state, target).await?).await {
        Ok(client) => doctor::check(&client).await,
        Err(check) => vec![check],
    };
    report_checks(&checks)
}

/// Prints the checks, and fails when one of them has found something wrong.
fn report_checks(checks: &[doctor::Check]) -> Result<ExitCode> {
    for check in checks {
        print_line(check.line())?;
    }
    Ok(match checks.iter().any(doctor::Check::is_bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Prints a line of the result. Unlike the macro `println`, it returns an error when the reader has closed the pipe (`lms openapi | head`).
fn print_line(line: impl Display) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
