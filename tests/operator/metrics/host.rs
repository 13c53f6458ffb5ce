//! Tests the metrics of the host: requests, connections, instances and readiness.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tests::fault_injection::database_name_and_server;
use tests::{Application, Process, free_address, run};

use super::{read_until, value};

/// A path that is in no label, because it has an id.
const PATH_WITH_ID: &str = "/v1/users/018f0000-0000-7000-8000-000000000001";

/// Starts a host, and returns its address and its management address.
fn serve(app: &Application) -> Result<(Process, SocketAddr, SocketAddr)> {
    let (clients, operators) = (free_address()?, free_address()?);
    let (listen, management) = (clients.to_string(), operators.to_string());
    let arguments = ["serve", "--listen", &listen, "--management", &management];
    let host = Process::start(app, &arguments, &[])?;
    Ok((host, clients, operators))
}

#[test]
fn the_host_measures_requests_by_component_route_and_status() {
    run(async |app| {
        let (_host, clients, operators) = serve(app)?;
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
fn the_host_measures_whether_it_is_ready_and_why_it_has_no_connection() {
    run(async |app| {
        let (_host, _, operators) = serve(app)?;
        let metrics = format!("http://{operators}/metrics");
        let is =
            |expected: f64| move |text: &str| value(text, "lms_host_ready", &[]) == Some(expected);
        let text = read_until(&metrics, is(1.0)).await?;
        let users = ["component=\"users\""];
        ensure!(
            value(&text, "lms_host_instances", &users) >= Some(1.0),
            "{text}"
        );

        let (name, server) = database_name_and_server(app).await?;
        let close = format!("alter database {name} allow_connections false");
        server.batch_execute(&close).await?;
        server
            .execute(
                "select pg_terminate_backend(a.pid, 5000)
                from pg_stat_activity as a
                where a.datname = $1",
                &[&name],
            )
            .await?;
        let text = read_until(&metrics, is(0.0)).await?;
        let rejected = ["reason=\"rejected\""];
        ensure!(
            value(&text, "lms_host_connection_failures_total", &rejected) >= Some(1.0),
            "{text}"
        );
        ensure!(
            value(&text, "db_client_connection_timeouts_total", &[]) == Some(0.0),
            "{text}"
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
