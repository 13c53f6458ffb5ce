//! The program `lab`: parses the command line of the benchmarks, the recovery drill and the placement simulation, and prints
//! their reports. The work is done in the crates `bench`, `drill` and `placement`, none of which is shipped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bench::seed;
use clap::{Args, Parser, Subcommand};
use local::cluster;
use telemetry::log::{self, AccessLog, Streams};

/// The allocator of `lms`, so that the measured process has the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks, recovery drills and placement simulations for the LMS backend.
#[derive(Parser)]
#[command(name = "lab", version, about)]
struct Arguments {
    /// Directory for the local cluster, its secrets and caches
    #[arg(long, global = true, value_name = "DIRECTORY", default_value = ".lms")]
    state: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the application against a native service on a private PostgreSQL
    Bench(bench::Options),
    /// Lose data on purpose in a temporary cluster, restore it to the moment before, compare every table, and print the figures
    Drill(Drill),
    /// Simulate the placement of tenants on cells and the loss of one cell
    Placement(placement::Options),
    /// Fill a database with many tenants and students for benchmarks
    Seed(Seed),
}

/// The options of a drill.
#[derive(Args)]
struct Drill {
    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,

    /// The number of writes before the backup, and again after it
    #[arg(long, value_name = "NUMBER", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    writes: u32,
}

#[derive(Args)]
struct Seed {
    /// The database to fill, with a superuser's login; the local cluster by default
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,

    /// The number of tenants
    #[arg(long, default_value_t = 10)]
    tenants: u64,

    /// The total number of students, spread evenly over the tenants
    #[arg(long, default_value_t = 1000)]
    students: u64,

    /// The seed of the generator: the same seed gives the same rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start(
        &log::Options::default(),
        Streams::StandardError,
        AccessLog::Off,
    );
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(execute(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> Result<()> {
    let state = arguments.state.as_path();
    match arguments.command {
        Command::Bench(options) => bench::run(state, &options).await,
        Command::Drill(options) => run_drill(state, options).await,
        Command::Placement(options) => {
            println!("{}", placement::run(&options)?);
            Ok(())
        }
        Command::Seed(options) => run_seed(state, options).await,
    }
}

async fn run_drill(state: &Path, options: Drill) -> Result<()> {
    let options = drill::Options {
        directory: cluster::state_directory(state)?.join("drill"),
        cache: state.join("cache"),
        manifest: options.manifest,
        writes: options.writes,
    };
    println!("{}", drill::run(&options).await?);
    Ok(())
}

async fn run_seed(state: &Path, options: Seed) -> Result<()> {
    let amount = seed::Options {
        tenants: options.tenants,
        students: options.students,
        seed: options.seed,
    };
    let database_url = match options.database_url {
        Some(database_url) => database_url,
        None => cluster::running(state)
            .await?
            .context(
                "no database is given: set DATABASE_URL, or start the local cluster with `lms cluster start`",
            )?
            .superuser_url(),
    };
    let report = seed::run(&database_url, &amount).await?;
    println!(
        "{} tenants written, {} existed already",
        report.written, report.kept
    );
    Ok(())
}
