//! Tests the spans of jobs and deliveries, and the events that name them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use tests::notifications::{clear_outbox, send_email};
use tests::webhook_fixture::{create_centre_event, create_with_receiver};
use tests::{
    Behaviour, Collector, Printed, Process, StubProvider, free_address, program, role, run,
};
use tokio::process::Command;

use super::{NAME, variables};

/// Returns the first event of a job in a log in JSON that has a trace.
fn event(printed: &Printed, job: &str) -> Result<Value> {
    printed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|event| event["job"] == job && event["trace_id"].is_string())
        .with_context(|| format!("no event of {job} has a trace: {printed:?}"))
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
        let arguments = ["worker", "--log-format", "json"];
        let worker = Process::start_in(app, &arguments, &[], &environment)?;
        for job in ["round", "analytics", "events", "email", "webhooks"] {
            let span = collector.wait_for(|span| span.name == job).await?;
            assert_eq!((span.attribute("worker.job"), span.is_error), (job, false));
            assert!(span.parent.is_empty());
            assert_eq!(
                span.resource.get("service.name").map(String::as_str),
                Some("lms-worker")
            );
        }
        let mut traces = BTreeMap::new();
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
            traces.insert(job, span.trace);
        }
        collector.wait_for_metric("lms.worker.job.duration").await?;
        let printed = worker.stop().await?;
        for (job, trace) in traces {
            ensure!(event(&printed, job)?["trace_id"] == trace, "{printed:?}");
        }
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
fn an_event_of_a_failure_names_the_trace_of_the_execution() {
    run(async |app| {
        let collector = Collector::start().await?;
        let url = collector.url();
        let database = format!("postgres://lms_migrator:x@{}/none", free_address()?);
        let mut environment = variables(&url, "200");
        environment.push(("DATABASE_URL", &database));
        let arguments = ["worker", "--log-format", "json"];
        let mut worker = Process::start_in(app, &arguments, &[], &environment)?;
        worker
            .printed_until("the round fails", |printed| event(printed, "round").is_ok())
            .await?;
        let printed = worker.stop().await?;
        let span = collector.wait_for(|span| span.name == "round").await?;
        assert!(span.is_error, "{span:?}");
        let event = event(&printed, "round")?;
        assert_eq!(
            (&event["level"], &event["trace_id"]),
            (&json!("WARN"), &json!(span.trace))
        );
        Ok(())
    });
}

#[test]
fn jobs_that_run_once_are_spans_too() {
    run(async |app| {
        let collector = Collector::start().await?;
        let url = collector.url();
        let output = Command::new(program())
            .args(["worker", "--once"])
            .env("DATABASE_URL", &app.superuser_url)
            .envs(variables(&url, "3600000"))
            .output()
            .await?;
        ensure!(output.status.success(), "{output:?}");
        for job in ["round", "analytics", "webhooks"] {
            let span = collector.wait_for(|span| span.name == job).await?;
            assert_eq!((span.attribute("worker.job"), span.is_error), (job, false));
            assert!(span.parent.is_empty(), "{span:?}");
        }
        collector.wait_for_metric("lms.worker.job.duration").await
    });
}
