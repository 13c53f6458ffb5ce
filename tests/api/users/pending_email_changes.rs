//! Tests pending changes of an e-mail address: permissions, cancellation and the warning to the present address.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Behaviour, Session, StubProvider, fixtures, notifications, queries, role, run,
};
use uuid::Uuid;

use crate::users::email_changes::{NEW_ADDRESS, change, confirm, mails, tutor};

/// Returns an account's address, its pending address and the number of valid codes for it.
async fn pending_change(app: &Application, user: Uuid) -> Result<(String, String, i64)> {
    let sql = "select concat_ws(' ', email, pending_email) from lms.users where id = $1";
    let addresses = queries::fetch_texts(app, sql, &[&user]).await?;
    let addresses = addresses.first().context("a user")?;
    let (email, pending) = addresses
        .split_once(' ')
        .unwrap_or((addresses.as_str(), ""));
    let sql =
        "lms.one_use_tokens where user_id = $1 and purpose = 'email_change' and used_at is null";
    let codes = queries::count(app, sql, &[&user]).await?;
    Ok((email.to_owned(), pending.to_owned(), codes))
}

/// Creates another supervisor of a centre with a session.
async fn supervisor(
    app: &Application,
    admin: &Session,
    centre: Uuid,
    email: &str,
) -> Result<(Uuid, Session)> {
    let password = "a lake holds 9 boats";
    let body = json!({"name": "Sam", "email": email, "role": "supervisor", "centre_id": centre, "password": password});
    let created = app.post(admin, "/v1/users", body).await?.expect(201);
    let session = app.sign_in_as("aurora", email, password).await?;
    Ok((fixtures::parse_id(&created.json())?, session))
}

#[test]
fn a_code_is_invalid_once_its_requester_loses_the_permission() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let made_up = confirm(app, "made-up").await?.expect(422).json();
        for case in [
            "linked",
            "moved",
            "deactivated",
            "demoted",
            "transferred",
            "deleted",
        ] {
            let address = format!("{case}.asker@aurora.example");
            let (asker, session) = supervisor(app, &admin, own_centre, &address).await?;
            let person = fixtures::create_user(app, &admin, "parent", own_centre).await?;
            let before = pending_change(app, person).await?.0;
            let email = format!("{case}@elsewhere.example");
            change(app, &session, person, &email).await?.expect(200);
            assert_eq!(pending_change(app, person).await?.1, email);
            let code = notifications::latest_code(app).await?;
            let (asker, person_path) =
                (format!("/v1/users/{asker}"), format!("/v1/users/{person}"));
            match case {
                "linked" => {
                    let student = fixtures::create_student(app, &admin, other_centre).await?;
                    let body =
                        json!({"user_id": person, "student_id": student, "relationship": "parent"});
                    app.post(&admin, "/v1/guardians", body).await?.expect(201)
                }
                "moved" => app
                    .patch(&admin, &person_path, json!({"centre_id": other_centre}))
                    .await?
                    .expect(200),
                "deactivated" => app
                    .call(
                        Some(&admin),
                        Method::POST,
                        &format!("{asker}/deactivate"),
                        None,
                    )
                    .await?
                    .expect(200),
                "demoted" => app
                    .patch(&admin, &asker, json!({"role": "tutor"}))
                    .await?
                    .expect(200),
                "transferred" => app
                    .patch(&admin, &asker, json!({"centre_id": other_centre}))
                    .await?
                    .expect(200),
                _ => app.delete(&admin, &asker).await?.expect(204),
            };
            let rejected = confirm(app, &code).await?.expect(422).json();
            assert_eq!(rejected["errors"], made_up["errors"], "{case}");
            assert_eq!(
                pending_change(app, person).await?,
                (before, String::new(), 0),
                "{case}"
            );
        }
        Ok(())
    });
}

#[test]
fn setting_the_present_address_again_cancels_a_change() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let (user, session) = tutor(app).await?;
        let old = app.user(0, role::TUTOR).email.clone();
        for back in [&supervisor, &admin] {
            change(app, &supervisor, user, NEW_ADDRESS)
                .await?
                .expect(200);
            let code = notifications::latest_code(app).await?;
            // Other changes leave the pending address unchanged.
            let path = format!("/v1/users/{user}");
            app.patch(&supervisor, &path, json!({"name": "Toni"}))
                .await?
                .expect(200);
            assert_eq!(
                pending_change(app, user).await?,
                (old.clone(), NEW_ADDRESS.to_owned(), 1)
            );
            let shown = change(app, back, user, &old).await?.expect(200).json();
            assert_eq!(shown["email"], json!(old));
            assert_eq!(shown["pending_email"], Value::Null);
            assert_eq!(
                pending_change(app, user).await?,
                (old.clone(), String::new(), 0)
            );
            confirm(app, &code).await?.expect(422);
        }
        app.get(&session, "/v1/auth/me").await?.expect(200);
        Ok(())
    });
}

#[test]
fn the_warning_is_sent_to_the_present_address() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (user, _) = tutor(app).await?;
        let old = app.user(0, role::TUTOR).email.clone();
        change(app, &supervisor, user, NEW_ADDRESS)
            .await?
            .expect(200);
        // The worker has not sent the warning yet.
        confirm(app, &notifications::latest_code(app).await?)
            .await?
            .expect(204);
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        let expected_mails = [
            "A change of your e-mail address was requested",
            "Your e-mail address was changed",
        ]
        .map(|subject| (old.clone(), subject.to_owned()));
        assert_eq!(mails(app, &provider).await?, expected_mails);
        Ok(())
    });
}
