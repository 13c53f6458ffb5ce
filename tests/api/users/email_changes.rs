//! A changed e-mail address is confirmed by the new address, told to the old one, and ends sessions.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Mood, Provider, Reply, Session, outbox, people, role, rows, run};
use uuid::Uuid;

pub(crate) const NEW: &str = "new@aurora.example";

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

/// The mails that were delivered since the last look, each with its address, by their subjects' order.
pub(crate) async fn mails(app: &Application, provider: &Provider) -> Result<Vec<(String, String)>> {
    provider.deliver(&app.superuser_url).await?;
    let mut mails = Vec::new();
    for body in provider.kept().values() {
        let mail: Value = serde_json::from_str(body)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        mails.push((text(&mail["to"][0]), text(&mail["subject"])));
    }
    mails.sort();
    Ok(mails)
}

/// A person of the supervisor's centre with a password, who is signed in.
pub(crate) async fn tutor(app: &Application) -> Result<(Uuid, Session)> {
    let user = app.user(0, role::TUTOR);
    Ok((user.id, app.sign_in(role::TUTOR).await?))
}

#[test]
fn a_supervisors_change_takes_effect_when_the_new_address_confirms_it() {
    run(async |app| {
        outbox::empty(app).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, session) = tutor(app).await?;
        let old = app.user(0, role::TUTOR);
        let kept = change(app, &supervisor, user, "New@Aurora.example")
            .await?
            .expect(200)
            .json();
        assert_eq!(kept["email"], json!(old.email));
        assert_eq!(kept["pending_email"], NEW);
        app.get(&session, "/v1/auth/me").await?.expect(200);
        app.sign_in_as("aurora", &old.email, &old.password).await?;
        assert!(app.sign_in_as("aurora", NEW, &old.password).await.is_err());

        let code = outbox::code(app).await?;
        let provider = Provider::start(Mood::Well).await?;
        let sent = mails(app, &provider).await?;
        let expected = [
            (NEW.to_owned(), "Confirm your e-mail address".to_owned()),
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
        let session = app.sign_in_as("aurora", NEW, &old.password).await?;
        let me = app
            .get(&session, &format!("/v1/users/{user}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(me["email"], NEW);
        assert_eq!(me["pending_email"], Value::Null);
        let sent = mails(app, &provider).await?;
        let told = (
            old.email.clone(),
            "Your e-mail address was changed".to_owned(),
        );
        assert!(sent.contains(&told), "{sent:?}");
        // Neither the code nor the former address is kept.
        let kept = rows::count(app, "lms_private.notification_secrets", &[]).await?;
        assert_eq!(kept, 0);
        Ok(())
    });
}

#[test]
fn an_admin_changes_the_addresses_of_others_at_once_and_the_former_address_is_told() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let (user, session) = tutor(app).await?;
        let old = app.user(0, role::TUTOR);
        let changed = change(app, &admin, user, NEW).await?.expect(200).json();
        assert_eq!(changed["email"], NEW);
        assert_eq!(changed["pending_email"], Value::Null);
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.get(&admin, "/v1/auth/me").await?.expect(200);
        // Even when whoever has the new address resets the password before the worker comes round.
        let body = json!({"tenant": "aurora", "email": NEW});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        outbox::answer_resets(app).await?;
        let body =
            json!({"token": outbox::code(app).await?, "password": "a river runs past 7 lamps"});
        app.call(
            None,
            Method::POST,
            "/v1/auth/password-reset/confirm",
            Some(body),
        )
        .await?
        .expect(204);
        let provider = Provider::start(Mood::Well).await?;
        let told = (
            old.email.clone(),
            "Your e-mail address was changed".to_owned(),
        );
        assert_eq!(mails(app, &provider).await?, [told]);
        Ok(())
    });
}

#[test]
fn ones_own_address_is_confirmed_whoever_one_is() {
    run(async |app| {
        for role in [role::ADMIN, role::SUPERVISOR] {
            let session = app.sign_in(role).await?;
            let user = app.user(0, role);
            let email = format!("new.{}@aurora.example", role.name());
            let kept = change(app, &session, user.id, &email)
                .await?
                .expect(200)
                .json();
            assert_eq!(kept["email"], json!(user.email));
            assert_eq!(kept["pending_email"], json!(email));
            confirm(app, &outbox::code(app).await?).await?.expect(204);
            app.get(&session, "/v1/auth/me").await?.expect(401);
            app.sign_in_as("aurora", &email, &user.password).await?;
        }
        Ok(())
    });
}

#[test]
fn a_supervisor_changes_no_address_of_who_belongs_to_other_centres_too() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (home, away) = rows::centres(app).await?;
        let link = async |user: Uuid, student: Uuid| {
            let body = json!({"user_id": user, "student_id": student, "relationship": "parent"});
            app.post(&admin, "/v1/guardians", body).await
        };
        let parent = people::user(app, &admin, "parent", home).await?;
        let near = people::student(app, &admin, home).await?;
        link(parent, near).await?.expect(201);
        change(app, &supervisor, parent, NEW).await?.expect(200);
        let far = people::student(app, &admin, away).await?;
        link(parent, far).await?.expect(201);
        let before = rows::written(app).await?;
        let refused = change(app, &supervisor, parent, "another@aurora.example")
            .await?
            .expect(403);
        assert!(
            refused.text.contains("belongs to other centres"),
            "{}",
            refused.text
        );
        assert_eq!(rows::written(app).await?, before);
        // Everything else of theirs is the supervisor's as before.
        app.patch(
            &supervisor,
            &format!("/v1/users/{parent}"),
            json!({"name": "Pat"}),
        )
        .await?
        .expect(200);

        // A tutor whose account is here and who teaches there.
        let teacher = people::user(app, &admin, "tutor", home).await?;
        let body = json!({"user_id": teacher, "centre_id": away, "max_students": 3});
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
fn a_code_for_an_address_ends_with_another_and_with_the_account() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let home = app
            .get(&supervisor, "/v1/auth/me")
            .await?
            .expect(200)
            .json();
        let home = home["user"]["centre_id"]
            .as_str()
            .context("a centre")?
            .parse()?;
        let user = people::user(app, &admin, "parent", home).await?;
        let path = format!("/v1/users/{user}");
        change(app, &supervisor, user, NEW).await?.expect(200);
        let first = outbox::code(app).await?;
        change(app, &supervisor, user, "other@aurora.example")
            .await?
            .expect(200);
        let second = outbox::code(app).await?;
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
fn an_address_that_is_taken_is_refused_when_it_is_asked_for_and_when_it_is_confirmed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, _) = tutor(app).await?;
        let taken = change(app, &supervisor, user, &app.user(0, role::PARENT).email)
            .await?
            .expect(409);
        assert_eq!(taken.pointers(), ["/email"]);
        change(app, &supervisor, user, NEW).await?.expect(200);
        let code = outbox::code(app).await?;
        let body = json!({"name": "Faster", "email": NEW, "role": "support"});
        let made = app.post(&admin, "/v1/users", body).await?.expect(201);
        confirm(app, &code).await?.expect(409);
        let faster = format!("/v1/users/{}", people::id(&made.json())?);
        app.delete(&admin, &faster).await?.expect(204);
        confirm(app, &code).await?.expect(204);
        Ok(())
    });
}

#[test]
fn nobodys_mailbox_is_filled_with_codes_and_no_pending_address_is_written_by_hand() {
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
        let refused = change(app, &supervisor, user, NEW).await?.expect(409);
        assert_eq!(refused.pointers(), ["/email"]);
        let by_hand = app
            .patch(
                &supervisor,
                &format!("/v1/users/{user}"),
                json!({"pending_email": NEW}),
            )
            .await?;
        assert!([403, 422].contains(&by_hand.status), "{}", by_hand.text);
        rows::execute(
            app,
            "update lms.users set pending_email = 'x@aurora.example' where id = $1",
            &[&user],
        )
        .await?;
        let kept = rows::texts(
            app,
            "select pending_email from lms.users where id = $1",
            &[&user],
        )
        .await?;
        assert_eq!(
            kept.first().context("a row")?.as_str(),
            "new4@aurora.example"
        );
        Ok(())
    });
}
