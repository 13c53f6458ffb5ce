//! Tests the traces and the metrics that a process exports to a collector.

use anyhow::{Result, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use tests::notifications::{clear_outbox, send_email};
use tests::webhook_fixture::{create_centre_event, create_with_receiver};
use tests::{
    Application, Behaviour, Collector, Process, Session, Span, StubProvider, free_address, role,
    run,
};

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

/// Starts a host in an environment, and returns it with its base URL once it serves.
async fn serve(app: &Application, environment: &[(&str, &str)]) -> Result<(Process, String)> {
    serve_changed(app, &[], environment).await
}

/// Starts a host with changed variables in an environment.
async fn serve_changed(
    app: &Application,
    changes: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> Result<(Process, String)> {
    let address = free_address()?.to_string();
    let arguments = [
        "serve",
        "--listen",
        &address,
        "--drain",
        "0",
        "--access-log",
    ];
    let mut host = Process::start_in(app, &arguments, changes, environment)?;
    host.printed_until("the host listens", |printed| {
        printed.output.contains(&address)
    })
    .await?;
    Ok((host, format!("http://{address}")))
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
fn a_request_and_its_statement_are_spans_of_the_clients_trace() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (_host, base_url) = serve(app, &variables(&collector.url(), "200")).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::STUDENT);
        let read = request(&admin, format!("{base_url}/v1/users/{}", user.id), "read");
        ensure!(read.send().await?.status() == 200);
        let list = request(&admin, format!("{base_url}/v1/users?name={NAME}"), "list");
        ensure!(list.send().await?.status() == 200);

        let span = span_of(&collector, "read").await?;
        assert_eq!(
            (span.name.as_str(), span.kind),
            ("GET /v1/users/...", SpanKind::Server)
        );
        assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, PARENT));
        assert!(!span.is_error);
        for (key, expected) in [
            ("http.request.method", "GET"),
            ("http.route", "/v1/users/..."),
            ("http.response.status_code", "200"),
            ("component", "users"),
            ("url.scheme", "http"),
        ] {
            assert_eq!(span.attribute(key), expected, "{key}");
        }
        assert_eq!(span.attributes.len(), 6, "{span:?}");
        for (key, expected) in [
            ("service.name", "lms-host"),
            ("deployment.environment.name", "test"),
        ] {
            assert_eq!(span.resource.get(key).map(String::as_str), Some(expected));
        }

        for request in [span, span_of(&collector, "list").await?] {
            let call = collector.wait_for(|span| span.parent == request.id).await?;
            assert_eq!(
                (call.name.as_str(), call.kind),
                ("CALL lms.run", SpanKind::Client)
            );
            assert_eq!(call.trace, TRACE);
            assert_eq!(call.attribute("db.system.name"), "postgresql");
            assert_eq!(call.attribute("db.operation.name"), "CALL");
            assert_eq!(call.attribute("db.query.summary"), "CALL lms.run");
            assert_eq!(call.attributes.len(), 3, "{call:?}");
            let calls = collector
                .spans()
                .into_iter()
                .filter(|span| span.parent == request.id);
            assert_eq!(calls.count(), 1);
        }
        collector
            .wait_for_metric("http.server.request.duration")
            .await?;
        collector
            .wait_for_metric("db.client.connection.count")
            .await
    });
}

#[test]
fn each_of_many_concurrent_requests_has_its_own_statement() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (host, base_url) = serve(app, &variables(&collector.url(), "200")).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let ids: Vec<String> = (0..64)
            .map(|number| format!("concurrent-{number}"))
            .collect();
        let requests = ids
            .iter()
            .map(|id| request(&admin, format!("{base_url}/v1/users"), id).send());
        for response in futures::future::try_join_all(requests).await? {
            ensure!(response.status() == 200, "{}", response.status());
        }
        host.stop().await?;
        for id in &ids {
            let request = span_of(&collector, id).await?;
            let spans = collector.spans().into_iter();
            let calls = spans.filter(|span| span.parent == request.id);
            assert_eq!(calls.count(), 1, "{id}");
        }
        Ok(())
    });
}

#[test]
fn what_people_typed_and_ids_are_in_no_span_and_no_metric() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (host, base_url) = serve(app, &variables(&collector.url(), "200")).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::STUDENT).id.to_string();
        let urls = ["/v1/users/", "/v1/nothing/", "/v1/users?name=zebrafish&id="];
        for (number, path) in urls.into_iter().enumerate() {
            let url = format!("{base_url}{path}{user}");
            request(&admin, url, &format!("r{number}")).send().await?;
        }
        let body =
            json!({"name": NAME, "code": "zebra-fish", "time_zone": "UTC", "currency": "EUR"});
        let created = reqwest::Client::new()
            .post(format!("{base_url}/v1/centres"))
            .bearer_auth(&admin.token)
            .header("x-request-id", "create")
            .json(&body)
            .send()
            .await?;
        ensure!(created.status() == 201, "{}", created.status());
        let other_method = reqwest::Method::from_bytes(b"ZEBRAFISH")?;
        reqwest::Client::new()
            .request(other_method, format!("{base_url}/v1/users"))
            .send()
            .await?;
        host.stop().await?;
        span_of(&collector, "create").await?;
        span_of(&collector, "r2").await?;
        let text = collector.text().to_lowercase();
        for secret in ["zebra", &user, &admin.user.to_string(), &admin.token] {
            ensure!(
                !text.contains(&secret.to_lowercase()),
                "{secret} was exported"
            );
        }
        Ok(())
    });
}

#[test]
fn a_request_that_fails_is_an_error_and_begins_a_trace_of_its_own() {
    run(async |app| {
        let collector = Collector::start().await?;
        let endpoint = collector.url();
        let mut environment = variables(&endpoint, "200");
        let unreachable = free_address()?;
        let (url, port) = (
            format!("postgres://lms_application:x@{unreachable}/none"),
            unreachable.port().to_string(),
        );
        let changes = [
            ("database_url", url.as_str()),
            ("database_host", "127.0.0.1"),
            ("database_port", port.as_str()),
        ];
        environment.push(("OTEL_SERVICE_NAME", "cell-7"));
        let (host, base_url) = serve_changed(app, &changes, &environment).await?;
        let response = reqwest::get(format!("{base_url}/readyz")).await?;
        ensure!(response.status() == 503, "{}", response.status());
        let status = "http.response.status_code";
        let span = collector
            .wait_for(|span| span.attribute(status) == "503")
            .await?;
        assert!(span.is_error && span.parent.is_empty(), "{span:?}");
        assert_eq!(span.attribute("error.type"), "503");
        assert_eq!(
            span.resource.get("service.name").map(String::as_str),
            Some("cell-7")
        );
        // The log names the same trace.
        let printed = host.stop().await?;
        ensure!(
            printed.lines().any(|line| line.contains(&span.trace)),
            "{printed:?}"
        );
        Ok(())
    });
}

#[test]
fn jobs_and_deliveries_of_the_worker_are_spans() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (admin, receiver, _) = create_with_receiver(app, Behaviour::Accepts).await?;
        create_centre_event(app, &admin, NAME).await?;
        clear_outbox(app).await?;
        send_email(app, &admin, app.user(0, role::STUDENT).id, NAME).await?;
        let provider = StubProvider::start(Behaviour::Rejects(422)).await?;
        let directory = tempfile::tempdir()?;
        let key = directory.path().join("key");
        std::fs::write(&key, "re_secret\n")?;
        let (url, provider_url, key) = (collector.url(), provider.url(), key.display().to_string());
        let mut environment = variables(&url, "200");
        environment.extend([
            ("LMS_EMAIL_PROVIDER", "resend"),
            ("LMS_EMAIL_URL", provider_url.as_str()),
            ("LMS_EMAIL_KEY_FILE", key.as_str()),
            ("LMS_EMAIL_SENDER", "LMS <no-reply@example.com>"),
            ("LMS_WEBHOOK_NETWORKS", "127.0.0.0/8"),
        ]);
        let worker = Process::start_in(app, &["worker"], &[], &environment)?;
        for job in ["round", "analytics", "events", "email", "webhooks"] {
            let span = collector.wait_for(|span| span.name == job).await?;
            assert_eq!((span.attribute("worker.job"), span.is_error), (job, false));
            assert!(span.parent.is_empty());
            assert_eq!(
                span.resource.get("service.name").map(String::as_str),
                Some("lms-worker")
            );
        }
        for (job, is_error, status) in [("email", true, ""), ("webhooks", false, "200")] {
            let span = collector
                .wait_for(|span| span.name == format!("deliver {job}"))
                .await?;
            assert_eq!(
                (span.kind, span.is_error),
                (SpanKind::Client, is_error),
                "{span:?}"
            );
            assert_eq!(span.attribute("http.response.status_code"), status);
            assert_eq!(span.attribute("lms.tenant.id"), admin.tenant.to_string());
            assert_eq!(span.attribute("lms.delivery.attempt"), "1");
            let execution = collector.wait_for(|other| other.id == span.parent).await?;
            assert_eq!(execution.name, job);
        }
        collector.wait_for_metric("lms.worker.job.duration").await?;
        worker.stop().await?;
        for sent in [receiver.received_requests(), provider.received_requests()].concat() {
            assert_eq!(sent.header("traceparent"), "");
        }
        let text = collector.text();
        for secret in [NAME, "re_secret", &receiver.url(), &provider.url()] {
            ensure!(!text.contains(secret), "{secret} was exported");
        }
        Ok(())
    });
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
