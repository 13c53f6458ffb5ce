//! Tests dead letters: the reason of the failure, and retries by an admin.

use http::Method;
use serde_json::json;
use tests::{Behaviour, StubProvider, notifications, queries, role, run};
use uuid::Uuid;

#[test]
fn a_rejected_message_is_a_dead_letter_until_it_is_retried() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let id = notifications::send_emails(app, &admin, 1).await?[0];
        let path = format!("/v1/notifications/{id}/retry");
        let early = app
            .call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        assert_eq!(early.pointers(), ["/status"]);

        let provider = StubProvider::start(Behaviour::Rejects(422)).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert_eq!(
            (report.sent, report.retried, report.dead_letters),
            (0, 0, 1),
            "{report}"
        );
        let failed = notifications::get_notification(app, &admin, id).await?;
        assert_eq!(failed["status"], "failed");
        assert_eq!(failed["failure"], "resend answered 422 (a_fault)");
        notifications::make_retries_due(app).await?;
        assert!(provider.deliver(&app.superuser_url).await?.is_empty());

        let key = "select id from lms.notification_deliveries where notification_id = $1";
        let before = queries::fetch_id(app, key, &[&id]).await?;
        for role in [role::SUPERVISOR, role::STUDENT, role::FINANCE] {
            let session = app.sign_in(role).await?;
            app.call(Some(&session), Method::POST, &path, None)
                .await?
                .expect(403);
        }
        let support = app.sign_in(role::SUPPORT).await?;
        let again = app
            .call(Some(&support), Method::POST, &path, None)
            .await?
            .expect(200)
            .json();
        assert!(
            again["status"].is_null() && again["failure"].is_null(),
            "{again}"
        );
        app.call(Some(&support), Method::POST, &path, None)
            .await?
            .expect(409);

        provider.set_behaviour(Behaviour::Accepts);
        assert_eq!(provider.deliver(&app.superuser_url).await?.sent, 1);
        assert_eq!(queries::fetch_id(app, key, &[&id]).await?, before);
        assert!(provider.accepted_by_key().contains_key(&before.to_string()));
        assert_eq!(
            notifications::get_notification(app, &admin, id).await?["status"],
            "sent"
        );
        app.call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        Ok(())
    });
}

#[test]
fn ten_failed_attempts_make_a_dead_letter() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let id = notifications::send_emails(app, &admin, 1).await?[0];
        let provider = StubProvider::start(Behaviour::Rejects(500)).await?;
        for attempt in 1..=10 {
            notifications::make_retries_due(app).await?;
            let report = provider.deliver(&app.superuser_url).await?;
            let expected = if attempt < 10 { (1, 0) } else { (0, 1) };
            assert_eq!(
                (report.retried, report.dead_letters),
                expected,
                "{attempt}: {report}"
            );
        }
        assert_eq!(provider.request_count(), 10);
        let failed = notifications::get_notification(app, &admin, id).await?;
        assert_eq!(
            (&failed["status"], &failed["attempts"]),
            (&json!("failed"), &json!(10))
        );
        let list = app
            .get(
                &admin,
                "/v1/notifications?status=failed&sort=-created_at&limit=1",
            )
            .await?
            .expect(200)
            .json();
        assert_eq!(list["data"][0]["id"], json!(id));
        Ok(())
    });
}

#[test]
fn an_unknown_notification_cannot_be_retried() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other_tenant_notification = queries::first_id(app, 1, "notifications").await?;
        for id in [Uuid::now_v7(), other_tenant_notification] {
            let path = format!("/v1/notifications/{id}/retry");
            app.call(Some(&admin), Method::POST, &path, None)
                .await?
                .expect(404);
        }
        Ok(())
    });
}

#[test]
fn a_recipient_who_has_left_or_opted_out_is_not_sent_pending_messages() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let session = app.sign_in(role::STUDENT).await?;
        let opted_out = notifications::send_email(app, &admin, session.user, "Hello.").await?;
        let body = json!({"email": false, "sms": true, "push": true});
        app.call(
            Some(&session),
            Method::PUT,
            "/v1/notifications/preferences",
            Some(body),
        )
        .await?
        .expect(200);
        let parent = app.user(0, role::PARENT).id;
        let inactive = notifications::send_email(app, &admin, parent, "Hello.").await?;
        app.call(
            Some(&admin),
            Method::POST,
            &format!("/v1/users/{parent}/deactivate"),
            None,
        )
        .await?
        .expect(200);
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.dead_letters, 2);
        assert_eq!(provider.request_count(), 0);
        for (id, why) in [
            (opted_out, "the user has opted out of it"),
            (inactive, "the user is not active any more"),
        ] {
            assert_eq!(
                notifications::get_notification(app, &admin, id).await?["failure"],
                why
            );
        }
        Ok(())
    });
}
