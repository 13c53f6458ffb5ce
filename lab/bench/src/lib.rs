//! `lab bench`: measures the components on the embedded host beside a native service and the bare statement, in one
//! run on one PostgreSQL. What is measured and how the figures are judged stands in `docs/reference/benchmarks.md`.

mod book;
mod calendar;
mod calls;
mod data;
mod desk;
mod fresh;
mod grounds;
mod latencies;
mod load;
mod operation;
mod own_tenant;
mod person;
mod process;
mod report;
mod rounds;
pub mod seed;
mod server;
mod statement;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use local::cluster::Durability;
use local::installation::{self, Installation};
use local::manifest;
use operations::progress::{Bar, step};

use grounds::Findings;
use operation::Ground;
pub use operation::Operation;
use person::Person;
use report::{Measurement, Report};
use rounds::Bench;
use server::Server;
use statement::Scripts;

/// Connections while the host's memory is looked at.
const MEMORY_CONNECTIONS: usize = 32;

/// Every run works on the same rows.
const SEED: u64 = 1;

/// How to measure.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,

    /// Seconds of each round
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,

    /// Rounds of each service for each line
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_value = "1,8,32", value_parser = clap::value_parser!(u16).range(1..=32))]
    connections: Vec<u16>,

    /// Operations; all of them when none is named
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Operation>,

    /// Tenants to fill the database with, the first time
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(64..))]
    tenants: u64,

    /// Students to fill the database with, the first time
    #[arg(long, default_value_t = 200_000)]
    students: u64,

    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,

    /// Only serve the application here, with variables from the environment: the process that is measured
    #[arg(long, value_name = "ADDRESS", env = "LMS_BENCH_LISTEN", hide = true)]
    serve: Option<SocketAddr>,
}

/// Measures and prints; or serves, when this is the process that is measured.
pub async fn run(state: &Path, options: &Options) -> Result<()> {
    if let Some(address) = options.serve {
        return server::serve(state, &options.manifest, address).await;
    }
    let report = measure(&state.join("bench"), options).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(())
}

async fn measure(state: &Path, options: &Options) -> Result<Report> {
    manifest::check_built(&options.manifest)?;
    let native = server::beside("native-baseline")?;
    let installation = installation::prepare(&installation::Options {
        cell: None,
        neighbours: Vec::new(),
        state: state.to_owned(),
        database_url: None,
        base_url: "http://127.0.0.1".to_owned(),
        durability: Durability::Safe,
    })
    .await?;
    let outcome = tokio::select! {
        outcome = measure_on(state, options, &installation, &native) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    if let Some(cluster) = &installation.cluster {
        cluster.stop().await?;
    }
    outcome
}

async fn measure_on(
    state: &Path,
    options: &Options,
    installation: &Installation,
    native: &Path,
) -> Result<Report> {
    let superuser_url = &installation.demo.database.superuser_url;
    seed::run(
        superuser_url,
        &seed::Options {
            tenants: options.tenants,
            students: options.students,
            seed: SEED,
        },
    )
    .await?;
    let copying = step("Copy of the database");
    let copy = data::copy(superuser_url).await?;
    let mut client = database::connect(&copy).await?;
    let people = data::people(&mut client).await?;
    data::settle(&client).await?;
    copying.done("ready");

    let size = data::size(&copy).await?;
    let (postmaster, postgresql) = data::server(&client).await?;
    drop(client);
    let application_url =
        database::with_database(&installation.demo.database.application_url, data::COPY)?;
    let mut variables = installation.variables.clone();
    variables.insert("database_url".to_owned(), application_url.clone());

    let starting = step("Services");
    let bench = Bench {
        components: Server::components(state, &options.manifest, &variables).await?,
        native: Server::native(native, &variables).await?,
        database: application_url,
        postmaster,
        rounds: options.rounds,
        time: Duration::from_secs(options.seconds),
    };
    starting.done("answer");

    let report = fill(&bench, options, &people, postgresql, size, &copy).await?;
    // Before the server is asked to stop: nobody may still be connected.
    drop(bench);
    data::remove(superuser_url).await?;
    Ok(report)
}

/// All lines of the report.
async fn fill(
    bench: &Bench,
    options: &Options,
    people: &[Person],
    postgresql: String,
    size: data::Size,
    copy: &str,
) -> Result<Report> {
    let mut measurements = Vec::new();
    let mut findings = Findings::default();
    for ground in Ground::ALL {
        let operations = options.operations(ground);
        if operations.is_empty() {
            continue;
        }
        let mut client = database::connect(copy).await?;
        let people = grounds::prepare(ground, bench, &mut client, people, &mut findings).await?;
        measurements.extend(lines(bench, options, &operations, &people).await?);
    }

    let pauses = step("Fresh instances");
    let accounts = operation::sign_in_all(&bench.components, people).await?;
    let fresh_instance =
        fresh::measure(&bench.components, &Operation::Get.source(&accounts)).await?;
    pauses.done("measured");
    Ok(Report {
        postgresql,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        tenants: size.tenants,
        users: size.users,
        measurements,
        growth: findings.growth,
        conflict_check_milliseconds: findings.conflict_check_milliseconds,
        fresh_instance,
        host_resident_megabytes: bench.resident(&accounts, MEMORY_CONNECTIONS).await?,
        wasm_bytes: wasm_bytes(&options.manifest)?,
    })
}

/// The lines of some operations, each at every number of connections.
async fn lines(
    bench: &Bench,
    options: &Options,
    operations: &[Operation],
    people: &[Person],
) -> Result<Vec<Measurement>> {
    let mut bar = Bar::new(
        "Measurements",
        (operations.len() * options.connections.len()) as u64,
    );
    let mut measurements = Vec::new();
    for operation in operations.iter().copied() {
        // Tokens live for 15 minutes, and a long run takes longer.
        let accounts = operation::sign_in_all(&bench.components, people).await?;
        let scripts = calls::scripts(operation, &accounts)?
            .map(|scripts| Scripts::write(scripts.into_iter()))
            .transpose()?;
        for connections in options.connections.iter().copied().map(usize::from) {
            measurements.extend(bench.services(operation, &accounts, connections).await?);
            if let Some(scripts) = &scripts {
                measurements.push(bench.statement(operation, scripts, connections).await?);
            }
            bar.advance(1);
        }
    }
    bar.done();
    Ok(measurements)
}

impl Options {
    /// What is to be measured on the rows of `ground`.
    fn operations(&self, ground: Ground) -> Vec<Operation> {
        let all = if self.only.is_empty() {
            Operation::value_variants()
        } else {
            &self.only
        };
        all.iter()
            .copied()
            .filter(|operation| operation.ground() == ground)
            .collect()
    }
}

/// Size of each component's file, by its name.
fn wasm_bytes(manifest: &Path) -> Result<BTreeMap<String, u64>> {
    manifest::wasm_files(manifest)?
        .into_iter()
        .map(|file| {
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let bytes = file
                .metadata()
                .with_context(|| format!("cannot read {}", file.display()))?
                .len();
            Ok((name, bytes))
        })
        .collect()
}
