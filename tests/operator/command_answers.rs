//! Tests `--json`: one document on standard output, errors on standard error, and exit codes as
//! without it. Users, tenants and backups have files of their own.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{Application, documented_answer, queries, root, run, run_program};

/// Runs a command with `--json` on the database of the test, and returns its exit code, its answer
/// and its standard error.
async fn answer(app: &Application, arguments: &[&str]) -> Result<(Option<i32>, Value, String)> {
    let arguments = [arguments, &["--json"]].concat();
    let (code, printed, errors) = run_program(&app.superuser_url, &arguments, "").await?;
    let answer = documented_answer(&arguments, &printed).with_context(|| errors.clone())?;
    Ok((code, answer, errors))
}

/// Runs a command that must succeed, and returns its answer.
async fn success(app: &Application, arguments: &[&str]) -> Result<Value> {
    let (code, answer, errors) = answer(app, arguments).await?;
    ensure!(code == Some(0), "{arguments:?}: {answer} {errors}");
    Ok(answer)
}

/// Returns the members of a list in an answer.
fn members<'a>(answer: &'a Value, noun: &str) -> Result<&'a Vec<Value>> {
    answer[noun]
        .as_array()
        .with_context(|| format!("no list {noun}: {answer}"))
}

#[tokio::test]
async fn a_command_without_an_answer_refuses_json_and_says_why() -> Result<()> {
    for (arguments, reason) in [
        (&["up"][..], "the command serves until it is stopped"),
        (&["serve"], "the command serves until it is stopped"),
        (&["cell", "up"], "the command serves until it is stopped"),
        (&["worker"], "with --once it does"),
        (&["completions", "bash"], "a script for a shell"),
    ] {
        // Nothing listens on this port.
        let address = "postgres://nobody@127.0.0.1:1/lms";
        let arguments = [arguments, &["--json"]].concat();
        let (code, printed, errors) = run_program(address, &arguments, "").await?;
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}");
        let refusal = "--json cannot be used here, because ";
        assert!(errors.contains(refusal), "{arguments:?}: {errors}");
        assert!(errors.contains(reason), "{arguments:?}: {errors}");
    }
    Ok(())
}

#[test]
fn an_error_is_the_same_with_json() {
    run(async |app| {
        for arguments in [
            &["events", "verify", "--tenant", "nobody"][..],
            &["tenant", "show", "--tenant", "nobody"],
            &["user", "list", "--tenant", "nobody"],
        ] {
            let with_json = [arguments, &["--json"]].concat();
            let as_text = run_program(&app.superuser_url, arguments, "").await?;
            let as_json = run_program(&app.superuser_url, &with_json, "").await?;
            assert_eq!(as_text, as_json);
            let (code, printed, errors) = as_json;
            assert_eq!((code, printed.as_str()), (Some(1), ""), "{arguments:?}");
            assert!(errors.starts_with("error: there is no tenant"), "{errors}");
        }
        Ok(())
    });
}

#[test]
fn the_checks_of_the_doctor_have_a_status_and_a_repair() {
    run(async |app| {
        let (_, answer, _) = answer(app, &["doctor"]).await?;
        let checks = members(&answer, "checks")?;
        let check = |subject: &str| checks.iter().find(|check| check["subject"] == subject);
        let version = check("database version").context("the version is not checked")?;
        assert_eq!(version["status"], "ok");
        assert_eq!(version["repair"], Value::Null);
        let archiving = check("archiving").context("archiving is not checked")?;
        assert_eq!(archiving["status"], "skipped");

        let unreachable = "postgres://nobody@127.0.0.1:1/lms";
        let (code, printed, _) = run_program(unreachable, &["doctor", "--json"], "").await?;
        assert_eq!(code, Some(1), "{printed}");
        let answer: Value = serde_json::from_str(&printed)?;
        let failed = members(&answer, "checks")?
            .iter()
            .find(|check| check["subject"] == "database")
            .context("the connection is not checked")?;
        assert_eq!(failed["status"], "failed");
        ensure!(failed["repair"].is_string(), "{failed}");
        let (code, printed, _) = run_program(unreachable, &["doctor"], "").await?;
        assert_eq!(code, Some(1));
        ensure!(printed.contains("FAIL  database: "), "{printed}");
        Ok(())
    });
}

#[test]
fn the_schema_and_the_views_are_answered() {
    run(async |app| {
        let migrated = success(app, &["migrate", "--dry-run"]).await?;
        assert_eq!(migrated["dry_run"], true);
        assert_eq!(migrated["migrations"], json!([]));
        ensure!(migrated["schema"]["name"].is_string(), "{migrated}");
        let (_, text, _) = run_program(&app.superuser_url, &["migrate", "--dry-run"], "").await?;
        ensure!(
            text.starts_with("nothing to apply: the schema is at "),
            "{text}"
        );

        let refreshed = success(app, &["analytics", "refresh"]).await?;
        let views: Vec<&Value> = members(&refreshed, "views")?
            .iter()
            .map(|view| &view["view"])
            .collect();
        assert_eq!(
            views,
            [
                "mv_student_progress",
                "mv_tutor_load",
                "mv_centre_financials"
            ]
        );
        let one = ["analytics", "refresh", "--view", "mv_tutor_load"];
        let refreshed = success(app, &one).await?;
        ensure!(refreshed["views"][0]["seconds"].is_f64(), "{refreshed}");

        // The example of this command is only the beginning of the document.
        let openapi = ["openapi", "--json"];
        let (_, printed, _) = run_program(&app.superuser_url, &openapi, "").await?;
        let document: Value = serde_json::from_str(&printed)?;
        ensure!(document["openapi"].is_string(), "no OpenAPI document");
        Ok(())
    });
}

#[test]
fn one_round_of_the_worker_is_answered_in_one_document() {
    run(async |app| {
        let done = success(app, &["worker", "--once"]).await?;
        for part in ["round", "notifications", "webhooks"] {
            ensure!(done[part].is_object(), "{part}: {done}");
        }
        assert_eq!(members(&done, "views")?.len(), 3);
        assert_eq!(done["round"]["failed"], json!([]));
        ensure!(done["notifications"]["dead_letters"].is_u64(), "{done}");
        Ok(())
    });
}

#[test]
fn the_commands_on_events_answer_what_they_did() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        let path = |name: &str| directory.path().join(name).display().to_string();
        let (key, heads, parts) = (path("key"), path("heads"), path("parts"));

        let verified = success(app, &["events", "verify", "--all"]).await?;
        let [aurora, harbour] = &members(&verified, "tenants")?[..] else {
            anyhow::bail!("not two tenants: {verified}");
        };
        assert_eq!(
            (&aurora["tenant"], &harbour["tenant"]),
            (&json!("aurora"), &json!("harbour"))
        );
        assert_eq!(aurora["broken"], Value::Null);
        assert_eq!(aurora["signed"], Value::Null);
        let events = aurora["intact_events"].as_i64().context("no events")?;

        let keys = success(app, &["events", "key", "--output", &key]).await?;
        assert_eq!(keys["private_key_file"], json!(key));
        assert_eq!(keys["public_key_file"], json!(format!("{key}.pub")));
        let signed = success(app, &["events", "heads", "--output", &heads, "--key", &key]).await?;
        assert_eq!(signed, json!({"file": heads, "tenants": 2}));

        let replay = ["events", "replay", "--tenant", "aurora", "--into", "then"];
        let rebuilt = success(app, &replay).await?;
        assert_eq!(rebuilt["schema"], "then");
        assert_eq!(rebuilt["position"], json!(events));
        ensure!(rebuilt["rows"].as_u64() > Some(0), "{rebuilt}");

        let export = [
            "events", "export", "--tenant", "aurora", "--format", "ndjson", "--output", &parts,
        ];
        let exported = success(app, &export).await?;
        assert_eq!(
            exported,
            json!({"directory": parts, "parts": 1, "position": events})
        );

        let client = app.superuser().await?;
        queries::disable_event_triggers(&client).await?;
        client
            .batch_execute("update lms.event_log set actor = lms.new_id() where position = 3")
            .await?;
        let (code, verified, _) = answer(app, &["events", "verify", "--tenant", "aurora"]).await?;
        assert_eq!(code, Some(1));
        let broken = &verified["tenants"][0]["broken"];
        assert_eq!(
            (&broken["position"], &broken["fault"]),
            (&json!(3), &json!("hash"))
        );
        Ok(())
    });
}

#[test]
fn nothing_is_replayed_from_before_the_first_event() {
    run(async |app| {
        let arguments = |time: &'static str| {
            [
                "events", "replay", "--tenant", "aurora", "--into", "then", "--until", time,
            ]
        };
        let (code, printed, errors) =
            run_program(&app.superuser_url, &arguments("2001-01-01T00:00:00Z"), "").await?;
        assert_eq!((code, printed.as_str()), (Some(1), ""));
        let expected = "aurora has no event up to 2001-01-01T00:00:00Z: its first event is of ";
        ensure!(errors.contains(expected), "{errors}");
        Ok(())
    });
}

#[test]
fn the_defined_cells_are_answered() {
    run(async |app| {
        let directory = root().join("deploy/cells").display().to_string();
        let checked = success(app, &["cell", "check", "--cells", &directory]).await?;
        let cell = members(&checked, "cells")?
            .iter()
            .find(|cell| cell["name"] == "eu-regulated")
            .context("a cell is missing")?;
        assert_eq!(
            (&cell["region"], &cell["retention"]),
            (&json!("eu"), &json!("regulated"))
        );
        ensure!(cell["database"]["port"].is_u64(), "{cell}");
        assert_eq!(members(&cell["backup"], "repositories")?.len(), 2);
        Ok(())
    });
}

#[test]
fn the_commands_on_personal_data_answer_files_and_receipts() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        let path = |name: &str| directory.path().join(name).display().to_string();
        let (data, receipt) = (path("data.json"), path("receipt.json"));
        let user = &success(
            app,
            &["user", "list", "--tenant", "aurora", "--role", "parent"],
        )
        .await?["users"][0]["id"];
        let user = user.as_str().context("no parent")?;
        let subject = ["--tenant", "aurora", "--user", user];

        let export = [&["privacy", "export", "--output", &data][..], &subject].concat();
        let exported = success(app, &export).await?;
        assert_eq!(exported, json!({"user_id": user, "file": data}));

        let erase = [
            &["privacy", "erase", "--reason", "Asked for it."][..],
            &subject,
        ]
        .concat();
        let erased = success(app, &erase).await?;
        assert_eq!(erased["user_id"], json!(user));
        std::fs::write(&receipt, erased.to_string())?;
        let verified = success(app, &["privacy", "verify", "--receipt", &receipt]).await?;
        assert_eq!(verified["erasure_id"], erased["erasure_id"]);
        assert_eq!(verified["position"], erased["event"]["position"]);
        Ok(())
    });
}

#[test]
fn times_are_in_utc() {
    run(async |app| {
        let shown = success(app, &["tenant", "show", "--tenant", "aurora"]).await?;
        let created = shown["created_at"].as_str().context("no time")?;
        ensure!(created.ends_with('Z'), "{created}");
        ensure!(created.parse::<DateTime<Utc>>()? < Utc::now(), "{created}");
        Ok(())
    });
}
