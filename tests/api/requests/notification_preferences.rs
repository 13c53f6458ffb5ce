//! Preferences: a user is not reached by what the user does not want, but for what concerns the account's security.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, outbox, role, rows, run};

const PATH: &str = "/v1/notifications/preferences";

async fn set(
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
fn everybody_is_reached_by_everything_until_saying_otherwise() {
    run(async |app| {
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            if role != role::PARENT {
                let shown = app.get(&session, PATH).await?.expect(200).json();
                assert_eq!(shown, json!({"email": true, "sms": true, "push": true}));
            }
            let changed = set(app, &session, false, true, false)
                .await?
                .expect(200)
                .json();
            assert_eq!(changed, json!({"email": false, "sms": true, "push": false}));
            assert_eq!(app.get(&session, PATH).await?.expect(200).json(), changed);
            let again = set(app, &session, true, true, true)
                .await?
                .expect(200)
                .json();
            assert_eq!(app.get(&session, PATH).await?.expect(200).json(), again);
            let kept = "lms.notification_preferences where user_id = $1";
            assert_eq!(rows::count(app, kept, &[&session.user]).await?, 1);
        }
        Ok(())
    });
}

#[test]
fn a_body_that_does_not_say_everything_is_refused() {
    run(async |app| {
        let session = app.sign_in(role::TUTOR).await?;
        let before = rows::written(app).await?;
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
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn nobody_is_sent_what_was_opted_out_of() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        set(app, &tutor, false, false, true).await?.expect(200);
        let body = |way: &str| -> Value {
            json!({"user_id": tutor.user, "type": way, "message": "Hello."})
        };
        let before = rows::written(app).await?;
        let refused = outbox::post(app, &admin, body("email")).await?.expect(409);
        assert_eq!(refused.pointers(), ["/type"]);
        assert!(
            refused.text.contains("opted out of email"),
            "{}",
            refused.text
        );
        assert_eq!(rows::written(app).await?, before);
        outbox::post(app, &admin, body("push")).await?.expect(201);
        assert_eq!(outbox::waiting(app).await?, 1);
        Ok(())
    });
}

#[test]
fn a_forgotten_password_is_mailed_all_the_same() {
    run(async |app| {
        outbox::empty(app).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        set(app, &tutor, false, false, false).await?.expect(200);
        let body = json!({"tenant": "aurora", "email": app.user(0, role::TUTOR).email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        outbox::answer_resets(app).await?;
        let queued = outbox::queued(app).await?;
        assert_eq!(queued, [("password_reset".to_owned(), tutor.user)]);
        Ok(())
    });
}
