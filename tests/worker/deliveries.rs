//! Delivery by providers that hang, refuse, answer nonsense or break off: no request waits for them, no message is lost, and each
//! arrives once when doubles are dropped by their key.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tests::{Mood, Provider, outbox, role, rows, run};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use worker::notifications::{self, Email, Options, Providers, Push};

/// Longer than anything takes that goes well.
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_is_sent_by_http_reaches_the_provider_and_the_log_says_so() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT);
        let id = outbox::send(app, &admin, student.id, "The library closes at four.").await?;
        let queued = outbox::read(app, &admin, id).await?;
        assert!(
            queued["status"].is_null() && queued["delivered_at"].is_null(),
            "{queued}"
        );

        let provider = Provider::start(Mood::Well).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert_eq!(
            (report.sent, report.retried, report.dead_letters),
            (1, 0, 0),
            "{report}"
        );
        let kept = provider.kept();
        let (key, body) = kept.iter().next().context("a message")?;
        assert!(key.parse::<Uuid>().is_ok(), "{key}");
        assert!(body.contains("The library closes at four.") && body.contains(&student.email));

        let sent = outbox::read(app, &admin, id).await?;
        assert_eq!(sent["status"], "sent");
        assert_eq!(sent["attempts"], 1);
        assert!(
            sent["delivered_at"].is_string() && sent["failure"].is_null(),
            "{sent}"
        );
        let events = "lms.event_log where entity_id = $1 and kind = 'notification.updated' and request_id = 'delivery'";
        assert_eq!(rows::count(app, events, &[&id]).await?, 1);
        // There is nothing left to do.
        assert!(provider.deliver(&app.superuser_url).await?.is_empty());
        assert_eq!(provider.requests(), 1);
        Ok(())
    });
}

#[test]
fn however_a_provider_misbehaves_no_message_is_lost_and_each_is_kept_once() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let provider = Provider::start(Mood::Well).await?;
        let mut expected = 0;
        for mood in [
            Mood::Hangs,
            Mood::TakesAndHangs,
            Mood::Refuses(500),
            Mood::TakesAndRefuses(503),
            Mood::Refuses(401),
            Mood::Busy(30),
            Mood::Mumbles,
            Mood::BreaksOff,
            Mood::PointsElsewhere,
        ] {
            provider.becomes(mood);
            // While it misbehaves, requests are answered.
            let sent = outbox::send_many(app, &admin, 3).await?;
            let asked = provider.requests();
            let report = provider.deliver(&app.superuser_url).await?;
            assert_eq!(
                (report.sent, report.retried, report.dead_letters),
                (0, 3, 0),
                "{mood:?}: {report}"
            );
            assert_eq!(provider.requests(), asked + 3, "{mood:?}");
            assert_eq!(outbox::waiting(app).await?, 3, "{mood:?}");
            provider.becomes(Mood::Well);
            outbox::make_due(app).await?;
            provider.deliver(&app.superuser_url).await?;
            assert_eq!(outbox::waiting(app).await?, 0, "{mood:?}");
            expected += 3;
            assert_eq!(provider.kept().len(), expected, "{mood:?}");
            for id in sent {
                assert_eq!(
                    outbox::read(app, &admin, id).await?["status"],
                    "sent",
                    "{mood:?}"
                );
            }
        }
        // Those that were taken twice came under the same key.
        assert!(provider.taken() > provider.kept().len());
        Ok(())
    });
}

#[test]
fn a_provider_that_can_not_be_reached_gets_everything_when_it_is_back() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let mut provider = Provider::absent(Mood::Well).await?;
        outbox::send_many(app, &admin, 5).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert_eq!((report.sent, report.retried), (0, 5), "{report}");
        assert!(
            report
                .to_string()
                .contains("5 times: resend cannot be reached"),
            "{report}"
        );

        provider.come_back().await?;
        outbox::make_due(app).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.sent, 5);
        assert_eq!((provider.kept().len(), provider.taken()), (5, 5));
        Ok(())
    });
}

#[test]
fn several_workers_at_once_send_each_message_once() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        outbox::send_many(app, &admin, 60).await?;
        let provider = Provider::start(Mood::Well).await?;
        let url = app.superuser_url.as_str();
        let reports = tokio::try_join!(
            provider.deliver(url),
            provider.deliver(url),
            provider.deliver(url),
            provider.deliver(url),
        )?;
        let sent = reports.0.sent + reports.1.sent + reports.2.sent + reports.3.sent;
        assert_eq!(sent, 60);
        // They took turns: there were no doubles to drop.
        assert_eq!((provider.taken(), provider.kept().len()), (60, 60));
        Ok(())
    });
}

#[test]
fn a_worker_that_dies_between_sending_and_recording_costs_a_double_with_the_same_key() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let id = outbox::send_many(app, &admin, 1).await?[0];
        let provider = Provider::start(Mood::TakesAndHangs).await?;
        let (url, providers) = (app.superuser_url.clone(), provider.providers(MINUTE)?);
        let working = tokio::spawn(async move { notifications::run_once(&url, &providers).await });
        let deadline = Instant::now() + MINUTE;
        while provider.taken() == 0 {
            ensure!(Instant::now() < deadline, "nothing is sent");
            sleep(Duration::from_millis(10)).await;
        }
        // It has been sent, and nobody has recorded it.
        working.abort();
        ensure!(working.await.is_err_and(|error| error.is_cancelled()));
        let url = app.superuser_url.clone();
        provider.becomes(Mood::Well);
        // As long as it could still be under way, nobody takes it.
        assert!(provider.deliver(&url).await?.is_empty());
        outbox::make_due(app).await?;
        assert_eq!(provider.deliver(&url).await?.sent, 1);
        assert_eq!((provider.taken(), provider.kept().len()), (2, 1));
        let sent = outbox::read(app, &admin, id).await?;
        assert_eq!(
            (&sent["status"], &sent["attempts"]),
            (&json!("sent"), &json!(2))
        );
        Ok(())
    });
}

#[test]
fn a_way_that_hangs_does_not_hold_up_the_others() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        for way in ["email", "push"] {
            let body = json!({"user_id": student, "type": way, "message": "Hello."});
            outbox::post(app, &admin, body).await?.expect(201);
        }
        let provider = Provider::start(Mood::Well).await?;
        let hanging = Provider::start(Mood::Hangs).await?;
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
        let report = notifications::run_once(&app.superuser_url, &providers).await?;
        assert_eq!((report.sent, report.retried), (1, 1), "{report}");
        assert!(
            report
                .reasons
                .contains_key("resend did not respond in time"),
            "{report}"
        );
        assert_eq!(provider.kept().len(), 1);
        Ok(())
    });
}

#[test]
fn what_the_provider_asks_for_is_granted() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        outbox::send_many(app, &admin, 1).await?;
        let provider = Provider::start(Mood::Busy(3600)).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.retried, 1);
        let later = "lms.notification_deliveries
            where next_attempt_at between now() + interval '55 minutes' and now() + interval '65 minutes'
              and last_error = 'resend answered 429'";
        assert_eq!(rows::count(app, later, &[]).await?, 1);
        Ok(())
    });
}

#[test]
fn a_tenant_that_is_not_active_sends_nothing() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        outbox::send_many(app, &admin, 1).await?;
        let sql = "update lms.tenants set status = 'inactive' where tenant_id = $1";
        rows::execute(app, sql, &[&admin.tenant]).await?;
        let provider = Provider::start(Mood::Well).await?;
        assert!(provider.deliver(&app.superuser_url).await?.is_empty());
        assert_eq!(outbox::waiting(app).await?, 1);
        Ok(())
    });
}
