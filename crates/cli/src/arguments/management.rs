//! The options of the management address, which every long-running command has.

use std::net::SocketAddr;

use clap::Args;

#[derive(Args)]
pub(crate) struct Management {
    /// Address on which to serve the metrics of this process, at /metrics; none without it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) management: Option<SocketAddr>,
}
