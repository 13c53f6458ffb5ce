//! The program `lms`: reads the command line, calls the library, prints errors and sets the exit code.

mod arguments;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use cli::cluster::{self, Durability, Settings, Status};
use cli::installation;
use cli::migrate::{self, Cell};

use arguments::{Arguments, Command, Target};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verbose = arguments.verbose;
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(execute(arguments)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            report(&error, verbose);
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let state = arguments.state.as_path();
    match arguments.command {
        Command::Prepare(options) => prepare(state, options).await,
        Command::Migrate(options) => migrate(state, options).await,
        Command::Cluster(action) => control_cluster(state, action).await,
    }
}

async fn prepare(state: &Path, arguments: arguments::Prepare) -> Result<ExitCode> {
    let options = installation::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        base_url: arguments.base_url,
        durability: Durability::Safe,
    };
    for (name, value) in installation::prepare(&options).await?.variables {
        // No value holds a quote: addresses are URLs, keys are base64url, the rest is ours.
        println!("export SPIN_VARIABLE_{}='{value}'", name.to_uppercase());
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
        cell: arguments
            .region
            .zip(arguments.retention)
            .map(|(region, retention)| Cell { region, retention }),
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
        println!("{verb} {}", migration.label());
    }
    if applied.is_empty() {
        println!(
            "nothing to apply: all {} migrations are in the database",
            migrations.len()
        );
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
            println!("PostgreSQL listens on 127.0.0.1:{}", cluster.port());
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Stop => {
            match cluster::status(state) {
                Status::Running(_) => cluster::stop(state).await?,
                Status::Stopped | Status::Absent => println!("PostgreSQL does not run"),
            }
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Status => Ok(match cluster::status(state) {
            Status::Running(process) => {
                println!("runs as process {process}");
                ExitCode::SUCCESS
            }
            Status::Stopped => {
                println!("does not run");
                ExitCode::FAILURE
            }
            Status::Absent => {
                println!("there is no cluster in {}", state.display());
                ExitCode::FAILURE
            }
        }),
    }
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

/// One line with the first and the last cause; every cause when asked.
fn report(error: &anyhow::Error, verbose: bool) {
    let outer = error.to_string();
    let root = error.root_cause().to_string();
    if outer == root {
        eprintln!("error: {outer}");
    } else {
        eprintln!("error: {outer}: {root}");
    }
    if verbose {
        for cause in error.chain().skip(1) {
            eprintln!("  because: {cause}");
        }
    }
}
