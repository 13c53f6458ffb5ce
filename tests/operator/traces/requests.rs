//! Tests the spans of requests, with those of what a request does in the host.

use anyhow::{Result, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use tests::{Collector, Process, Span, free_address, role, run};

use super::{NAME, PARENT, TRACE, request, serve, span_of, variables};

/// Waits for the span of this name below another one.
async fn child_of(collector: &Collector, parent: &Span, name: &str) -> Result<Span> {
    collector
        .wait_for(|span| span.parent == parent.id && span.name == name)
        .await
}

/// Counts the calls of the database below a request.
fn calls_of(collector: &Collector, request: &Span) -> usize {
    let spans = collector.spans().into_iter();
    spans
        .filter(|span| span.parent == request.id && span.name == "CALL lms.run")
        .count()
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
            ("lms.tenant.id", &admin.tenant.to_string()),
        ] {
            assert_eq!(span.attribute(key), expected, "{key}");
        }
        assert_eq!(span.attributes.len(), 7, "{span:?}");
        for (key, expected) in [
            ("service.name", "lms-host"),
            ("deployment.environment.name", "test"),
        ] {
            assert_eq!(span.resource.get(key).map(String::as_str), Some(expected));
        }

        // The first request of a host waits for a connection.
        let wait = collector
            .wait_for(|span| span.name == "wait for connection")
            .await?;
        let first = collector.wait_for(|span| span.id == wait.parent).await?;
        assert_eq!(
            (&wait.trace, wait.kind, first.kind),
            (&first.trace, SpanKind::Internal, SpanKind::Server)
        );
        assert_eq!(wait.attribute("db.system.name"), "postgresql");
        assert_eq!(wait.attributes.len(), 1, "{wait:?}");

        for request in [span, span_of(&collector, "list").await?] {
            let call = child_of(&collector, &request, "CALL lms.run").await?;
            assert_eq!(call.kind, SpanKind::Client);
            assert_eq!(call.trace, TRACE);
            assert_eq!(call.attribute("db.system.name"), "postgresql");
            assert_eq!(call.attribute("db.operation.name"), "CALL");
            assert_eq!(call.attribute("db.query.summary"), "CALL lms.run");
            assert_eq!(call.attributes.len(), 3, "{call:?}");
            assert_eq!(calls_of(&collector, &request), 1);
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
            assert_eq!(calls_of(&collector, &request), 1, "{id}");
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
        let (host, base_url) =
            Process::serve(app, &["--access-log"], &changes, &environment).await?;
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
        for target in [" access: ", " component: "] {
            let mut lines = printed.lines();
            ensure!(
                lines.any(|line| line.contains(target) && line.contains(&span.trace)),
                "{printed:?}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_request_to_a_service_is_a_span_of_the_request_that_needs_it() {
    run(async |app| {
        let collector = Collector::start().await?;
        let (host, base_url) = serve(app, &variables(&collector.url(), "200")).await?;
        let user = app.user(0, role::STUDENT);
        let slug = &app.demo.tenants[0].slug;
        let body = json!({"tenant": slug, "email": user.email, "password": user.password});
        let sign_in = reqwest::Client::new()
            .post(format!("{base_url}/v1/auth/login"))
            .header("x-request-id", "sign-in")
            .json(&body)
            .send()
            .await?;
        ensure!(sign_in.status() == 200, "{}", sign_in.status());
        let request = span_of(&collector, "sign-in").await?;
        assert!(request.parent.is_empty(), "{request:?}");
        let hashing = child_of(&collector, &request, "POST passwords").await?;
        assert_eq!(
            (hashing.trace.as_str(), hashing.kind),
            (request.trace.as_str(), SpanKind::Client)
        );
        for (key, expected) in [
            ("http.request.method", "POST"),
            ("server.address", "passwords.spin.internal"),
            ("component", "passwords"),
            ("http.response.status_code", "200"),
        ] {
            assert_eq!(hashing.attribute(key), expected, "{key}");
        }
        assert_eq!(hashing.attributes.len(), 4, "{hashing:?}");
        // Before the token is made, nobody is authenticated.
        assert_eq!(request.attribute("lms.tenant.id"), "");
        host.stop().await?;
        ensure!(!collector.text().contains(&user.password));
        Ok(())
    });
}
