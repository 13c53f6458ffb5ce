//! Executing the subcommands: each turns its arguments into a call of a library, and prints the result.
//! The work lives in the crates `database`, `worker`, `operations` and `local`.

mod backup;
mod cell;
mod events;
#[cfg(feature = "local")]
mod local;
mod target;
mod tenants;

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::Utc;
use clap::CommandFactory;
use database::analytics::{self, View};
use database::migrate;
use operations::{doctor, privacy, user};
use worker::notifications::{self, Providers};
use worker::{Intervals, Senders, webhooks};

use crate::arguments::cell::Cell;
use crate::arguments::{self, Arguments, Command};
use target::address;

pub(crate) async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let state = arguments.state.as_path();
    match arguments.command {
        #[cfg(feature = "local")]
        Command::Up(options) => local::up(state, options).await,
        #[cfg(feature = "local")]
        Command::Prepare(options) => local::prepare(state, options).await,
        #[cfg(feature = "local")]
        Command::Serve(options) => local::serve(state, options).await,
        Command::Migrate(options) => migrate(state, options).await,
        Command::Cell(Cell::Check(directory)) => cell::check(&directory),
        #[cfg(feature = "local")]
        Command::Cell(Cell::Up(options)) => local::start_cells(state, options).await,
        Command::Tenant(command) => tenants::execute(state, command).await,
        Command::User(arguments::User::CreateAdmin(options)) => create_admin(state, options).await,
        Command::Privacy(action) => privacy(state, action).await,
        Command::Worker(options) => work(state, options).await,
        Command::Analytics(arguments::Analytics::Refresh(options)) => refresh(state, options).await,
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

async fn migrate(state: &Path, arguments: arguments::Migrate) -> Result<ExitCode> {
    let mut passwords = Vec::new();
    for (role, file) in [
        ("lms_application", &arguments.application_password_file),
        ("lms_migrator", &arguments.migrator_password_file),
    ] {
        if let Some(file) = file {
            passwords.push((role, read_password(file)?));
        }
    }
    let options = migrate::Options {
        cell: arguments.cell,
        dry_run: arguments.dry_run,
        passwords,
    };
    let migrations = migrate::embedded()?;
    let applied = migrate::run(
        &address(state, arguments.target).await?,
        &migrations,
        &options,
    )
    .await?;
    let verb = if options.dry_run {
        "would apply"
    } else {
        "applied"
    };
    for migration in &applied {
        print_line(format_args!("{verb} {}", migration.label()))?;
    }
    if applied.is_empty() {
        print_line(format_args!(
            "nothing to apply: the schema is at {}",
            migrations
                .last()
                .map(migrate::Migration::label)
                .unwrap_or_default()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_password(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the password in {}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("the password file {} is empty", file.display());
    }
    Ok(password.to_owned())
}

async fn create_admin(state: &Path, arguments: arguments::CreateAdmin) -> Result<ExitCode> {
    let address = address(state, arguments.target).await?;
    let password = ask_password()?;
    let mut client = database::connect(&address).await?;
    let new = user::New {
        tenant: arguments.tenant,
        name: arguments.name,
        email: arguments.email,
        password,
    };
    print_line(user::create_admin(&mut client, &new).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a password from a prompt, twice, or from standard input when that is not a terminal. It is never an argument, which other
/// accounts could see.
fn ask_password() -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").context("cannot read the password")?;
    operations::password::check(&password)?;
    if rpassword::prompt_password("Repeat the password: ").context("cannot read the password")?
        != password
    {
        bail!("the two passwords differ: try again");
    }
    Ok(password)
}

async fn privacy(state: &Path, action: arguments::Privacy) -> Result<ExitCode> {
    match action {
        arguments::Privacy::Export(options) => {
            let address = address(state, options.target).await?;
            let document = privacy::export(&address, &options.tenant, options.user).await?;
            privacy::write(&options.output, &document)?;
            print_line(format_args!("written to {}", options.output.display()))?;
        }
        arguments::Privacy::Erase(options) => {
            let address = address(state, options.target).await?;
            print_line(
                privacy::erase(&address, &options.tenant, options.user, &options.reason).await?,
            )?;
        }
        arguments::Privacy::Verify(options) => {
            let address = address(state, options.target).await?;
            print_line(
                privacy::verify(&address, &options.receipt, options.tenant.as_deref()).await?,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn work(state: &Path, arguments: arguments::Worker) -> Result<ExitCode> {
    let senders = Senders {
        notifications: Providers::new(&arguments.notifications)?,
        webhooks: webhooks::Sender::new(&arguments.webhooks)?,
    };
    let address = address(state, arguments.target).await?;
    if !arguments.once {
        let intervals = Intervals {
            rounds: Duration::from_secs(arguments.interval.max(1)),
            refreshes: Duration::from_secs(arguments.refresh_interval.max(1)),
        };
        worker::run_until_stopped(address, intervals, senders).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = arguments.now.unwrap_or_else(Utc::now);
    let report = worker::run_once(&address, now).await?;
    print_line(&report)?;
    refresh_views(&address, &View::ALL).await?;
    print_line(notifications::run_once(&address, &senders.notifications).await?)?;
    print_line(webhooks::run_once(&address, &senders.webhooks, now).await?)?;
    Ok(if report.has_failures() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn refresh(state: &Path, arguments: arguments::Refresh) -> Result<ExitCode> {
    let address = address(state, arguments.target).await?;
    match arguments.view {
        Some(view) => refresh_views(&address, &[view]).await?,
        None => refresh_views(&address, &View::ALL).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn refresh_views(address: &str, views: &[View]) -> Result<()> {
    let client = database::connect(address).await?;
    for view in views {
        print_line(analytics::refresh(&client, *view).await?)?;
    }
    Ok(())
}

/// Checks the database alone, because this program does not run on a developer's machine.
#[cfg(not(feature = "local"))]
async fn doctor(state: &Path, target: arguments::Target) -> Result<ExitCode> {
    let checks = match doctor::connect(&address(state, target).await?).await {
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
