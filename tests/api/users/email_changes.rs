//! Tests that a changed e-mail address is confirmed by the new address, notified to the old one, and ends sessions.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Behaviour, Reply, Session, StubProvider, fixtures, notifications, queries, role,
    run,
};
use uuid::Uuid;

pub(crate) const NEW_ADDRESS: &str = "new@aurora.example";

pub(crate) async fn change(
    app: &Application,
    session: &Session,
    user: Uuid,
    email: &str,
) -> Result<Reply> {
    app.patch(
        session,
        &format!("/v1/users/{user}"),
        json!({ "email": email }),
    )
    .await
}

pub(crate) async fn confirm(app: &Application, code: &str) -> Result<Reply> {
    let body = json!({ "token": code });
    app.call(None, Method::POST, "/v1/auth/email/confirm", Some(body))
        .await
}

/// Delivers the pending e-mails and returns the recipient and subject of each, sorted.
pub(crate) async fn mails(
    app: &Application,
    provider: &StubProvider,
) -> Result<Vec<(String, String)>> {
    provider.deliver(&app.superuser_url).await?;
    let mut mails = Vec::new();
    for body in provider.accepted_by_key().values() {
        let mail: Value = serde_json::from_str(body)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        mails.push((text(&mail["to"][0]), text(&mail["subject"])));
    }
    mails.sort();
    Ok(mails)
}

/// Returns the demo tutor, who belongs to the supervisor's centre, with a new session.
pub(crate) async fn tutor(app: &Application) -> Result<(Uuid, Session)> {
    let user = app.user(0, role::TUTOR);
    Ok((user.id, app.sign_in(role::TUTOR).await?))
}

#[test]
fn a_supervisors_change_takes_effect_when_the_new_address_confirms_it() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, session) = tutor(app).await?;
        let old = app.user(0, role::TUTOR);
        let changed = change(app, &supervisor, user, "New@Aurora.example")
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["email"], json!(old.email));
        assert_eq!(changed["pending_email"], NEW_ADDRESS);
        app.get(&session, "/v1/auth/me").await?.expect(200);
        app.sign_in_as("aurora", &old.email, &old.password).await?;
        assert!(
            app.sign_in_as("aurora", NEW_ADDRESS, &old.password)
                .await
                .is_err()
        );

        let code = notifications::latest_code(app).await?;
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let sent = mails(app, &provider).await?;
        let expected = [
            (
                NEW_ADDRESS.to_owned(),
                "Confirm your e-mail address".to_owned(),
            ),
            (
                old.email.clone(),
                "A change of your e-mail address was requested".to_owned(),
            ),
        ];
        assert_eq!(sent, expected);
        confirm(app, "made-up").await?.expect(422);
        assert_eq!(confirm(app, &code).await?.expect(204).text, "");
        assert_eq!(
            confirm(app, &code).await?.expect(422).pointers(),
            ["/token"]
        );

        app.get(&session, "/v1/auth/me").await?.expect(401);
        assert!(
            app.sign_in_as("aurora", &old.email, &old.password)
                .await
                .is_err()
        );
        let session = app.sign_in_as("aurora", NEW_ADDRESS, &old.password).await?;
        let me = app
            .get(&session, &format!("/v1/users/{user}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(me["email"], NEW_ADDRESS);
        assert_eq!(me["pending_email"], Value::Null);
        let sent = mails(app, &provider).await?;
        let expected_mail = (
            old.email.clone(),
            "Your e-mail address was changed".to_owned(),
        );
        assert!(sent.contains(&expected_mail), "{sent:?}");
        // Neither the code nor the former address is kept after the e-mails are sent.
        let secret_count = queries::count(app, "lms_private.notification_secrets", &[]).await?;
        assert_eq!(secret_count, 0);
        Ok(())
    });
}

#[test]
fn an_admins_change_takes_effect_at_once_and_the_former_address_is_notified() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let (user, session) = tutor(app).await?;
        let old = app.user(0, role::TUTOR);
        let changed = change(app, &admin, user, NEW_ADDRESS)
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["email"], NEW_ADDRESS);
        assert_eq!(changed["pending_email"], Value::Null);
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.get(&admin, "/v1/auth/me").await?.expect(200);
        // The former address is notified even if the new address resets the password before the worker runs.
        let body = json!({"tenant": "aurora", "email": NEW_ADDRESS});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let body = json!({"token": notifications::latest_code(app).await?, "password": "a river runs past 7 lamps"});
        app.call(
            None,
            Method::POST,
            "/v1/auth/password-reset/confirm",
            Some(body),
        )
        .await?
        .expect(204);
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let expected_mail = (
            old.email.clone(),
            "Your e-mail address was changed".to_owned(),
        );
        assert_eq!(mails(app, &provider).await?, [expected_mail]);
        Ok(())
    });
}

#[test]
fn changing_ones_own_address_always_requires_confirmation() {
    run(async |app| {
        for role in [role::ADMIN, role::SUPERVISOR] {
            let session = app.sign_in(role).await?;
            let user = app.user(0, role);
            let email = format!("new.{}@aurora.example", role.name());
            let changed = change(app, &session, user.id, &email)
                .await?
                .expect(200)
                .json();
            assert_eq!(changed["email"], json!(user.email));
            assert_eq!(changed["pending_email"], json!(email));
            confirm(app, &notifications::latest_code(app).await?)
                .await?
                .expect(204);
            app.get(&session, "/v1/auth/me").await?.expect(401);
            app.sign_in_as("aurora", &email, &user.password).await?;
        }
        Ok(())
    });
}

#[test]
fn a_supervisor_cannot_change_the_address_of_people_of_other_centres() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let link = async |user: Uuid, student: Uuid| {
            let body = json!({"user_id": user, "student_id": student, "relationship": "parent"});
            app.post(&admin, "/v1/guardians", body).await
        };
        let parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let own_centre_student = fixtures::create_student(app, &admin, own_centre).await?;
        link(parent, own_centre_student).await?.expect(201);
        change(app, &supervisor, parent, NEW_ADDRESS)
            .await?
            .expect(200);
        let other_centre_student = fixtures::create_student(app, &admin, other_centre).await?;
        link(parent, other_centre_student).await?.expect(201);
        let before = queries::write_counters(app).await?;
        let rejected = change(app, &supervisor, parent, "another@aurora.example")
            .await?
            .expect(403);
        assert!(
            rejected.text.contains("belongs to other centres"),
            "{}",
            rejected.text
        );
        assert_eq!(queries::write_counters(app).await?, before);
        // The supervisor may still change everything else.
        app.patch(
            &supervisor,
            &format!("/v1/users/{parent}"),
            json!({"name": "Pat"}),
        )
        .await?
        .expect(200);

        // This tutor's account belongs to one centre and the tutor row to another.
        let teacher = fixtures::create_user(app, &admin, "tutor", own_centre).await?;
        let body = json!({"user_id": teacher, "centre_id": other_centre, "max_students": 3});
        app.post(&admin, "/v1/tutors", body).await?.expect(201);
        change(app, &supervisor, teacher, "t@aurora.example")
            .await?
            .expect(403);
        change(app, &admin, teacher, "t@aurora.example")
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_code_is_invalidated_by_a_newer_one_and_by_a_deactivation() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let me = app
            .get(&supervisor, "/v1/auth/me")
            .await?
            .expect(200)
            .json();
        let own_centre = me["user"]["centre_id"]
            .as_str()
            .context("a centre")?
            .parse()?;
        let user = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let path = format!("/v1/users/{user}");
        change(app, &supervisor, user, NEW_ADDRESS)
            .await?
            .expect(200);
        let first = notifications::latest_code(app).await?;
        change(app, &supervisor, user, "other@aurora.example")
            .await?
            .expect(200);
        let second = notifications::latest_code(app).await?;
        confirm(app, &first).await?.expect(422);
        for action in ["deactivate", "activate"] {
            let action = format!("{path}/{action}");
            app.call(Some(&admin), Method::POST, &action, None)
                .await?
                .expect(200);
        }
        confirm(app, &second).await?.expect(422);
        let shown = app.get(&admin, &path).await?.expect(200).json();
        assert_eq!(shown["pending_email"], Value::Null);
        Ok(())
    });
}

#[test]
fn a_taken_address_is_rejected_on_request_and_on_confirmation() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, _) = tutor(app).await?;
        let conflict = change(app, &supervisor, user, &app.user(0, role::PARENT).email)
            .await?
            .expect(409);
        assert_eq!(conflict.pointers(), ["/email"]);
        change(app, &supervisor, user, NEW_ADDRESS)
            .await?
            .expect(200);
        let code = notifications::latest_code(app).await?;
        let body = json!({"name": "Faster", "email": NEW_ADDRESS, "role": "support"});
        let created = app.post(&admin, "/v1/users", body).await?.expect(201);
        confirm(app, &code).await?.expect(409);
        let faster = format!("/v1/users/{}", fixtures::parse_id(&created.json())?);
        app.delete(&admin, &faster).await?.expect(204);
        confirm(app, &code).await?.expect(204);
        Ok(())
    });
}

#[test]
fn codes_are_rate_limited_and_pending_addresses_are_read_only() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, _) = tutor(app).await?;
        for number in 0..5 {
            change(
                app,
                &supervisor,
                user,
                &format!("new{number}@aurora.example"),
            )
            .await?
            .expect(200);
        }
        let rejected = change(app, &supervisor, user, NEW_ADDRESS)
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/email"]);
        let by_hand = app
            .patch(
                &supervisor,
                &format!("/v1/users/{user}"),
                json!({"pending_email": NEW_ADDRESS}),
            )
            .await?;
        assert!([403, 422].contains(&by_hand.status), "{}", by_hand.text);
        queries::execute(
            app,
            "update lms.users set pending_email = 'x@aurora.example' where id = $1",
            &[&user],
        )
        .await?;
        let pending = queries::fetch_texts(
            app,
            "select pending_email from lms.users where id = $1",
            &[&user],
        )
        .await?;
        assert_eq!(
            pending.first().context("a row")?.as_str(),
            "new4@aurora.example"
        );
        Ok(())
    });
}
