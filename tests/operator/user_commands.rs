//! Tests `lms user`: an account that an operator creates follows the rules of the API.

use anyhow::{Context, Result};
use tests::{Application, run, run_program};

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
