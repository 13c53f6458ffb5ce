//! Executing the commands for a developer's machine: preparing an installation, serving it, and managing its cluster.
//! The work lives in the crate `local`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use local::cluster::{self, Cluster, Durability, Settings, Status};
use local::{cells, doctor, installation, serve, up};
use operations::cell::Definition;
use serde::Serialize;
use telemetry::log::{self, AccessLog, Streams};

use super::{management, report};
use crate::answer::Outcome;
use crate::arguments::cell::Up;
use crate::arguments::local as arguments;

/// The values of the variables of `spin.toml`.
#[derive(Serialize)]
struct Prepared {
    variables: BTreeMap<String, String>,
}

/// A cluster that has been started.
#[derive(Serialize)]
struct Started {
    port: u16,
}

/// The status of the cluster.
#[derive(Serialize)]
struct ClusterStatus {
    status: &'static str,
    process_id: Option<u32>,
}

pub(super) async fn up(state: &Path, arguments: arguments::Up) -> Result<Outcome> {
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
    Ok(Outcome::silent())
}

pub(super) async fn serve(state: &Path, arguments: arguments::Serve) -> Result<Outcome> {
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
    Ok(Outcome::silent())
}

fn start_log(arguments: &arguments::HostLog) {
    let access_log = if arguments.access_log {
        AccessLog::On
    } else {
        AccessLog::Off
    };
    log::start(&arguments.options, Streams::Both, access_log);
}

pub(super) async fn prepare(state: &Path, arguments: arguments::Prepare) -> Result<Outcome> {
    let options = installation::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        cell: arguments.identity.cell,
        base_url: arguments.base_url,
        region_urls: arguments.identity.region_urls,
        durability: Durability::Safe,
    };
    let variables = installation::prepare(&options).await?.variables;
    // No value contains a quote: addresses are URLs, keys are base64url, and the others are constants.
    let exports: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("export SPIN_VARIABLE_{}='{value}'", name.to_uppercase()))
        .collect();
    let prepared = Prepared { variables };
    Ok(Outcome::worded(prepared, exports.join("\n")))
}

pub(super) async fn start_cells(state: &Path, options: Up) -> Result<Outcome> {
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
    Ok(Outcome::silent())
}

pub(super) async fn control_cluster(state: &Path, action: arguments::Cluster) -> Result<Outcome> {
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
            let text = format!("PostgreSQL listens on 127.0.0.1:{}", cluster.port());
            let started = Started {
                port: cluster.port(),
            };
            Ok(Outcome::worded(started, text))
        }
        arguments::Cluster::Stop => {
            let text = match cluster::status(state) {
                Status::Running(_) => {
                    cluster::stop(state).await?;
                    "PostgreSQL is stopped"
                }
                Status::Stopped | Status::Absent => "PostgreSQL is not running",
            };
            Ok(Outcome::worded(status(cluster::status(state)), text))
        }
        arguments::Cluster::Status => {
            let found = cluster::status(state);
            let text = match found {
                Status::Running(process) => format!("running as process {process}"),
                Status::Stopped => "not running".to_owned(),
                Status::Absent => format!("there is no cluster in {}", state.display()),
            };
            let is_fault = !matches!(found, Status::Running(_));
            Ok(Outcome::worded(status(found), text).with_fault(is_fault))
        }
    }
}

fn status(status: Status) -> ClusterStatus {
    let (status, process_id) = match status {
        Status::Running(process) => ("running", Some(process)),
        Status::Stopped => ("stopped", None),
        Status::Absent => ("absent", None),
    };
    ClusterStatus { status, process_id }
}

pub(super) async fn doctor(state: &Path, arguments: arguments::ServeOptions) -> Result<Outcome> {
    let options = doctor::Options {
        state: state.to_owned(),
        database_url: arguments.target.database_url,
        listen: arguments.listen,
        manifest: arguments.manifest,
    };
    Ok(report(doctor::run(&options).await))
}
