//! Executing the commands for a developer's machine: preparing an installation, serving it, and managing its cluster.
//! The work lives in the crate `local`.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use local::cluster::{self, Cluster, Durability, Settings, Status};
use local::{cells, doctor, installation, serve, up};
use operations::cell::Definition;
use telemetry::log::{self, AccessLog};

use super::{management, print_line, report_checks};
use crate::arguments::cell::Up;
use crate::arguments::local as arguments;

pub(super) async fn up(state: &Path, arguments: arguments::Up) -> Result<ExitCode> {
    start_log(&arguments.log);
    let export = management::start(&arguments.management, "lms-host").await?;
    let options = up::Options {
        state: state.to_owned(),
        database_url: arguments.serve.target.database_url,
        cell: arguments.identity.cell,
        region_urls: arguments.identity.region_urls,
        listen: arguments.serve.listen,
        manifest: arguments.serve.manifest,
        connections_per_address: NonZeroUsize::new(arguments.clients.connections_per_address),
        is_measured: export.is_measured(),
    };
    up::run(&options).await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn serve(state: &Path, arguments: arguments::Serve) -> Result<ExitCode> {
    start_log(&arguments.log);
    let export = management::start(&arguments.management, "lms-host").await?;
    serve::run(serve::Options {
        state: state.to_owned(),
        listen: arguments.listen,
        manifest: arguments.manifest,
        drain: Duration::from_secs(arguments.drain),
        connections_per_address: NonZeroUsize::new(arguments.clients.connections_per_address),
        is_measured: export.is_measured(),
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

fn start_log(arguments: &arguments::HostLog) {
    let access_log = if arguments.access_log {
        AccessLog::On
    } else {
        AccessLog::Off
    };
    log::start(&arguments.options, access_log);
}

pub(super) async fn prepare(state: &Path, arguments: arguments::Prepare) -> Result<ExitCode> {
    let options = installation::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        cell: arguments.identity.cell,
        base_url: arguments.base_url,
        region_urls: arguments.identity.region_urls,
        durability: Durability::Safe,
    };
    for (name, value) in installation::prepare(&options).await?.variables {
        // No value contains a quote: addresses are URLs, keys are base64url, and the others are constants.
        print_line(format_args!(
            "export SPIN_VARIABLE_{}='{value}'",
            name.to_uppercase()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn start_cells(state: &Path, options: Up) -> Result<ExitCode> {
    // Only defined cells can be started.
    for name in &options.names {
        Definition::load(&options.directory.cells, name.as_str())?;
    }
    cells::run(&cells::Options {
        state: state.join("cells"),
        names: options.names,
        port: options.port,
        manifest: options.manifest,
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn control_cluster(state: &Path, action: arguments::Cluster) -> Result<ExitCode> {
    match action {
        arguments::Cluster::Start { not_durable } => {
            let durability = if not_durable {
                Durability::Unsafe
            } else {
                Durability::Safe
            };
            let cluster = Cluster::start(&Settings {
                directory: state.to_owned(),
                durability,
            })
            .await?;
            print_line(format_args!(
                "PostgreSQL listens on 127.0.0.1:{}",
                cluster.port()
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Stop => {
            match cluster::status(state) {
                Status::Running(_) => cluster::stop(state).await?,
                Status::Stopped | Status::Absent => print_line("PostgreSQL is not running")?,
            }
            Ok(ExitCode::SUCCESS)
        }
        arguments::Cluster::Status => Ok(match cluster::status(state) {
            Status::Running(process) => {
                print_line(format_args!("running as process {process}"))?;
                ExitCode::SUCCESS
            }
            Status::Stopped => {
                print_line("not running")?;
                ExitCode::FAILURE
            }
            Status::Absent => {
                print_line(format_args!("there is no cluster in {}", state.display()))?;
                ExitCode::FAILURE
            }
        }),
    }
}

pub(super) async fn doctor(state: &Path, arguments: arguments::ServeOptions) -> Result<ExitCode> {
    let options = doctor::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        listen: arguments.listen,
        manifest: arguments.manifest,
    };
    let checks = doctor::run(&options).await;
    report_checks(&checks)
}
