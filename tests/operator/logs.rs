//! Tests the log of long-running commands: its formats, the access log, and the events of components.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Printed, Process, role, run, send};

/// A path that is in no log, because it has an id.
const PATH_WITH_ID: &str = "/v1/users/018f0000-0000-7000-8000-000000000001";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Serves the application with arguments and changed variables, sends a request, and returns what
/// the host has printed until then.
async fn printed_by_host(
    app: &Application,
    arguments: &[&str],
    changes: &[(&str, &str)],
    path: &str,
) -> Result<Printed> {
    let (host, base_url) = Process::serve(app, arguments, changes, &[]).await?;
    let request = app
        .at(base_url)
        .request(Method::GET, path)
        .header("x-request-id", "request-1")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let response = send(request).await?;
    ensure!(response.header("x-request-id") == "request-1");
    host.stop().await
}

/// Returns the events of a log in JSON, all of which have the members that every event has.
fn events(printed: &Printed) -> Result<Vec<Value>> {
    printed
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            let text = |name: &str| event[name].as_str().with_context(|| line.to_owned());
            text("timestamp")?.parse::<DateTime<Utc>>()?;
            ensure!(
                ["ERROR", "WARN", "INFO"].contains(&text("level")?),
                "{line}"
            );
            text("target")?;
            text("message")?;
            Ok(event)
        })
        .collect()
}

fn with_target<'a>(events: &'a [Value], target: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["target"] == target)
        .collect()
}

#[test]
fn a_request_is_one_event_of_the_access_log() {
    run(async |app| {
        let arguments = ["--log-format", "json", "--access-log"];
        let printed = printed_by_host(app, &arguments, &[], PATH_WITH_ID).await?;
        let events = events(&printed)?;
        let [event] = with_target(&events, "access")[..] else {
            anyhow::bail!("{events:#?}")
        };
        for (name, value) in [
            ("level", json!("INFO")),
            ("method", json!("GET")),
            ("route", json!("/v1/users/...")),
            ("component", json!("users")),
            ("status", json!(401)),
            ("request_id", json!("request-1")),
            ("trace_id", json!(TRACE)),
        ] {
            assert_eq!(event[name], value, "{event}");
        }
        ensure!(event["duration_ms"].as_f64() > Some(0.0), "{event}");
        ensure!(event["bytes"].as_u64() > Some(0), "{event}");
        ensure!(!printed.output.contains(PATH_WITH_ID), "{printed:?}");
        Ok(())
    });
}

#[test]
fn the_access_log_has_the_tenant_of_a_valid_token_and_responses_have_not() {
    run(async |app| {
        let admin = app.session(0, role::ADMIN).await?;
        let student = app.session(1, role::STUDENT).await?;
        let options = ["--log-format", "json", "--access-log"];
        let (host, base_url) = Process::serve(app, &options, &[], &[]).await?;
        let client = app.at(base_url);
        let requests = [
            ("list", Some(&admin), "/v1/users", 200, json!(admin.tenant)),
            ("nothing", Some(&student), "/v1/nothing", 404, Value::Null),
            (
                "forbidden",
                Some(&student),
                "/v1/webhooks",
                403,
                json!(student.tenant),
            ),
            ("nobody", None, "/v1/users", 401, Value::Null),
        ];
        for (id, session, path, status, _) in &requests {
            let mut request = client
                .request(Method::GET, path)
                .header("x-request-id", *id)
                .header("want-tenant-id", "1");
            if let Some(session) = session {
                request = request.bearer_auth(&session.token);
            }
            let reply = send(request).await?.expect(*status);
            assert_eq!(reply.header("tenant-id"), "", "{id}");
        }
        let events = events(&host.stop().await?)?;
        for (id, _, _, _, tenant) in requests {
            let access = with_target(&events, "access");
            let event = access.iter().find(|event| event["request_id"] == id);
            let event = event.with_context(|| format!("{id}: {events:#?}"))?;
            assert_eq!(event["tenant_id"], tenant, "{event}");
        }
        Ok(())
    });
}

#[test]
fn requests_are_not_logged_unless_the_access_log_is_on() {
    run(async |app| {
        let printed = printed_by_host(app, &[], &[], PATH_WITH_ID).await?;
        // Without a terminal, nothing but the event of the start is printed, and it has no colours.
        let [line] = printed.lines().collect::<Vec<_>>()[..] else {
            anyhow::bail!("{printed:?}")
        };
        ensure!(line.contains(" INFO lms: loaded the components"), "{line}");
        ensure!(!line.contains('\u{1b}'), "{line:?}");
        Ok(())
    });
}

#[test]
fn an_event_of_a_component_is_one_of_the_host() {
    run(async |app| {
        let unreachable = [("database_url", "postgres://nobody@127.0.0.1:1/nothing")];
        let printed =
            printed_by_host(app, &["--log-format", "json"], &unreachable, "/readyz").await?;
        let events = events(&printed)?;
        let [event] = with_target(&events, "component")[..] else {
            anyhow::bail!("{events:#?}")
        };
        for (name, value) in [
            ("level", json!("ERROR")),
            ("component", json!("users")),
            ("operation", json!("health.ready")),
            ("status", json!(503)),
            ("request_id", json!("request-1")),
            ("trace_id", json!(TRACE)),
        ] {
            assert_eq!(event[name], value, "{event}");
        }
        ensure!(printed.errors.contains("\"component\""), "{printed:?}");
        Ok(())
    });
}

#[test]
fn the_worker_logs_in_json() {
    run(async |app| {
        let mut worker = Process::start(app, &["worker", "--log-format", "json"], &[])?;
        let waiting = "no provider delivers such notifications";
        worker
            .printed_until("the worker runs", |printed| {
                printed.output.contains(waiting)
            })
            .await?;
        let events = events(&worker.stop().await?)?;
        let event = with_target(&events, "worker::notifications")
            .into_iter()
            .find(|event| event["job"] == "email");
        ensure!(
            event.is_some_and(|event| event["level"] == "INFO"),
            "{events:#?}"
        );
        Ok(())
    });
}
