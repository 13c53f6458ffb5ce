//! Tests notification preferences, which do not apply to messages about the account's security.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, notifications, queries, role, run};

const PATH: &str = "/v1/notifications/preferences";

async fn put_preferences(
    app: &Application,
    session: &Session,
    email: bool,
    sms: bool,
    push: bool,
) -> Result<Reply> {
    let body = json!({"email": email, "sms": sms, "push": push});
    app.call(Some(session), Method::PUT, PATH, Some(body)).await
}

#[test]
fn every_channel_is_enabled_by_default() {
    run(async |app| {
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            if role != role::PARENT {
                let shown = app.get(&session, PATH).await?.expect(200).json();
                assert_eq!(shown, json!({"email": true, "sms": true, "push": true}));
            }
            let changed = put_preferences(app, &session, false, true, false)
                .await?
                .expect(200)
                .json();
            assert_eq!(changed, json!({"email": false, "sms": true, "push": false}));
            assert_eq!(app.get(&session, PATH).await?.expect(200).json(), changed);
            let again = put_preferences(app, &session, true, true, true)
                .await?
                .expect(200)
                .json();
            assert_eq!(app.get(&session, PATH).await?.expect(200).json(), again);
            let rows = "lms.notification_preferences where user_id = $1";
            assert_eq!(queries::count(app, rows, &[&session.user]).await?, 1);
        }
        Ok(())
    });
}

#[test]
fn an_incomplete_body_is_rejected() {
    run(async |app| {
        let session = app.sign_in(role::TUTOR).await?;
        let before = queries::write_counters(app).await?;
        for (body, pointer) in [
            (json!({"email": true, "sms": true}), "/push"),
            (json!({"email": true, "sms": true, "push": "no"}), "/push"),
            (json!({"email": true, "sms": null, "push": true}), "/sms"),
            (
                json!({"email": true, "sms": true, "push": true, "fax": true}),
                "/fax",
            ),
        ] {
            let reply = app
                .call(Some(&session), Method::PUT, PATH, Some(body))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_channel_that_is_opted_out_of_is_not_used() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        put_preferences(app, &tutor, false, false, true)
            .await?
            .expect(200);
        let body = |channel: &str| -> Value {
            json!({"user_id": tutor.user, "type": channel, "message": "Hello."})
        };
        let before = queries::write_counters(app).await?;
        let rejected = notifications::post_notification(app, &admin, body("email"))
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/type"]);
        assert!(
            rejected.text.contains("opted out of email"),
            "{}",
            rejected.text
        );
        assert_eq!(queries::write_counters(app).await?, before);
        notifications::post_notification(app, &admin, body("push"))
            .await?
            .expect(201);
        assert_eq!(notifications::count_pending(app).await?, 1);
        Ok(())
    });
}

#[test]
fn a_password_reset_is_sent_despite_the_preferences() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        put_preferences(app, &tutor, false, false, false)
            .await?
            .expect(200);
        let body = json!({"tenant": "aurora", "email": app.user(0, role::TUTOR).email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let queued = notifications::queued_templates(app).await?;
        assert_eq!(queued, [("password_reset".to_owned(), tutor.user)]);
        Ok(())
    });
}
