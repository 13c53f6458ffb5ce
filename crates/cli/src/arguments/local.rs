//! The command line of what only a developer's machine does: preparing an installation, serving it, looking after its cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Target, cell};

/// What is served, and where.
#[derive(Args)]
pub(crate) struct Serving {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,
}

/// Limits that clients have to keep to.
#[derive(Args)]
pub(crate) struct Clients {
    /// How many connections one client address (of IPv6, one /64) may have open; 0 for no limit, as behind a proxy or an ingress,
    /// where all clients have its address
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub(crate) connections_per_address: usize,
}

#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) serving: Serving,

    #[command(flatten)]
    pub(crate) clients: Clients,

    #[command(flatten)]
    pub(crate) place: cell::Place,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// The application
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub(crate) manifest: PathBuf,

    /// How long to go on serving after being told to stop, while /.well-known/spin/health answers 503 and balancers turn away
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=600))]
    pub(crate) drain: u64,

    #[command(flatten)]
    pub(crate) clients: Clients,
}

#[derive(Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    pub(crate) target: Target,

    #[command(flatten)]
    pub(crate) place: cell::Place,

    /// Where the service will answer
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub(crate) base_url: String,
}

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Cluster {
    /// Start it, making it first if there is none
    Start {
        /// Force nothing to disk: faster, for clusters that are thrown away
        #[arg(long = "unsafe")]
        not_durable: bool,
    },
    /// Stop it
    Stop,
    /// Say whether it runs
    Status,
}
