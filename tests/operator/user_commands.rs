//! Tests `lms user`: an account that an operator creates follows the rules of the API, and a password
//! that an operator resets is one that the product has reset.

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, documented_answer, queries, role, run, run_program};

/// Runs `lms user` with `--json` in the first tenant, and returns the answer or the error.
async fn user(app: &Application, arguments: &[&str]) -> Result<Result<Value, String>> {
    let slug = app.demo.tenants[0].slug.as_str();
    let arguments = [&["user"], arguments, &["--tenant", slug, "--json"]].concat();
    let (code, stdout, stderr) = run_program(&app.superuser_url, &arguments, "").await?;
    Ok(if code == Some(0) {
        Ok(documented_answer(&arguments, &stdout)?)
    } else {
        Err(stderr)
    })
}

/// Sets a password by a token, and returns the status of the response.
async fn confirm(app: &Application, token: &Value, password: &str) -> Result<u16> {
    let body = json!({"token": token, "password": password});
    let path = "/v1/auth/password-reset/confirm";
    Ok(app.call(None, Method::POST, path, Some(body)).await?.status)
}

/// Runs `lms user create-admin` in the first tenant, and returns the id of the account or the error.
async fn create_admin(
    app: &Application,
    name: &str,
    email: &str,
    password: &str,
) -> Result<Result<String, String>> {
    let slug = app.demo.tenants[0].slug.as_str();
    let arguments = [
        "user",
        "create-admin",
        "--tenant",
        slug,
        "--name",
        name,
        "--email",
        email,
    ];
    let input = format!("{password}\n");
    let (code, stdout, stderr) = run_program(&app.superuser_url, &arguments, &input).await?;
    Ok(if code == Some(0) {
        Ok(stdout)
    } else {
        Err(stderr)
    })
}

#[test]
fn an_invalid_admin_is_rejected_with_a_reason() {
    run(async |app| {
        for (name, email, password, reason) in [
            (
                "",
                "ada@aurora.example",
                "a long enough one",
                "is not a name",
            ),
            (
                "Ada",
                "ada",
                "a long enough one",
                "is not an e-mail address",
            ),
            ("Ada", "ada@aurora.example", "short", "12"),
            (
                "Ada",
                "ada@aurora.example",
                "PasswordPassword",
                "too common",
            ),
            (
                "Ada",
                "admin@aurora.example",
                "a long enough one",
                "already has a user",
            ),
        ] {
            let outcome = create_admin(app, name, email, password).await?;
            let error = outcome.err().context("the admin was created")?;
            assert!(error.contains(reason), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(!error.contains("constraint"), "{error}");
        }
        Ok(())
    });
}

#[test]
fn an_admin_signs_in_whichever_way_the_password_was_typed() {
    run(async |app| {
        let created =
            create_admin(app, "Ada", "Ada@Aurora.example", "zwo\u{308}lf Zeichen").await?;
        created.map_err(anyhow::Error::msg)?;
        let slug = &app.demo.tenants[0].slug;
        for password in ["zwo\u{308}lf Zeichen", "zwölf Zeichen"] {
            app.sign_in_as(slug, "ada@aurora.example", password).await?;
        }
        Ok(())
    });
}

#[test]
fn users_are_listed_by_role_and_status() {
    run(async |app| {
        let all = user(app, &["list"]).await?.map_err(anyhow::Error::msg)?;
        let all = all["users"].as_array().context("no list")?;
        let tenant = app.demo.tenants[0].id;
        let from = "lms.users where tenant_id = $1 and deleted_at is null";
        let count = queries::count(app, from, &[&tenant]).await?;
        assert_eq!(i64::try_from(all.len())?, count);
        let tutors = user(app, &["list", "--role", "tutor"])
            .await?
            .map_err(anyhow::Error::msg)?;
        let tutors = tutors["users"].as_array().context("no list")?;
        let expected: Vec<&Value> = all.iter().filter(|user| user["role"] == "tutor").collect();
        assert_eq!(tutors.iter().collect::<Vec<_>>(), expected);
        ensure!(!tutors.is_empty() && tutors.len() < all.len());
        let inactive = user(app, &["list", "--status", "inactive"])
            .await?
            .map_err(anyhow::Error::msg)?;
        let inactive = inactive["users"].as_array().context("no list")?;
        ensure!(!inactive.is_empty() && inactive.iter().all(|user| user["status"] == "inactive"));

        let arguments = ["user", "list", "--tenant", "aurora", "--role", "admin"];
        let (_, table, _) = run_program(&app.superuser_url, &arguments, "").await?;
        ensure!(
            table.contains("E-MAIL") && table.contains("admin@aurora.example"),
            "{table}"
        );
        let arguments = ["user", "list", "--tenant", "aurora", "--role", "king"];
        let (code, _, errors) = run_program(&app.superuser_url, &arguments, "").await?;
        assert_eq!(code, Some(2));
        ensure!(errors.contains("supervisor"), "{errors}");
        Ok(())
    });
}

#[test]
fn a_reset_password_and_its_sessions_end_and_the_token_sets_a_new_one_once() {
    run(async |app| {
        let tutor = app.user(0, role::TUTOR);
        let session = app.sign_in(role::TUTOR).await?;
        let other = app.sign_in(role::ADMIN).await?;
        let by_email = ["reset-password", "--email", &tutor.email.to_uppercase()];
        let first = user(app, &by_email).await?.map_err(anyhow::Error::msg)?;
        assert_eq!(first["user_id"], json!(tutor.id));
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.get(&other, "/v1/auth/me").await?.expect(200);
        ensure!(
            app.sign_in(role::TUTOR).await.is_err(),
            "the former password is still valid"
        );

        let id = tutor.id.to_string();
        let second = user(app, &["reset-password", "--user", &id])
            .await?
            .map_err(anyhow::Error::msg)?;
        let password = "a river runs past 7 lamps";
        assert_eq!(confirm(app, &first["token"], password).await?, 422);
        assert_eq!(confirm(app, &second["token"], password).await?, 204);
        assert_eq!(confirm(app, &second["token"], password).await?, 422);
        app.sign_in_as("aurora", &tutor.email, password).await?;
        Ok(())
    });
}

#[test]
fn a_reset_is_in_the_event_log_without_a_secret() {
    run(async |app| {
        let tutor = app.user(0, role::TUTOR);
        let reset = user(app, &["reset-password", "--email", &tutor.email])
            .await?
            .map_err(anyhow::Error::msg)?;
        let token = reset["token"].as_str().context("no token")?;
        let mut client = app.superuser().await?;
        database::tenant::seal_events(&mut client, app.demo.tenants[0].id).await?;
        let rows = client
            .query(
                "select l.kind, l.state::text
                from lms.event_log as l
                where l.request_id = 'user-reset-password'
                  and l.entity_id = $1",
                &[&tutor.id],
            )
            .await?;
        let [row] = &rows[..] else {
            anyhow::bail!("{} events", rows.len());
        };
        assert_eq!(row.get::<_, &str>(0), "user.updated");
        let state: &str = row.get(1);
        ensure!(
            !state.contains(token) && !state.contains("password_hash"),
            "{state}"
        );
        Ok(())
    });
}

#[test]
fn no_password_is_reset_for_a_user_who_could_not_sign_in() {
    run(async |app| {
        let parent = app.user(0, role::PARENT);
        let unknown = ["reset-password", "--email", "nobody@aurora.example"];
        let error = user(app, &unknown).await?.err().context("reset")?;
        ensure!(
            error.contains("no user with this e-mail address"),
            "{error}"
        );
        ensure!(!error.contains("nobody@"), "{error}");
        let deactivate = "update lms.users set status = 'inactive' where id = $1";
        queries::execute(app, deactivate, &[&parent.id]).await?;
        let inactive = ["reset-password", "--email", &parent.email];
        let error = user(app, &inactive).await?.err().context("reset")?;
        ensure!(error.contains("is not active"), "{error}");
        Ok(())
    });
}
