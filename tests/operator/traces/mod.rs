//! Tests that a process exports traces and metrics to a collector, as its variables say. The spans of
//! the host and of the worker are in the files below.

mod requests;
mod worker;

use anyhow::{Result, ensure};
use tests::{Application, Collector, Process, Session, Span, free_address, role, run};

/// A client's trace, and its span.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A name that a person typed.
const NAME: &str = "zebrafish";

/// The variables of an export to this collector, at these intervals in milliseconds.
fn variables<'a>(url: &'a str, interval: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_BSP_SCHEDULE_DELAY", interval),
        ("OTEL_METRIC_EXPORT_INTERVAL", interval),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
    ]
}

/// Starts a host with an access log in an environment, and returns it with its base URL.
async fn serve(app: &Application, environment: &[(&str, &str)]) -> Result<(Process, String)> {
    Process::serve(app, &["--access-log"], &[], environment).await
}

/// Returns a request of a session in the client's trace.
fn request(session: &Session, url: String, id: &str) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .get(url)
        .bearer_auth(&session.token)
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("tracestate", format!("vendor={NAME}"))
        .header("x-request-id", id)
}

/// Waits for the span of the request with this id.
async fn span_of(collector: &Collector, id: &str) -> Result<Span> {
    let key = "http.response.header.x-request-id";
    collector.wait_for(|span| span.attribute(key) == id).await
}

#[test]
fn what_is_left_is_exported_before_the_process_ends() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (host, base_url) = serve(app, &variables(&collector.url(), "3600000")).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let last = request(&admin, format!("{base_url}/v1/users"), "last")
            .send()
            .await?;
        ensure!(last.status() == 200);
        host.stop().await?;
        span_of(&collector, "last").await?;
        collector
            .wait_for_metric("http.server.request.duration")
            .await
    });
}

#[test]
fn an_unreachable_collector_fails_no_request_and_is_reported_once() {
    run(async |app| {
        let url = format!("http://{}", free_address()?);
        let mut environment = variables(&url, "50");
        environment.push(("OTEL_METRICS_EXPORTER", "none"));
        let (mut host, base_url) = serve(app, &environment).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let users = format!("{base_url}/v1/users");
        let line = "traces cannot be exported";
        ensure!(request(&admin, users.clone(), "r").send().await?.status() == 200);
        host.printed_until("the collector is reported", |printed| {
            printed.errors.contains(line)
        })
        .await?;
        // The span of this request is not exported either, before the process ends.
        ensure!(request(&admin, users, "r").send().await?.status() == 200);
        let printed = host.stop().await?;
        let lines = printed.errors.matches(line).count();
        ensure!(lines == 1, "{printed:?}");
        Ok(())
    });
}

#[test]
fn without_the_variables_nothing_is_sent() {
    run(async |app| {
        let collector = Collector::start().await?;
        let url = collector.url();
        let admin = app.sign_in(role::ADMIN).await?;
        let mut disabled = variables(&url, "50");
        disabled.push(("OTEL_SDK_DISABLED", "true"));
        // Without an endpoint, whatever an exporter sent to its usual one would come through this
        // proxy.
        let unset = vec![
            ("http_proxy", url.as_str()),
            ("no_proxy", ""),
            ("NO_PROXY", ""),
        ];
        for environment in [disabled, unset] {
            let (host, base_url) = serve(app, &environment).await?;
            let read = request(&admin, format!("{base_url}/v1/users"), "read")
                .send()
                .await?;
            ensure!(read.status() == 200);
            host.stop().await?;
        }
        assert_eq!(collector.request_count(), 0);
        Ok(())
    });
}

#[test]
fn another_protocol_is_refused_with_the_remedy() {
    run(async |app| {
        let url = format!("http://{}", free_address()?);
        let mut environment = variables(&url, "200");
        environment.push(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
        let mut worker = Process::start_in(app, &["worker"], &[], &environment)?;
        worker
            .printed_until("the protocol is refused", |printed| {
                printed.errors.contains("error: ") && printed.errors.contains("http/protobuf")
            })
            .await?;
        Ok(())
    });
}
