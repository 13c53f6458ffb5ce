//! What each subcommand does: arguments in, one call of the library, a few printed lines out.

mod backup;
mod cell;
mod events;
mod tenants;

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::Utc;
use clap::CommandFactory;
use cli::analytics::View;
use cli::cluster::{self, Durability, Settings, Status};
use cli::delivery::{self, Providers};
use cli::migrate;
use cli::worker::Intervals;
use cli::{
    analytics, bench, database, doctor, installation, openapi, placement, privacy, seed, serve, up,
    user, webhooks, worker,
};

use crate::arguments::{self, Arguments, Command, Target};

pub(crate) async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let state = arguments.state.as_path();
    match arguments.command {
        Command::Up(options) => up(state, options).await,
        Command::Prepare(options) => prepare(state, options).await,
        Command::Serve(options) => serve(state, options).await,
        Command::Migrate(options) => migrate(state, options).await,
        Command::Cell(action) => cell::execute(state, action).await,
        Command::Tenant(command) => tenants::execute(state, command).await,
        Command::User(arguments::User::CreateAdmin(options)) => create_admin(state, options).await,
        Command::Privacy(action) => privacy(state, action).await,
        Command::Worker(options) => work(state, options).await,
        Command::Analytics(arguments::Analytics::Refresh(options)) => refresh(state, options).await,
        Command::Events(command) => events::execute(state, command).await,
        Command::Backup(command) => backup::execute(state, command).await,
        Command::Drill(options) => backup::drill(state, options).await,
        Command::Seed(options) => seed(state, options).await,
        Command::Placement(options) => {
            say(placement::run(&options)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(options) => {
            bench::run(state, &options).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(options) => doctor(state, options).await,
        Command::Openapi => {
            say(serde_json::to_string_pretty(&openapi::document())?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "lms", &mut script);
            say(String::from_utf8_lossy(&script).trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Cluster(action) => control_cluster(state, action).await,
    }
}

async fn up(state: &Path, arguments: arguments::Up) -> Result<ExitCode> {
    let options = up::Options {
        state: state.to_owned(),
        database_url: arguments.serving.target.database_url,
        cell: arguments.place.cell,
        neighbours: arguments.place.neighbours,
        listen: arguments.serving.listen,
        manifest: arguments.serving.manifest,
        connections_per_address: NonZeroUsize::new(arguments.clients.connections_per_address),
    };
    up::run(&options).await?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(state: &Path, arguments: arguments::Serve) -> Result<ExitCode> {
    serve::run(serve::Options {
        state: state.to_owned(),
        listen: arguments.listen,
        manifest: arguments.manifest,
        drain: Duration::from_secs(arguments.drain),
        connections_per_address: NonZeroUsize::new(arguments.clients.connections_per_address),
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn prepare(state: &Path, arguments: arguments::Prepare) -> Result<ExitCode> {
    let options = installation::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        cell: arguments.place.cell,
        base_url: arguments.base_url,
        neighbours: arguments.place.neighbours,
        durability: Durability::Safe,
    };
    for (name, value) in installation::prepare(&options).await?.variables {
        // No value holds a quote: addresses are URLs, keys are base64url, the rest is ours.
        say(format_args!(
            "export SPIN_VARIABLE_{}='{value}'",
            name.to_uppercase()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
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
        say(format_args!("{verb} {}", migration.label()))?;
    }
    if applied.is_empty() {
        say(format_args!(
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

async fn control_cluster(state: &Path, action: arguments::Cluster) -> Result<ExitCode> {
    match action {
        arguments::Cluster::Start { not_durable } => {
            let durability = if not_durable {
                Durability::Unsafe
            } else {
                Durability::Safe
            };
            let cluster = cluster::Cluster::start(&Settings {
                directory: state.to_owned(),
                durability,
            })
            .await?;
            say(format_args!(
                "PostgreSQL listens on 127.0.0.1:{}",
                cluster.port()
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Stop => {
            match cluster::status(state) {
                Status::Running(_) => cluster::stop(state).await?,
                Status::Stopped | Status::Absent => say("PostgreSQL does not run")?,
            }
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Status => Ok(match cluster::status(state) {
            Status::Running(process) => {
                say(format_args!("runs as process {process}"))?;
                ExitCode::SUCCESS
            }
            Status::Stopped => {
                say("does not run")?;
                ExitCode::FAILURE
            }
            Status::Absent => {
                say(format_args!("there is no cluster in {}", state.display()))?;
                ExitCode::FAILURE
            }
        }),
    }
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
    say(user::create_admin(&mut client, &new).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// From a prompt, twice, or from standard input when that is no terminal: never from an argument, which others can see.
fn ask_password() -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").context("cannot read the password")?;
    cli::password::check(&password)?;
    if rpassword::prompt_password("Once more: ").context("cannot read the password")? != password {
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
            say(format_args!("written to {}", options.output.display()))?;
        }
        arguments::Privacy::Erase(options) => {
            let address = address(state, options.target).await?;
            say(privacy::erase(&address, &options.tenant, options.user, &options.reason).await?)?;
        }
        arguments::Privacy::Verify(options) => {
            let address = address(state, options.target).await?;
            say(privacy::verify(&address, &options.receipt, options.tenant.as_deref()).await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn work(state: &Path, arguments: arguments::Worker) -> Result<ExitCode> {
    let couriers = worker::Couriers {
        providers: Providers::new(&arguments.delivery)?,
        sender: webhooks::Sender::new(&arguments.webhooks)?,
    };
    let address = address(state, arguments.target).await?;
    if !arguments.once {
        let intervals = Intervals {
            rounds: Duration::from_secs(arguments.interval.max(1)),
            refreshes: Duration::from_secs(arguments.refresh_interval.max(1)),
        };
        worker::work_until_stopped(address, intervals, couriers).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = arguments.now.unwrap_or_else(Utc::now);
    let report = worker::round(&address, now).await?;
    say(&report)?;
    refresh_views(&address, &View::ALL).await?;
    say(delivery::round(&address, &couriers.providers).await?)?;
    say(webhooks::round(&address, &couriers.sender, now).await?)?;
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
        say(analytics::refresh(&client, *view).await?)?;
    }
    Ok(())
}

async fn seed(state: &Path, arguments: arguments::Seed) -> Result<ExitCode> {
    let options = seed::Options {
        tenants: arguments.tenants,
        students: arguments.students,
        seed: arguments.seed,
    };
    let report = seed::run(&address(state, arguments.target).await?, &options).await?;
    say(format_args!(
        "{} tenants written, {} were there already",
        report.written, report.kept
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn doctor(state: &Path, arguments: arguments::Serving) -> Result<ExitCode> {
    let options = doctor::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        listen: arguments.listen,
        manifest: arguments.manifest,
    };
    let checks = doctor::run(&options).await;
    for check in &checks {
        say(check.line())?;
    }
    Ok(match checks.iter().filter(|check| check.is_bad()).count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The database that was named, or the local cluster's when it runs.
async fn address(state: &Path, target: Target) -> Result<String> {
    if let Some(address) = target.database_url {
        return Ok(address);
    }
    match cluster::status(state) {
        Status::Running(_) => {
            let settings = Settings {
                directory: state.to_owned(),
                durability: Durability::Safe,
            };
            Ok(cluster::Cluster::start(&settings).await?.superuser_url())
        }
        Status::Stopped | Status::Absent => {
            bail!(
                "which database? Set DATABASE_URL, or start the local cluster with `lms cluster start`"
            )
        }
    }
}

/// Prints a line of result. Unlike the macro it does not panic when nobody reads on (`lms openapi | head`).
fn say(line: impl Display) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
