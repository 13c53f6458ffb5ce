//! Tests the metrics that a process serves on its management address.

mod backups;
mod certificate;
mod deliveries;
mod host;
mod worker;

use std::time::Duration;

use anyhow::{Context, Result};
use tests::{Application, Process, free_address};

/// The wait before a page is read again.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long a process may take until a page is as expected.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads a page until the condition holds for it.
pub(crate) async fn read_until(url: &str, condition: impl Fn(&str) -> bool) -> Result<String> {
    let read = async {
        loop {
            if let Ok(response) = reqwest::get(url).await
                && let Ok(text) = response.text().await
                && condition(&text)
            {
                return text;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, read)
        .await
        .with_context(|| format!("{url} does not become as expected"))
}

/// Reads the metrics of a worker that is started with these environment variables, until the condition holds for them.
async fn worker_metrics(
    app: &Application,
    environment: &[(&str, &str)],
    condition: impl Fn(&str) -> bool,
) -> Result<String> {
    let operators = free_address()?;
    let arguments = ["worker", "--management", &operators.to_string()];
    let _worker = Process::start_in(app, &arguments, &[], environment)?;
    read_until(&format!("http://{operators}/metrics"), condition).await
}

/// Returns the value of the one series that has these labels.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut series = text.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    let (found, further) = (series.next()?, series.next());
    assert_eq!(further, None, "two series");
    found.rsplit(' ').next()?.parse().ok()
}
