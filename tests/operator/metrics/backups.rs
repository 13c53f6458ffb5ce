//! Tests that the worker measures the age of backups and the gap of the archive.

use std::process::Stdio;

use anyhow::{Result, ensure};
use tests::{free_address, program};

use super::{read_until, value};
use crate::recovery_fixture::with_recovery_fixture;

#[tokio::test]
async fn the_worker_measures_the_age_of_backups_and_the_gap_of_the_archive() -> Result<()> {
    with_recovery_fixture(&["eu-standard"], async |fixture| {
        fixture.configure("eu-standard").await?;
        let migrate = ["migrate", "--cell", "eu-standard"];
        let (code, _, errors) = fixture.lms(&migrate).await?;
        ensure!(code == Some(0), "{errors}");
        fixture
            .backup_succeeds(&["run", "--cell", "eu-standard"], "bytes")
            .await?;
        let operators = free_address()?;
        let _worker = tokio::process::Command::new(program())
            .arg("--state")
            .arg(&fixture.state)
            .args(["worker", "--management", &operators.to_string()])
            .env_remove("DATABASE_URL")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let metrics = format!("http://{operators}/metrics");
        let gap = |text: &str| value(text, "lms_archive_gap_seconds", &[]);
        let text = read_until(&metrics, |text| gap(text) == Some(0.0)).await?;
        let age = value(&text, "lms_backup_age_seconds", &["repository=\"1\""]);
        ensure!(age.is_some_and(|age| (0.0..600.0).contains(&age)), "{text}");

        let client = database::connect(&fixture.address()).await?;
        for statement in [
            "alter system set archive_command = 'false'",
            "select pg_reload_conf()",
            "create table written (number int)",
            "select pg_switch_wal()",
        ] {
            client.batch_execute(statement).await?;
        }
        read_until(&metrics, |text| gap(text) > Some(0.0)).await?;
        Ok(())
    })
    .await
}
