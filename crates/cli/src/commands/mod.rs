//! Executing the subcommands: each turns its arguments into a call of a library, and returns the answer.
//! The work lives in the crates `database`, `worker`, `operations` and `local`; answers are printed in `answer`.

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

use anyhow::Result;
use clap::CommandFactory;
use operations::doctor::Check;

use crate::answer::{Lines, Outcome};
use crate::arguments::cell::Cell;
use crate::arguments::{self, Arguments, Command};
use target::database_url;

pub(crate) async fn execute(arguments: Arguments) -> Result<Outcome> {
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
        Command::User(command) => users::execute(state, command).await,
        Command::Privacy(action) => privacy::execute(state, action).await,
        Command::Worker(options) => worker::execute(state, *options).await,
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
            let document = ::local::openapi::document();
            let text = serde_json::to_string_pretty(&document)?;
            Ok(Outcome::worded(document, text))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "lms", &mut script);
            Ok(Outcome::answer(
                String::from_utf8_lossy(&script).trim_end().to_owned(),
            ))
        }
        #[cfg(feature = "local")]
        Command::Cluster(action) => local::control_cluster(state, action).await,
    }
}

/// Checks the database alone, because this program does not run on a developer's machine.
#[cfg(not(feature = "local"))]
async fn doctor(state: &std::path::Path, target: arguments::Target) -> Result<Outcome> {
    use operations::doctor;

    let checks = match doctor::connect(&database_url(state, target).await?).await {
        Ok(client) => doctor::check(&client).await,
        Err(check) => vec![check],
    };
    Ok(report(checks))
}

/// The answer of `lms doctor`, which fails when one of the checks has found something wrong.
fn report(checks: Vec<Check>) -> Outcome {
    let is_fault = checks.iter().any(Check::is_bad);
    Outcome::answer(Lines::new("checks", checks)).with_fault(is_fault)
}
