//! Measures the latency of the first request to a fresh instance and of the requests that follow it.
//! The connections are in `load`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::latencies::Latencies;
use super::load::{Client, Source};
use super::report::FreshInstance;
use super::server::Server;

/// A pause longer than the host's idle timeout for instances, so that the next request gets a fresh one.
const PAUSE: Duration = Duration::from_millis(1500);
/// The number of first requests that are measured.
const SAMPLES: usize = 20;
/// The number of requests to the same instance after each first one.
const FOLLOWING: usize = 20;

/// Measures on one connection that stays open.
pub(super) async fn measure(server: &Server, source: &Source) -> Result<FreshInstance> {
    let mut client = Client::connect(server.address).await?;
    let mut fresh = Latencies::new()?;
    let mut warm = Latencies::new()?;
    let mut count = 0;
    for _ in 0..SAMPLES {
        tokio::time::sleep(PAUSE).await;
        for following in 0..=FOLLOWING {
            let began = Instant::now();
            client
                .send(source(0, count))
                .await
                .context("the host does not respond after a pause")?;
            let latency = began.elapsed();
            if following == 0 {
                fresh.record(latency)
            } else {
                warm.record(latency)
            };
            count += 1;
        }
    }
    Ok(FreshInstance {
        samples: SAMPLES,
        fresh_p50_milliseconds: fresh.quantile(0.5),
        warm_p50_milliseconds: warm.quantile(0.5),
        fresh_worst_milliseconds: fresh.max(),
    })
}
