//! Tests the command `lms cell`: exit codes and output.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// The port of the first cell, which differs from the ports of a developer's cells.
const PORT: &str = "4210";

fn lms(state: &Path) -> Command {
    let mut command = Command::new(tests::program());
    command
        .current_dir(tests::root())
        .env_remove("DATABASE_URL")
        .env_remove("LMS_CELLS")
        .arg("--state")
        .arg(state);
    command
}

#[tokio::test]
async fn the_defined_cells_are_listed_with_their_urls_and_backups() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let output = lms(directory.path())
        .args(["cell", "check"])
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find(|line| line.starts_with("us-regulated: "))
        .context("the cell is not listed")?;
    assert!(
        line.contains("https://us-regulated.lms.example.com"),
        "{line}"
    );
    assert!(line.contains("2557 days of backups in s3://"), "{line}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_cell_is_reported_and_nothing_is_started() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    for (name, code, expected_message) in [
        (
            "eu-standard-7",
            1,
            "there is no cell eu-standard-7: deploy/cells has au-regulated,",
        ),
        ("mars", 2, "is not the name of a cell"),
    ] {
        let output = lms(&state).args(["cell", "up", name]).output().await?;
        let text = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(expected_message), "{text}");
        assert!(!state.exists());
    }
    Ok(())
}

/// Waits until the cells are served and returns the output, or fails if the program ends.
async fn until_served(process: &mut Child, log: &Path) -> Result<String> {
    loop {
        let text = fs::read_to_string(log)?;
        if text.contains("Press Ctrl-C to stop the cells.") {
            return Ok(text);
        }
        if let Some(status) = process.try_wait()? {
            anyhow::bail!("the program ended: {status}: {text}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn cells_have_a_database_and_keys_of_their_own_and_stop_together() -> Result<()> {
    // The server's account must be able to enter the directory.
    let directory = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()?;
    let log = directory.path().join("log");
    let state = directory.path().join("state");
    let mut process = lms(&state)
        .args(["cell", "up", "--port", PORT, "au-standard", "us-regulated"])
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .kill_on_drop(true)
        .spawn()?;
    let text = until_served(&mut process, &log).await?;
    let mut secrets = Vec::new();
    for (name, url) in [
        ("au-standard", "http://127.0.0.1:4210"),
        ("us-regulated", "http://127.0.0.1:4220"),
    ] {
        assert!(text.contains(url), "{text}");
        let ready = reqwest::get(format!("{url}/readyz")).await?;
        let ready: serde_json::Value = ready.error_for_status()?.json().await?;
        assert_eq!(ready["region"], &name[..2]);
        let regions: serde_json::Value = reqwest::get(format!("{url}/v1/regions"))
            .await?
            .json()
            .await?;
        assert_eq!(regions["data"][0]["base_url"], "http://127.0.0.1:4210");
        assert_eq!(regions["data"][1]["base_url"], "http://127.0.0.1:4220");
        let cell = state.join("cells").join(name);
        secrets.push(fs::read_to_string(cell.join("secrets.toml"))?);
    }
    for line in secrets[0].lines() {
        assert!(!secrets[1].contains(line), "a secret is shared");
    }
    let id = i32::try_from(process.id().context("it has ended")?)?;
    kill(Pid::from_raw(id), Signal::SIGTERM)?;
    assert!(process.wait().await?.success());
    for name in ["au-standard", "us-regulated"] {
        let cell = state.join("cells").join(name);
        assert_eq!(
            local::cluster::status(&cell),
            local::cluster::Status::Stopped
        );
    }
    Ok(())
}
