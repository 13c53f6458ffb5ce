//! Tests deliveries to failing providers: no message is lost, and a repeated one has the same key.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tests::{Behaviour, StubProvider, notifications, queries, role, run};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use worker::notifications::{Email, Options, Providers, Push};

/// A timeout that exceeds every successful wait.
const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn a_notification_reaches_the_provider_and_is_marked_as_sent() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT);
        let id = notifications::send_email(app, &admin, student.id, "The library closes at four.")
            .await?;
        let queued = notifications::get_notification(app, &admin, id).await?;
        assert!(
            queued["status"].is_null() && queued["delivered_at"].is_null(),
            "{queued}"
        );

        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert_eq!(
            (report.sent, report.retried, report.dead_letters),
            (1, 0, 0),
            "{report}"
        );
        let accepted = provider.accepted_by_key();
        let (key, body) = accepted.iter().next().context("a message")?;
        assert!(key.parse::<Uuid>().is_ok(), "{key}");
        assert!(body.contains("The library closes at four.") && body.contains(&student.email));

        let sent = notifications::get_notification(app, &admin, id).await?;
        assert_eq!(sent["status"], "sent");
        assert_eq!(sent["attempts"], 1);
        assert!(
            sent["delivered_at"].is_string() && sent["failure"].is_null(),
            "{sent}"
        );
        let events = "lms.event_log where entity_id = $1 and kind = 'notification.updated' and request_id = 'delivery'";
        assert_eq!(queries::count(app, events, &[&id]).await?, 1);
        // Nothing is left to deliver.
        assert!(provider.deliver(&app.superuser_url).await?.is_empty());
        assert_eq!(provider.request_count(), 1);
        Ok(())
    });
}

#[test]
fn provider_failures_lose_and_duplicate_no_message() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let mut expected = 0;
        for behaviour in [
            Behaviour::Hangs,
            Behaviour::AcceptsAndHangs,
            Behaviour::Rejects(500),
            Behaviour::AcceptsAndReports(503),
            Behaviour::Rejects(401),
            Behaviour::RateLimits(30),
            Behaviour::AnswersNonsense,
            Behaviour::BreaksOffResponse,
            Behaviour::Redirects,
        ] {
            provider.set_behaviour(behaviour);
            // Requests are served while the provider fails.
            let sent = notifications::send_emails(app, &admin, 3).await?;
            let requests_before = provider.request_count();
            let report = provider.deliver(&app.superuser_url).await?;
            assert_eq!(
                (report.sent, report.retried, report.dead_letters),
                (0, 3, 0),
                "{behaviour:?}: {report}"
            );
            assert_eq!(
                provider.request_count(),
                requests_before + 3,
                "{behaviour:?}"
            );
            assert_eq!(notifications::count_pending(app).await?, 3, "{behaviour:?}");
            provider.set_behaviour(Behaviour::Accepts);
            notifications::make_retries_due(app).await?;
            provider.deliver(&app.superuser_url).await?;
            assert_eq!(notifications::count_pending(app).await?, 0, "{behaviour:?}");
            expected += 3;
            assert_eq!(provider.accepted_by_key().len(), expected, "{behaviour:?}");
            for id in sent {
                assert_eq!(
                    notifications::get_notification(app, &admin, id).await?["status"],
                    "sent",
                    "{behaviour:?}"
                );
            }
        }
        // Messages that were accepted twice had the same key.
        assert!(provider.accepted_count() > provider.accepted_by_key().len());
        Ok(())
    });
}

#[test]
fn an_unreachable_provider_gets_all_messages_when_it_returns() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let mut provider = StubProvider::unreachable(Behaviour::Accepts).await?;
        notifications::send_emails(app, &admin, 5).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert_eq!((report.sent, report.retried), (0, 5), "{report}");
        assert!(
            report.to_string().contains("resend cannot be reached"),
            "{report}"
        );

        provider.start_listening().await?;
        notifications::make_retries_due(app).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.sent, 5);
        assert_eq!(
            (provider.accepted_by_key().len(), provider.accepted_count()),
            (5, 5)
        );
        Ok(())
    });
}

#[test]
fn several_workers_at_once_send_each_message_once() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        notifications::send_emails(app, &admin, 60).await?;
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let url = app.superuser_url.as_str();
        let reports = tokio::try_join!(
            provider.deliver(url),
            provider.deliver(url),
            provider.deliver(url),
            provider.deliver(url),
        )?;
        let sent = reports.0.sent + reports.1.sent + reports.2.sent + reports.3.sent;
        assert_eq!(sent, 60);
        // A worker skips the rows that another one has locked, so no message was sent twice.
        assert_eq!(
            (provider.accepted_count(), provider.accepted_by_key().len()),
            (60, 60)
        );
        Ok(())
    });
}

#[test]
fn a_worker_that_crashes_after_sending_repeats_the_message_with_the_same_key() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let id = notifications::send_emails(app, &admin, 1).await?[0];
        let provider = StubProvider::start(Behaviour::AcceptsAndHangs).await?;
        let (url, providers) = (app.superuser_url.clone(), provider.providers(TIMEOUT)?);
        let working =
            tokio::spawn(async move { worker::notifications::run_once(&url, &providers).await });
        let deadline = Instant::now() + TIMEOUT;
        while provider.accepted_count() == 0 {
            ensure!(Instant::now() < deadline, "nothing is sent");
            sleep(Duration::from_millis(10)).await;
        }
        // The message was sent, but its delivery was not recorded.
        working.abort();
        ensure!(working.await.is_err_and(|error| error.is_cancelled()));
        let url = app.superuser_url.clone();
        provider.set_behaviour(Behaviour::Accepts);
        // No worker repeats it while the attempt could still be running.
        assert!(provider.deliver(&url).await?.is_empty());
        notifications::make_retries_due(app).await?;
        assert_eq!(provider.deliver(&url).await?.sent, 1);
        assert_eq!(
            (provider.accepted_count(), provider.accepted_by_key().len()),
            (2, 1)
        );
        let sent = notifications::get_notification(app, &admin, id).await?;
        assert_eq!(
            (&sent["status"], &sent["attempts"]),
            (&json!("sent"), &json!(2))
        );
        Ok(())
    });
}

#[test]
fn a_channel_that_hangs_does_not_delay_the_others() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        for way in ["email", "push"] {
            let body = json!({"user_id": student, "type": way, "message": "Hello."});
            notifications::post_notification(app, &admin, body)
                .await?
                .expect(201);
        }
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let hanging = StubProvider::start(Behaviour::Hangs).await?;
        let directory = tempfile::tempdir()?;
        let key = directory.path().join("key");
        std::fs::write(&key, "k\n")?;
        let providers = Providers::new(&Options {
            email_provider: Email::Resend,
            email_url: hanging.url(),
            email_key_file: Some(key.clone()),
            email_sender: Some("LMS <lms@example.com>".to_owned()),
            push_provider: Push::OneSignal,
            push_url: provider.url(),
            push_app: Some("app".to_owned()),
            push_key_file: Some(key),
            provider_timeout: 1,
            ..Options::none()
        })?;
        let report = worker::notifications::run_once(&app.superuser_url, &providers).await?;
        assert_eq!((report.sent, report.retried), (1, 1), "{report}");
        assert!(
            report
                .reasons
                .contains_key("resend did not respond in time"),
            "{report}"
        );
        assert_eq!(provider.accepted_by_key().len(), 1);
        Ok(())
    });
}

#[test]
fn retry_after_of_the_provider_is_respected() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        notifications::send_emails(app, &admin, 1).await?;
        let provider = StubProvider::start(Behaviour::RateLimits(3600)).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.retried, 1);
        let later = "lms.notification_deliveries
            where next_attempt_at between now() + interval '55 minutes' and now() + interval '65 minutes'
              and last_error = 'resend answered 429'";
        assert_eq!(queries::count(app, later, &[]).await?, 1);
        Ok(())
    });
}

#[test]
fn a_tenant_that_is_not_active_sends_nothing() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        notifications::send_emails(app, &admin, 1).await?;
        let sql = "update lms.tenants set status = 'inactive' where tenant_id = $1";
        queries::execute(app, sql, &[&admin.tenant]).await?;
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        assert!(provider.deliver(&app.superuser_url).await?.is_empty());
        assert_eq!(notifications::count_pending(app).await?, 1);
        Ok(())
    });
}
