//! `lab bench`: measures the components on the embedded host against a native service and the bare SQL statement, in one run
//! on one PostgreSQL. `docs/reference/benchmarks.md` describes the measurements and their targets.

mod bench_tenant;
mod calendar;
mod client_account;
mod database_copy;
mod datasets;
mod delay_proxy;
mod fresh_instance;
mod latencies;
mod ledger;
mod load;
mod operation;
mod pgbench;
mod process;
mod report;
mod requests;
mod rounds;
pub mod seed;
mod server;
mod sql_scripts;
mod tables;

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

use client_account::ClientAccount;
use datasets::GrowthResults;
use operation::Dataset;
pub use operation::Operation;
use pgbench::Scripts;
use report::{Measurement, Report};
use rounds::Bench;
use server::{Services, Settings};

/// The number of connections while the host's memory is measured.
const MEMORY_CONNECTIONS: usize = 32;

/// The longest delay of a packet, with which the slowest operation still ends before its timeout.
const MAX_DATABASE_DELAY: Duration = Duration::from_secs(1);

/// The seed of the database, the same in every run.
const SEED: u64 = 1;

/// The options of a measurement.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,

    /// Seconds of each round
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,

    /// Rounds of each service for each measurement
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_value = "1,8,32", value_parser = clap::value_parser!(u16).range(1..=32))]
    connections: Vec<u16>,

    /// How long packets are held in each direction where the database is a network away, in milliseconds
    #[arg(long, value_name = "TIME", default_value = "0.5ms", value_parser = parse_milliseconds)]
    database_delay: Duration,

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

    /// Serve the application at this address with variables from the environment, as the measured process
    #[arg(long, value_name = "ADDRESS", env = "LMS_BENCH_LISTEN", hide = true)]
    serve: Option<SocketAddr>,
}

/// Measures and prints a report, or serves the application if this is the measured process.
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
    let native = server::sibling_program("native-baseline")?;
    let installation = installation::prepare(&installation::Options {
        cell: None,
        region_urls: Vec::new(),
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
    let copy = database_copy::create(superuser_url).await?;
    let mut client = database::connect(&copy).await?;
    let accounts = database_copy::create_accounts(&mut client).await?;
    database_copy::vacuum_and_checkpoint(&client).await?;
    copying.done("ready");

    let size = database_copy::size(&copy).await?;
    let (postmaster, postgresql) = database_copy::server(&client).await?;
    drop(client);
    let application_url = database::with_database(
        &installation.demo.database.application_url,
        database_copy::DATABASE_NAME,
    )?;
    let mut variables = installation.variables.clone();
    variables.insert("database_url".to_owned(), application_url.clone());

    let starting = step("Services");
    let settings = Settings {
        state: state.to_owned(),
        manifest: options.manifest.clone(),
        native: native.to_owned(),
        variables,
    };
    let bench = Bench {
        nearby: Services::start(&settings, None).await?,
        settings,
        database_delay: options.database_delay,
        database_url: application_url,
        postmaster,
        rounds: options.rounds,
        time: Duration::from_secs(options.seconds),
    };
    starting.done("answer");

    let report = measure_all(&bench, options, &accounts, postgresql, size, &copy).await?;
    // The services disconnect before their database is dropped.
    drop(bench);
    database_copy::remove(superuser_url).await?;
    Ok(report)
}

/// Measures all operations and returns the report.
async fn measure_all(
    bench: &Bench,
    options: &Options,
    tenant_accounts: &[ClientAccount],
    postgresql: String,
    size: database_copy::Size,
    copy: &str,
) -> Result<Report> {
    let mut measurements = Vec::new();
    let mut growth_results = GrowthResults::default();
    for dataset in Dataset::ALL {
        let operations = options.operations(dataset);
        if operations.is_empty() {
            continue;
        }
        let mut client = database::connect(copy).await?;
        let accounts = datasets::prepare(
            dataset,
            bench,
            &mut client,
            tenant_accounts,
            &mut growth_results,
        )
        .await?;
        measurements.extend(measure_operations(bench, options, &operations, &accounts).await?);
    }

    let pauses = step("Fresh instances");
    let accounts = operation::sign_in_all(&bench.nearby.components, tenant_accounts).await?;
    let fresh_instance = fresh_instance::measure(
        &bench.nearby.components,
        &Operation::GetUser.source(&accounts),
    )
    .await?;
    pauses.done("measured");
    Ok(Report {
        postgresql,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        tenants: size.tenants,
        users: size.users,
        database_delay_milliseconds: options.database_delay.as_micros() as f64 / 1000.0,
        measurements,
        growth: growth_results.growth,
        conflict_check_milliseconds: growth_results.conflict_check_milliseconds,
        fresh_instance,
        host_resident_megabytes: bench.resident_memory(&accounts, MEMORY_CONNECTIONS).await?,
        wasm_bytes: wasm_bytes(&options.manifest)?,
    })
}

/// Measures operations, each at every number of connections.
async fn measure_operations(
    bench: &Bench,
    options: &Options,
    operations: &[Operation],
    client_accounts: &[ClientAccount],
) -> Result<Vec<Measurement>> {
    let mut bar = Bar::new(
        "Measurements",
        (operations.len() * options.connections.len()) as u64,
    );
    let mut measurements = Vec::new();
    for operation in operations.iter().copied() {
        // Tokens expire after 15 minutes, and a long run takes longer.
        let accounts = operation::sign_in_all(&bench.nearby.components, client_accounts).await?;
        let scripts = sql_scripts::scripts(operation, &accounts)?
            .map(|scripts| Scripts::write(scripts.into_iter()))
            .transpose()?;
        let distant = bench.distant_services(operation).await?;
        for connections in options.connections.iter().copied().map(usize::from) {
            measurements.extend(
                bench
                    .services(operation, &accounts, connections, distant.as_ref())
                    .await?,
            );
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
    /// Returns the selected operations on a dataset.
    fn operations(&self, dataset: Dataset) -> Vec<Operation> {
        let all = if self.only.is_empty() {
            Operation::value_variants()
        } else {
            &self.only
        };
        all.iter()
            .copied()
            .filter(|operation| operation.dataset() == dataset)
            .collect()
    }
}

/// Parses a time in milliseconds, such as `0.5ms`.
fn parse_milliseconds(text: &str) -> Result<Duration, String> {
    text.strip_suffix("ms")
        .and_then(|number| number.parse::<f64>().ok())
        .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1000.0).ok())
        .filter(|time| *time <= MAX_DATABASE_DELAY && !time.is_zero())
        .ok_or_else(|| {
            format!(
                "write a time of up to {} ms, such as 0.5ms",
                MAX_DATABASE_DELAY.as_millis()
            )
        })
}

/// Returns the size of each component's file, by its name.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_a_number_of_milliseconds() {
        assert_eq!(parse_milliseconds("0.5ms"), Ok(Duration::from_micros(500)));
        assert_eq!(parse_milliseconds("20ms"), Ok(Duration::from_millis(20)));
        for wrong in ["0.5", "0ms", "-1ms", "ms", "1001ms", "NaNms", "1s"] {
            assert!(parse_milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
