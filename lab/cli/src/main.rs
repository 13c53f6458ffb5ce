//! The program `lab`: measurements, a drill and a simulation, which are never shipped. It reads the command line and prints.
//! The work lives in the crates beside this one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bench::seed;
use clap::{Args, Parser, Subcommand};
use local::cluster;

/// As the program that is measured has it: serving makes and drops many small things on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The laboratory of the LMS backend: measures it, drills its recovery, simulates its placement.
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
    /// Measure the application beside a native service on a private PostgreSQL
    Bench(bench::Options),
    /// Lose data on purpose in a cluster made for it, restore to the moment before, compare everything, and print the figures
    Drill(Drill),
    /// What becomes of many tenants that are spread over many cells, of which one is lost
    Placement(placement::Options),
    /// Fill a database with many tenants and students, for measuring
    Seed(Seed),
}

/// What a drill does.
#[derive(Args)]
struct Drill {
    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,

    /// How many writes to acknowledge before the backup, and again after it
    #[arg(long, value_name = "NUMBER", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    writes: u32,
}

#[derive(Args)]
struct Seed {
    /// The database, with a login that may do this; without it, the local cluster
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,

    /// How many tenants
    #[arg(long, default_value_t = 10)]
    tenants: u64,

    /// How many students in all, spread evenly over the tenants
    #[arg(long, default_value_t = 1000)]
    students: u64,

    /// What the rows are made from: the same number gives the same rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
        Command::Seed(options) => fill(state, options).await,
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

async fn fill(state: &Path, options: Seed) -> Result<()> {
    let amount = seed::Options {
        tenants: options.tenants,
        students: options.students,
        seed: options.seed,
    };
    let address = match options.database_url {
        Some(address) => address,
        None => cluster::running(state)
            .await?
            .context(
                "which database? Set DATABASE_URL, or start the local cluster with `lms cluster start`",
            )?
            .superuser_url(),
    };
    let report = seed::run(&address, &amount).await?;
    println!(
        "{} tenants written, {} were there already",
        report.written, report.kept
    );
    Ok(())
}
