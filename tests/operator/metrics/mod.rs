//! Tests the metrics that a process serves on its management address.

mod backups;
mod certificate;
mod deliveries;
mod host;
mod worker;

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::{Application, program, root};
use tokio::process::{Child, Command};

/// The wait before a page is read again.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long a process may take until a page is as expected.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns an address that no one listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Starts a command of `lms` with the variables of the application.
fn start(app: &Application, arguments: &[&str]) -> Result<Child> {
    start_with(app, arguments, &[])
}

/// Starts a command of `lms` with the variables of the application, and with further ones.
pub(crate) fn start_with(
    app: &Application,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Child> {
    let variables = app
        .variables
        .iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
    Ok(Command::new(program())
        .current_dir(root())
        .args(["--state", ".lms/test"])
        .args(arguments)
        .envs(variables)
        .env("DATABASE_URL", &app.superuser_url)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

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
    let _worker = start_with(app, &arguments, environment)?;
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
