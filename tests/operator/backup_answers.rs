//! Tests the answers of `lms backup` and `lms cluster` as JSON. Backing up and restoring are tested
//! in `recovery`.

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::documented_answer;

use crate::recovery_fixture::{RecoveryFixture, with_recovery_fixture};

/// Runs a command with `--json` on the cluster of the test, and returns its exit code and answer.
async fn answer(fixture: &RecoveryFixture, arguments: &[&str]) -> Result<(Option<i32>, Value)> {
    let arguments = [arguments, &["--json"]].concat();
    let (code, printed, errors) = fixture.lms(&arguments).await?;
    let answer = documented_answer(&arguments, &printed).context(errors)?;
    Ok((code, answer))
}

/// Runs a command that must succeed, and returns its answer.
async fn success(fixture: &RecoveryFixture, arguments: &[&str]) -> Result<Value> {
    let (code, answer) = answer(fixture, arguments).await?;
    ensure!(code == Some(0), "{arguments:?}: {answer}");
    Ok(answer)
}

fn time(value: &Value) -> Result<DateTime<Utc>> {
    Ok(value.as_str().unwrap_or_default().parse()?)
}

#[tokio::test]
async fn backups_and_the_cluster_are_answered_as_json() -> Result<()> {
    with_recovery_fixture(&["eu-standard"], async |fixture| {
        let location = fixture.repository("eu-standard", 1).display().to_string();
        let repository = json!({"number": 1, "location": location});
        let configured =
            success(fixture, &["backup", "configure", "--cell", "eu-standard"]).await?;
        assert_eq!(
            configured,
            json!({
                "cell": "eu-standard",
                "archive_timeout": 60,
                "retention_days": 30,
                "repositories": [{"type": "posix", "path": location}],
            })
        );
        fixture.start().await?;

        let made = success(fixture, &["backup", "run", "--cell", "eu-standard"]).await?;
        let made = &made["backups"][0];
        assert_eq!(
            (&made["repository"], &made["type"]),
            (&repository, &json!("full"))
        );

        let listed = success(fixture, &["backup", "list", "--cell", "eu-standard"]).await?;
        let listed = &listed["repositories"][0];
        assert_eq!(listed["repository"], repository);
        assert_eq!(listed["backups"][0]["label"], made["label"]);
        assert_eq!(listed["backups"][0]["size"], made["size"]);
        assert_eq!(listed["missing_segment"], Value::Null);
        let from = time(&listed["recoverable"]["from"])?;
        ensure!(from <= time(&listed["recoverable"]["until"])?, "{listed}");
        let (_, text, _) = fixture
            .lms(&["backup", "list", "--cell", "eu-standard"])
            .await?;
        ensure!(
            text.contains("BACKUP") && text.contains("any time from 2"),
            "{text}"
        );

        let verified = success(fixture, &["backup", "verify", "--cell", "eu-standard"]).await?;
        let verified = &verified["repositories"][0];
        assert_eq!(
            (&verified["repository"], &verified["faults"]),
            (&repository, &json!([]))
        );

        let into = fixture.path("restored");
        let restore = [
            "backup",
            "restore",
            "--cell",
            "eu-standard",
            "--to-time",
            "latest",
            "--into",
            &into,
        ];
        let restored = success(fixture, &restore).await?;
        assert_eq!(restored["data_directory"], json!(into));
        assert_eq!(restored["backup"]["label"], made["label"]);
        ensure!(restored["copy_seconds"].is_f64(), "{restored}");

        let status = success(fixture, &["cluster", "status"]).await?;
        assert_eq!(status["status"], "running");
        ensure!(status["process_id"].is_u64(), "{status}");
        let stopped = json!({"status": "stopped", "process_id": null});
        assert_eq!(success(fixture, &["cluster", "stop"]).await?, stopped);
        assert_eq!(
            answer(fixture, &["cluster", "status"]).await?,
            (Some(1), stopped)
        );
        let started = success(fixture, &["cluster", "start"]).await?;
        ensure!(started["port"].is_u64(), "{started}");
        fixture.start().await
    })
    .await
}
