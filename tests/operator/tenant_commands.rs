//! Tests `lms tenant` list, show, suspend and resume. Relocation and restore have files of their own.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{Application, documented_answer, role, run, run_program};

/// Runs `lms tenant`, and returns the text that it prints, or the error.
async fn tenant(app: &Application, arguments: &[&str]) -> Result<Result<String, String>> {
    let arguments = [&["tenant"], arguments].concat();
    let (code, stdout, stderr) = run_program(&app.superuser_url, &arguments, "").await?;
    Ok(if code == Some(0) {
        if arguments.contains(&"--json") {
            documented_answer(&arguments, &stdout)?;
        }
        Ok(stdout)
    } else {
        Err(stderr)
    })
}

#[test]
fn tenants_are_listed_and_shown_as_text_and_as_json() {
    run(async |app| {
        let listed = tenant(app, &["list", "--json"])
            .await?
            .map_err(anyhow::Error::msg)?;
        let listed: Value = serde_json::from_str(&listed)?;
        let listed = &listed["tenants"];
        let slugs: Vec<&str> = listed
            .as_array()
            .context("no list")?
            .iter()
            .filter_map(|tenant| tenant["slug"].as_str())
            .collect();
        assert_eq!(slugs, ["aurora", "harbour"]);
        let shown = tenant(app, &["show", "--tenant", "aurora", "--json"])
            .await?
            .map_err(anyhow::Error::msg)?;
        let shown: Value = serde_json::from_str(&shown)?;
        assert_eq!(shown, listed[0]);
        assert_eq!(shown["status"], "active");
        ensure!(shown["students"].as_i64() > Some(0), "{shown}");
        let text = tenant(app, &["show", "--tenant", "aurora"])
            .await?
            .map_err(anyhow::Error::msg)?;
        ensure!(
            text.starts_with("aurora: ") && text.lines().count() == 1,
            "{text}"
        );
        let table = tenant(app, &["list"]).await?.map_err(anyhow::Error::msg)?;
        ensure!(
            table.contains("TENANT") && table.contains("aurora") && table.contains("harbour"),
            "{table}"
        );
        let unknown = tenant(app, &["show", "--tenant", "nobody"]).await?;
        let error = unknown.err().context("a tenant was shown")?;
        ensure!(error.contains("there is no tenant nobody"), "{error}");
        Ok(())
    });
}

#[test]
fn a_new_and_a_suspended_tenant_are_answered() {
    run(async |app| {
        let create = ["create", "--slug", "acme", "--name", "Acme", "--json"];
        let created = tenant(app, &create).await?.map_err(anyhow::Error::msg)?;
        let created: Value = serde_json::from_str(&created)?;
        assert_eq!(
            (&created["slug"], &created["users"]),
            (&json!("acme"), &json!(0))
        );
        for (command, status) in [("suspend", "inactive"), ("resume", "active")] {
            let changed = tenant(app, &[command, "--tenant", "acme", "--json"])
                .await?
                .map_err(anyhow::Error::msg)?;
            let changed: Value = serde_json::from_str(&changed)?;
            assert_eq!(changed["id"], created["id"]);
            assert_eq!(changed["status"], status);
        }
        let client = app.superuser().await?;
        let now: DateTime<Utc> = client
            .query_one("select clock_timestamp()", &[])
            .await?
            .get(0);
        let now = now.to_rfc3339();
        let restore = ["restore", "--tenant", "aurora", "--to-time", &now, "--json"];
        let restored = tenant(app, &restore).await?.map_err(anyhow::Error::msg)?;
        let restored: Value = serde_json::from_str(&restored)?;
        assert_eq!(
            restored,
            json!({"changed": 0, "recreated": 0, "deleted": 0})
        );
        Ok(())
    });
}

#[test]
fn a_suspended_tenant_is_signed_out_until_it_is_resumed() {
    run(async |app| {
        let (own, other) = (
            app.sign_in(role::ADMIN).await?,
            app.sign_in_to(1, role::ADMIN).await?,
        );
        tenant(app, &["suspend", "--tenant", "aurora"])
            .await?
            .map_err(anyhow::Error::msg)?;
        app.get(&own, "/v1/users").await?.expect(401);
        app.get(&other, "/v1/users").await?.expect(200);
        ensure!(
            app.sign_in(role::ADMIN).await.is_err(),
            "signed in to a suspended tenant"
        );
        let again = tenant(app, &["suspend", "--tenant", "aurora"]).await?;
        let error = again.err().context("suspended twice")?;
        ensure!(error.contains("is inactive already"), "{error}");
        tenant(app, &["resume", "--tenant", "aurora"])
            .await?
            .map_err(anyhow::Error::msg)?;
        let admin = app.sign_in(role::ADMIN).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        Ok(())
    });
}
