//! `lms serve`: serves the application on an existing database, with variables from the same environment variables as Spin, so
//! that no secret is a command-line argument. Preparing a local database is left to `up`.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use worker::stop::Stop;

use crate::{cluster, manifest, open_files, readiness, runtime};

/// The paths of the health checks, which are served even when all other requests have to wait.
pub const HEALTH_CHECK_PATHS: [&str; 2] = ["/healthz", readiness::PATH];

/// The options of `lms serve`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state directory, whose `cache` has the compiled components.
    pub state: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The application's manifest.
    pub manifest: PathBuf,
    /// The time to continue serving after a signal, while load balancers stop sending requests.
    pub drain: Duration,
    /// The maximum number of connections per client address, unlimited without it.
    pub connections_per_address: Option<NonZeroUsize>,
    /// True when somebody reads the metrics of this process.
    pub is_measured: bool,
}

/// Serves until SIGINT or SIGTERM, then drains and finishes the requests in flight. A second signal stops at once.
pub async fn run(options: Options) -> Result<()> {
    manifest::check_built(&options.manifest)?;
    open_files::raise_limit();
    let cache = cluster::state_directory(&options.state)?.join("cache");
    let mut stop = Stop::new()?;
    let mut second_signal = Stop::new()?;
    let began = Instant::now();
    let manifest = options.manifest;
    let application = tokio::task::spawn_blocking(move || {
        runtime::new(&cache)?.load(&manifest, host::variables_from_environment())
    })
    .await
    .context("loading the components was interrupted")??;
    // The port opens last, so that a program that waits for it finds a ready host.
    let listener = listen(options.listen).await?;
    let base_url = base_url(&listener)?;
    let seconds = began.elapsed().as_secs_f64();
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    tracing::info!(target: "lms", "loaded the components in {seconds:.1} s, and listens on {address}");
    let served = application
        .with_health_check_paths(&HEALTH_CHECK_PATHS)
        .with_max_connections_per_address(options.connections_per_address)
        .with_drain_duration(options.drain)
        .serve(listener, async move { stop.received().await });
    tokio::select! {
        served = served => served,
        () = async { second_signal.received().await; second_signal.received().await } => Ok(()),
        measured = readiness::measure(&base_url), if options.is_measured => measured,
    }
}

/// Listens on an address, and suggests a remedy if that fails.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is in use: stop the program that listens there (ss -ltnp shows it), or choose another port with --listen"
        ),
        ErrorKind::PermissionDenied => anyhow!("{address} requires privileges: choose a port above 1023 with --listen"),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

/// Returns a URL at which this machine reaches a listener.
pub(crate) fn base_url(listener: &TcpListener) -> Result<String> {
    let mut reachable = listener
        .local_addr()
        .context("the listener has no address")?;
    if reachable.ip().is_unspecified() {
        reachable.set_ip(if reachable.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    Ok(format!("http://{reachable}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_error_for_a_port_in_use_suggests_a_remedy() {
        let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = listen(taken.local_addr().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("--listen"), "{error}");
    }

    #[tokio::test]
    async fn the_base_url_of_an_unspecified_address_is_the_loopback_address() {
        for (address, host) in [
            ("127.0.0.1:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("[::]:0", "[::1]"),
        ] {
            let listener = listen(address.parse().unwrap()).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(
                base_url(&listener).unwrap(),
                format!("http://{host}:{port}")
            );
        }
    }
}
