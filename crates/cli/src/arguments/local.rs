//! The command line for a developer's machine: preparing an installation, serving it, and managing its cluster.
//! The work lives in the crate `local`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::management::Management;
use super::{Target, cell};

/// The application, and the address at which it is served.
#[derive(Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// Manifest of the application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,
}

/// Limits on clients.
#[derive(Args)]
pub(crate) struct ClientLimits {
    /// Largest number of open connections from one client address (or one /64 of IPv6); 0 for no limit, as behind a proxy or an
    /// ingress, where all clients have the same address
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub(crate) connections_per_address: usize,
}

/// The log of a process that serves requests.
#[derive(Args)]
pub(crate) struct HostLog {
    #[command(flatten)]
    pub(crate) options: telemetry::log::Options,

    /// Log each request with its route, status and duration
    #[arg(long)]
    pub(crate) access_log: bool,
}

#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) serve: ServeOptions,

    #[command(flatten)]
    pub(crate) clients: ClientLimits,

    #[command(flatten)]
    pub(crate) identity: cell::Identity,

    #[command(flatten)]
    pub(crate) management: Management,

    #[command(flatten)]
    pub(crate) log: HostLog,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// Manifest of the application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,

    /// Time to continue serving after a signal to stop, while /.well-known/spin/health answers 503 and load balancers turn away
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=600))]
    pub(crate) drain: u64,

    #[command(flatten)]
    pub(crate) clients: ClientLimits,

    #[command(flatten)]
    pub(crate) management: Management,

    #[command(flatten)]
    pub(crate) log: HostLog,
}

#[derive(Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    pub(crate) target: Target,

    #[command(flatten)]
    pub(crate) identity: cell::Identity,

    /// Base URL of the service
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub(crate) base_url: String,
}

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Cluster {
    /// Start the cluster, creating it if there is none
    Start {
        /// Do not force writes to disk: faster, for clusters that are discarded
        #[arg(long = "unsafe")]
        not_durable: bool,
    },
    /// Stop the cluster
    Stop,
    /// Print whether the cluster runs
    Status,
}
