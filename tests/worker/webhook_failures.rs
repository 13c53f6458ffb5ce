//! Tests failing receivers: retries over days, disabled webhooks, and no delays for others.

use anyhow::{Context, ensure};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tests::{Behaviour, StubProvider, queries, role, run, webhook_fixture};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use worker::webhooks;

/// A timeout that exceeds every successful wait.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

fn time(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(value.as_str().context("a time")?.parse()?)
}

#[test]
fn failed_deliveries_are_retried_over_days_and_then_given_up() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Rejects(500)).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let mut now = Utc::now();
        for (index, seconds) in [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
            .into_iter()
            .enumerate()
        {
            let report = webhook_fixture::deliver_due(app, now).await?;
            assert_eq!(
                (report.sent, report.retried, report.dead_letters),
                (0, 1, 0),
                "{report}"
            );
            assert!(report.reasons.contains_key("answered 500"), "{report}");
            let delivery = webhook_fixture::get_deliveries(app, &admin, &hook)
                .await?
                .remove(0);
            assert_eq!(
                (&delivery["status"], &delivery["attempts"]),
                (&json!("waiting"), &json!(index + 1))
            );
            assert_eq!(
                (&delivery["last_status"], &delivery["last_error"]),
                (&json!(500), &json!("answered 500"))
            );
            let next = time(&delivery["next_attempt_at"])?;
            let wait = (next - now).as_seconds_f64();
            let usual = f64::from(seconds);
            // The measured wait includes the time of the delivery itself.
            assert!(
                (usual * 0.9..=usual * 1.1 + 60.0).contains(&wait),
                "{index}: {wait}"
            );
            if seconds > 60 {
                // No attempt is made before its time.
                assert!(
                    webhook_fixture::deliver_due(app, next - Duration::seconds(60))
                        .await?
                        .is_empty()
                );
            }
            now = next + Duration::seconds(1);
        }
        let report = webhook_fixture::deliver_due(app, now).await?;
        assert_eq!((report.retried, report.dead_letters), (0, 1), "{report}");
        assert_eq!(receiver.request_count(), 10);
        let delivery = webhook_fixture::get_deliveries(app, &admin, &hook)
            .await?
            .remove(0);
        assert_eq!(delivery["status"], "failed");
        assert!(
            delivery["failed_at"].is_string() && delivery["next_attempt_at"].is_null(),
            "{delivery}"
        );
        // The attempts took three days, and a webhook is disabled after five.
        assert_eq!(
            webhook_fixture::get_webhook(app, &admin, &hook).await?["status"],
            "active"
        );
        assert!(
            webhook_fixture::deliver_due(app, now + Duration::days(1))
                .await?
                .is_empty()
        );
        Ok(())
    });
}

#[test]
fn a_receiver_that_fails_for_five_days_is_disabled_and_admins_are_notified() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Rejects(503)).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        // All attempts but the last have been made.
        let sql = "update lms.webhook_deliveries set attempts = 9 where webhook_id = $1";
        queries::execute(app, sql, &[&hook.id]).await?;
        let later = Utc::now() + Duration::days(6);
        let report = webhook_fixture::deliver_due(app, later).await?;
        assert_eq!(report.dead_letters, 1, "{report}");
        let disabled = webhook_fixture::get_webhook(app, &admin, &hook).await?;
        assert_eq!(disabled["status"], "disabled");
        let reason = webhook_fixture::text_of(&disabled["disabled_reason"]);
        assert!(
            reason.contains("5 days") && reason.contains("answered 503"),
            "{reason}"
        );
        assert!(time(&disabled["disabled_at"])? >= later);

        webhook_fixture::seal_events(app, &admin).await?;
        let events = "lms.event_log where entity_id = $1 and kind = 'webhook.updated'
            and state ->> 'status' = 'disabled' and actor is null and request_id = 'webhooks'";
        assert_eq!(queries::count(app, events, &[&hook.id]).await?, 1);
        let warnings = "lms.notifications where user_id = $1 and template = 'webhook_disabled'";
        assert_eq!(
            queries::count(app, warnings, &[&app.user(0, role::ADMIN).id]).await?,
            1
        );
        let other_tenant_warnings =
            "lms.notifications where tenant_id <> $1 and template = 'webhook_disabled'";
        assert_eq!(
            queries::count(app, other_tenant_warnings, &[&admin.tenant]).await?,
            0
        );

        // Events that happen meanwhile are sent when the webhook is enabled.
        webhook_fixture::create_centre_event(app, &admin, "hillside").await?;
        assert!(webhook_fixture::deliver_due(app, later).await?.is_empty());
        receiver.set_behaviour(Behaviour::Accepts);
        webhook_fixture::post_action(app, &admin, &hook, "enable", None)
            .await?
            .expect(200);
        assert_eq!(webhook_fixture::deliver_due(app, Utc::now()).await?.sent, 1);
        Ok(())
    });
}

#[test]
fn a_receiver_that_responds_with_410_is_disabled_at_once() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Rejects(410)).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        assert_eq!(
            webhook_fixture::deliver_due(app, Utc::now())
                .await?
                .dead_letters,
            1
        );
        let disabled = webhook_fixture::get_webhook(app, &admin, &hook).await?;
        assert_eq!(disabled["status"], "disabled");
        assert!(
            webhook_fixture::text_of(&disabled["disabled_reason"]).contains("410"),
            "{disabled}"
        );
        webhook_fixture::create_centre_event(app, &admin, "hillside").await?;
        assert!(
            webhook_fixture::deliver_due(app, Utc::now() + Duration::days(1))
                .await?
                .is_empty()
        );
        assert_eq!(receiver.request_count(), 1);
        Ok(())
    });
}

#[test]
fn retry_after_of_a_receiver_is_respected() {
    run(async |app| {
        let (admin, _receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::RateLimits(3600)).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let now = Utc::now();
        assert_eq!(webhook_fixture::deliver_due(app, now).await?.retried, 1);
        let delivery = webhook_fixture::get_deliveries(app, &admin, &hook)
            .await?
            .remove(0);
        let wait = time(&delivery["next_attempt_at"])? - now;
        assert!(
            wait >= Duration::minutes(60) && wait < Duration::minutes(65),
            "{wait}"
        );
        Ok(())
    });
}

#[test]
fn failing_receivers_do_not_delay_others() {
    run(async |app| {
        let (admin, good, _hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        let hanging = StubProvider::start(Behaviour::Hangs).await?;
        let absent = StubProvider::unreachable(Behaviour::Accepts).await?;
        let nonsense = TcpListener::bind("127.0.0.1:0").await?;
        let address = nonsense.local_addr()?;
        let talking = tokio::spawn(async move {
            while let Ok((mut stream, _)) = nonsense.accept().await {
                let _ = stream.write_all(b"\0\0 good day\r\n\r\n").await;
            }
        });
        for receiver in [&hanging, &absent] {
            webhook_fixture::create_webhook(app, &admin, receiver, &["centres"]).await?;
        }
        let body = json!({"url": format!("http://{address}/"), "kinds": ["centres"]});
        app.post(&admin, "/v1/webhooks", body).await?.expect(201);
        for number in 0..12 {
            webhook_fixture::create_centre_event(app, &admin, &format!("centre-{number}")).await?;
        }
        // The receiver that hangs has a timeout of a minute, and the number of its concurrent deliveries is limited.
        let (url, sender) = (app.superuser_url.clone(), webhook_fixture::sender(60)?);
        let working =
            tokio::spawn(async move { webhooks::run_once(&url, &sender, Utc::now()).await });
        let deadline = Instant::now() + TIMEOUT;
        let failed = "lms.webhook_deliveries where last_error is not null";
        while good.accepted_by_key().len() < 12 || queries::count(app, failed, &[]).await? < 24 {
            ensure!(
                Instant::now() < deadline,
                "only {} messages were accepted",
                good.accepted_by_key().len()
            );
            sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(hanging.request_count(), 4);
        working.abort();
        talking.abort();
        let reasons = "select distinct last_error from lms.webhook_deliveries where last_error is not null order by 1";
        assert_eq!(
            queries::fetch_texts(app, reasons, &[]).await?,
            [
                "the connection was lost, or the response is not HTTP",
                "the endpoint cannot be reached"
            ]
        );
        Ok(())
    });
}

#[test]
fn a_receiver_that_exceeds_the_timeout_has_failed() {
    run(async |app| {
        let (admin, _receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Hangs).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let report =
            webhooks::run_once(&app.superuser_url, &webhook_fixture::sender(1)?, Utc::now())
                .await?;
        assert_eq!((report.sent, report.retried), (0, 1), "{report}");
        let delivery = webhook_fixture::get_deliveries(app, &admin, &hook)
            .await?
            .remove(0);
        assert_eq!(
            (&delivery["last_error"], &delivery["last_status"]),
            (&json!("the endpoint did not respond in time"), &json!(null))
        );
        Ok(())
    });
}
