//! Tests the metrics that a process serves on its management address.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{Application, program, root, run};
use tokio::process::{Child, Command};

/// The wait before a page is read again.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long a process may take until a page is as expected.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A path that is in no label, because it has an id.
const PATH_WITH_ID: &str = "/v1/users/018f0000-0000-7000-8000-000000000001";

/// Returns an address that no one listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Starts a command of `lms` with the variables of the application.
fn start(app: &Application, arguments: &[&str]) -> Result<Child> {
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
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

/// Reads a page until the condition holds for it.
async fn read_until(url: &str, condition: impl Fn(&str) -> bool) -> Result<String> {
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

/// Returns the value of the one series that has these labels.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut series = text.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('{'))
            && labels.iter().all(|label| line.contains(label))
    });
    let (found, further) = (series.next()?, series.next());
    assert_eq!(further, None, "two series");
    found.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_host_measures_requests_by_component_route_and_status() {
    run(async |app| {
        let (clients, operators) = (free_address()?, free_address()?);
        let (listen, management) = (clients.to_string(), operators.to_string());
        let _host = start(
            app,
            &["serve", "--listen", &listen, "--management", &management],
        )?;
        read_until(&format!("http://{clients}/readyz"), |_| true).await?;
        for path in ["/v1/users", PATH_WITH_ID, "/nothing"] {
            reqwest::get(format!("http://{clients}{path}")).await?;
        }
        let metrics = format!("http://{operators}/metrics");
        let text = read_until(&metrics, |_| true).await?;
        let count = "http_server_request_duration_seconds_count";
        for (labels, expected) in [
            (
                [
                    "component=\"users\"",
                    "http_route=\"/v1/users/...\"",
                    "http_response_status_code=\"401\"",
                ],
                2.0,
            ),
            (
                [
                    "component=\"docs\"",
                    "http_route=\"/...\"",
                    "http_response_status_code=\"404\"",
                ],
                1.0,
            ),
        ] {
            let counted = value(&text, count, &labels);
            ensure!(counted == Some(expected), "{labels:?}: {counted:?}\n{text}");
        }
        ensure!(!text.contains(PATH_WITH_ID), "a path is a label: {text}");
        // The health check has taken a connection, and has given it back.
        let idle = ["db_client_connection_state=\"idle\""];
        ensure!(
            value(&text, "db_client_connection_count", &idle) >= Some(1.0),
            "{text}"
        );
        ensure!(
            text.contains("db_client_connection_wait_time_seconds_count"),
            "{text}"
        );
        let other = reqwest::get(format!("http://{operators}/v1/users")).await?;
        assert_eq!(other.status(), 404);
        Ok(())
    });
}

#[test]
fn the_worker_measures_its_jobs() {
    run(async |app| {
        let operators = free_address()?;
        let _worker = start(app, &["worker", "--management", &operators.to_string()])?;
        let last_success = "lms_worker_job_last_success_seconds";
        let succeeded = |text: &str| {
            ["round", "analytics", "events", "webhooks"]
                .iter()
                .all(|job| value(text, last_success, &[&format!("job=\"{job}\"")]).is_some())
        };
        let text = read_until(&format!("http://{operators}/metrics"), succeeded).await?;
        let labels = ["job=\"round\"", "outcome=\"success\""];
        assert_eq!(
            value(&text, "lms_worker_job_duration_seconds_count", &labels),
            Some(1.0)
        );
        Ok(())
    });
}

#[test]
fn clients_cannot_read_metrics() {
    run(async |app| {
        let response = reqwest::get(format!("{}/metrics", app.base_url)).await?;
        assert_eq!(response.status(), 404);
        Ok(())
    });
}
