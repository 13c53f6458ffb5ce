//! How much longer the first request to a fresh instance takes than one to an instance that is warm.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::latencies::Latencies;
use super::load::{Client, Source};
use super::report::FreshInstance;
use super::server::Server;

/// Longer than the host keeps an instance that nobody calls, so that the next request meets a fresh one.
const IDLE: Duration = Duration::from_millis(1500);
/// First requests that are measured.
const SAMPLES: usize = 20;
/// Requests to the same instance behind each first one.
const FOLLOWING: usize = 20;

/// Measures on one connection that stays open.
pub(super) async fn measure(server: &Server, source: &Source) -> Result<FreshInstance> {
    let mut client = Client::connect(server.address).await?;
    let mut fresh = Latencies::new()?;
    let mut warm = Latencies::new()?;
    let mut count = 0;
    for _ in 0..SAMPLES {
        tokio::time::sleep(IDLE).await;
        for following in 0..=FOLLOWING {
            let began = Instant::now();
            client
                .send(source(0, count))
                .await
                .context("the host does not answer after a pause")?;
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
        fresh_worst_milliseconds: fresh.longest(),
    })
}
