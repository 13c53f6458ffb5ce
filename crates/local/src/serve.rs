//! `lms serve`: the application and nothing else, on a database that stands already. It prepares nothing, and takes the values of its
//! variables from where Spin takes them, so that no secret is an argument.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use operations::progress::step;
use tokio::net::TcpListener;
use worker::stop::Stop;

use crate::{cluster, descriptors, manifest};

/// The paths by which others learn whether the process lives and can serve. They are answered when everything else has to wait.
pub const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory whose `cache` keeps compiled components.
    pub state: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The application.
    pub manifest: PathBuf,
    /// How long to go on serving after being told to stop, while balancers turn away.
    pub drain: Duration,
    /// How many connections a client address may have open; none for as many as it likes.
    pub connections_per_address: Option<NonZeroUsize>,
}

/// Serves until SIGINT or SIGTERM, drains, and finishes the requests in flight. A second signal waits for nothing.
pub async fn run(options: Options) -> Result<()> {
    manifest::check_built(&options.manifest)?;
    descriptors::allow_as_many_as_may_be();
    let cache = cluster::state_directory(&options.state)?.join("cache");
    let mut stop = Stop::new()?;
    let mut impatience = Stop::new()?;
    let step = step("Components");
    let manifest = options.manifest;
    let application = tokio::task::spawn_blocking(move || {
        host::Runtime::new(&cache)?.load(&manifest, host::variables_from_environment())
    })
    .await
    .context("loading the components was interrupted")??;
    // Whoever waits for the port finds a host that serves.
    let listener = listen(options.listen).await?;
    step.done("loaded");
    let served = application
        .with_health_check_paths(&HEALTH)
        .with_max_connections_per_address(options.connections_per_address)
        .with_drain_duration(options.drain)
        .serve(listener, async move { stop.received().await });
    tokio::select! {
        served = served => served,
        () = async { impatience.received().await; impatience.received().await } => Ok(()),
    }
}

/// Takes an address, or says who may have it.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is in use: stop the program that listens there (ss -ltnp shows it), or choose another port with --listen"
        ),
        ErrorKind::PermissionDenied => anyhow!("{address} takes privileges: choose a port above 1023 with --listen"),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = listen(taken.local_addr().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("--listen"), "{error}");
    }
}
