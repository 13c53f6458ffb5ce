//! Receivers that fail: they are tried again over days, then disabled, and hold up nobody.

use anyhow::{Context, ensure};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tests::{Mood, Provider, hooks, role, rows, run};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use worker::webhooks;

/// Longer than anything takes that goes well.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

fn time(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(value.as_str().context("a time")?.parse()?)
}

#[test]
fn what_fails_is_tried_again_over_days_and_then_given_up() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Refuses(500)).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        let mut now = Utc::now();
        for (index, seconds) in [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
            .into_iter()
            .enumerate()
        {
            let report = hooks::deliver(app, now).await?;
            assert_eq!(
                (report.sent, report.retried, report.dead_letters),
                (0, 1, 0),
                "{report}"
            );
            assert!(report.reasons.contains_key("answered 500"), "{report}");
            let told = hooks::deliveries(app, &admin, &hook).await?.remove(0);
            assert_eq!(
                (&told["status"], &told["attempts"]),
                (&json!("waiting"), &json!(index + 1))
            );
            assert_eq!(
                (&told["last_status"], &told["last_error"]),
                (&json!(500), &json!("answered 500"))
            );
            let next = time(&told["next_attempt_at"])?;
            let wait = (next - now).as_seconds_f64();
            let usual = f64::from(seconds);
            // What passed while it was delivered comes on top.
            assert!(
                (usual * 0.9..=usual * 1.1 + 60.0).contains(&wait),
                "{index}: {wait}"
            );
            if seconds > 60 {
                // Not before its time.
                assert!(
                    hooks::deliver(app, next - Duration::seconds(60))
                        .await?
                        .is_empty()
                );
            }
            now = next + Duration::seconds(1);
        }
        let report = hooks::deliver(app, now).await?;
        assert_eq!((report.retried, report.dead_letters), (0, 1), "{report}");
        assert_eq!(receiver.requests(), 10);
        let told = hooks::deliveries(app, &admin, &hook).await?.remove(0);
        assert_eq!(told["status"], "failed");
        assert!(
            told["failed_at"].is_string() && told["next_attempt_at"].is_null(),
            "{told}"
        );
        // That took three days. It has five.
        assert_eq!(hooks::read(app, &admin, &hook).await?["status"], "active");
        assert!(
            hooks::deliver(app, now + Duration::days(1))
                .await?
                .is_empty()
        );
        Ok(())
    });
}

#[test]
fn a_receiver_that_fails_for_five_days_is_disabled_and_the_admins_are_told() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Refuses(503)).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        hooks::deliver(app, Utc::now()).await?;
        // All attempts but the last have been made.
        let sql = "update lms.webhook_deliveries set attempts = 9 where webhook_id = $1";
        rows::execute(app, sql, &[&hook.id]).await?;
        let later = Utc::now() + Duration::days(6);
        let report = hooks::deliver(app, later).await?;
        assert_eq!(report.dead_letters, 1, "{report}");
        let disabled = hooks::read(app, &admin, &hook).await?;
        assert_eq!(disabled["status"], "disabled");
        let reason = hooks::text(&disabled["disabled_reason"]);
        assert!(
            reason.contains("5 days") && reason.contains("answered 503"),
            "{reason}"
        );
        assert!(time(&disabled["disabled_at"])? >= later);

        hooks::seal(app, &admin).await?;
        let events = "lms.event_log where entity_id = $1 and kind = 'webhook.updated'
            and state ->> 'status' = 'disabled' and actor is null and request_id = 'webhooks'";
        assert_eq!(rows::count(app, events, &[&hook.id]).await?, 1);
        let told = "lms.notifications where user_id = $1 and template = 'webhook_disabled'";
        assert_eq!(
            rows::count(app, told, &[&app.user(0, role::ADMIN).id]).await?,
            1
        );
        let theirs = "lms.notifications where tenant_id <> $1 and template = 'webhook_disabled'";
        assert_eq!(rows::count(app, theirs, &[&admin.tenant]).await?, 0);

        // What happens meanwhile is told when it is enabled.
        hooks::happen(app, &admin, "hillside").await?;
        assert!(hooks::deliver(app, later).await?.is_empty());
        receiver.becomes(Mood::Well);
        hooks::act(app, &admin, &hook, "enable", None)
            .await?
            .expect(200);
        assert_eq!(hooks::deliver(app, Utc::now()).await?.sent, 1);
        Ok(())
    });
}

#[test]
fn a_receiver_that_is_gone_is_disabled_at_once() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Refuses(410)).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        assert_eq!(hooks::deliver(app, Utc::now()).await?.dead_letters, 1);
        let disabled = hooks::read(app, &admin, &hook).await?;
        assert_eq!(disabled["status"], "disabled");
        assert!(
            hooks::text(&disabled["disabled_reason"]).contains("410"),
            "{disabled}"
        );
        hooks::happen(app, &admin, "hillside").await?;
        assert!(
            hooks::deliver(app, Utc::now() + Duration::days(1))
                .await?
                .is_empty()
        );
        assert_eq!(receiver.requests(), 1);
        Ok(())
    });
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    run(async |app| {
        let (admin, _receiver, hook) = hooks::ready(app, Mood::Busy(3600)).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        let now = Utc::now();
        assert_eq!(hooks::deliver(app, now).await?.retried, 1);
        let told = hooks::deliveries(app, &admin, &hook).await?.remove(0);
        let wait = time(&told["next_attempt_at"])? - now;
        assert!(
            wait >= Duration::minutes(60) && wait < Duration::minutes(65),
            "{wait}"
        );
        Ok(())
    });
}

#[test]
fn receivers_that_hang_refuse_or_talk_nonsense_hold_up_nobody() {
    run(async |app| {
        let (admin, good, _hook) = hooks::ready(app, Mood::Well).await?;
        let hanging = Provider::start(Mood::Hangs).await?;
        let absent = Provider::absent(Mood::Well).await?;
        let nonsense = TcpListener::bind("127.0.0.1:0").await?;
        let address = nonsense.local_addr()?;
        let talking = tokio::spawn(async move {
            while let Ok((mut stream, _)) = nonsense.accept().await {
                let _ = stream.write_all(b"\0\0 good day\r\n\r\n").await;
            }
        });
        for receiver in [&hanging, &absent] {
            hooks::make(app, &admin, receiver, &["centres"]).await?;
        }
        let body = json!({"url": format!("http://{address}/"), "kinds": ["centres"]});
        app.post(&admin, "/v1/webhooks", body).await?.expect(201);
        for number in 0..12 {
            hooks::happen(app, &admin, &format!("centre-{number}")).await?;
        }
        // The one that hangs has a minute for each of its messages; that no more are begun than it may have at once is seen too.
        let (url, sender) = (app.superuser_url.clone(), hooks::sender(60)?);
        let working =
            tokio::spawn(async move { webhooks::run_once(&url, &sender, Utc::now()).await });
        let deadline = Instant::now() + MINUTE;
        let failed = "lms.webhook_deliveries where last_error is not null";
        while good.kept().len() < 12 || rows::count(app, failed, &[]).await? < 24 {
            ensure!(Instant::now() < deadline, "{} are told", good.kept().len());
            sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(hanging.requests(), 4);
        working.abort();
        talking.abort();
        let reasons = "select distinct last_error from lms.webhook_deliveries where last_error is not null order by 1";
        assert_eq!(
            rows::texts(app, reasons, &[]).await?,
            [
                "the endpoint cannot be reached",
                "the connection was lost, or the response is not HTTP"
            ]
        );
        Ok(())
    });
}

#[test]
fn a_receiver_that_does_not_answer_in_time_has_failed() {
    run(async |app| {
        let (admin, _receiver, hook) = hooks::ready(app, Mood::Hangs).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        let report = webhooks::run_once(&app.superuser_url, &hooks::sender(1)?, Utc::now()).await?;
        assert_eq!((report.sent, report.retried), (0, 1), "{report}");
        let told = hooks::deliveries(app, &admin, &hook).await?.remove(0);
        assert_eq!(
            (&told["last_error"], &told["last_status"]),
            (&json!("the endpoint did not respond in time"), &json!(null))
        );
        Ok(())
    });
}
