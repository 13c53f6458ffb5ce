//! Tests `lms user`: an account that an operator creates follows the rules of the API.

use std::process::Stdio;

use anyhow::{Context, Result};
use tests::{Application, program, run};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs `lms user create-admin` in the first tenant, and returns the id of the account or the error.
async fn create_admin(
    app: &Application,
    name: &str,
    email: &str,
    password: &str,
) -> Result<Result<String, String>> {
    let mut command = Command::new(program())
        .args(["user", "create-admin", "--tenant"])
        .arg(&app.demo.tenants[0].slug)
        .args(["--name", name, "--email", email])
        .env("DATABASE_URL", &app.superuser_url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = command.stdin.take().context("no standard input")?;
    input.write_all(format!("{password}\n").as_bytes()).await?;
    drop(input);
    let output = command.wait_with_output().await?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes);
    Ok(if output.status.success() {
        Ok(text(output.stdout)?)
    } else {
        Err(text(output.stderr)?)
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
