//! Runs PostgreSQL's programs, extracts the reason of a failure, and removes the lock file of a server that has crashed.
//! Programs and server processes are found in `operations::postgresql`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use operations::postgresql::{running_process, works_in};
use tokio::process::Command;

/// Runs a program to its end and reports its output as the error if it fails.
pub(super) async fn run(mut command: Command, purpose: &str) -> Result<()> {
    let output = command
        .output()
        .await
        .with_context(|| format!("cannot {purpose}: the program cannot be run"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Err(anyhow!("cannot {purpose}: {}", reason(&text)))
}

/// Returns the line of a log or of a program's output that has the reason of a failure.
pub(super) fn reason(text: &str) -> String {
    if text.contains("No space left on device") {
        return "the disk is full: free some space and try again".to_owned();
    }
    if text.contains("pre-existing shared memory block") {
        return "processes of an earlier server still use this cluster: end them (pgrep -u postgres -a postgres) and try again".to_owned();
    }
    let labels = ["PANIC:", "FATAL:", "error:", "ERROR:"];
    let line = labels
        .iter()
        .find_map(|label| {
            text.lines()
                .rev()
                .find_map(|line| line.split_once(label).map(|(_, rest)| rest))
        })
        .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))
        .unwrap_or("no reason given");
    line.trim().to_owned()
}

/// Removes a lock file whose process id belongs to another program.
///
/// PostgreSQL removes the file after a crash, unless another process has got the same id. The file also protects against
/// children of a crashed server, so it stays as long as any process works in the directory.
pub(super) fn remove_stale_lock(data: &Path) -> Result<()> {
    let lock = data.join("postmaster.pid");
    if !lock.exists() || running_process(data).is_some() {
        return Ok(());
    }
    let deadline = Instant::now() + ORPHAN_TIMEOUT;
    while is_used(data)? {
        if Instant::now() > deadline {
            bail!(
                "processes of an earlier server still use {}: end them (pgrep -u postgres -a postgres) and try again",
                data.display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::remove_file(&lock).with_context(|| format!("cannot remove the stale {}", lock.display()))
}

/// The time within which children of a killed server end by themselves.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns whether any process works in the data directory.
fn is_used(data: &Path) -> Result<bool> {
    let processes = fs::read_dir("/proc").context("cannot list the running processes")?;
    Ok(processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .any(|process| works_in(process, data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_fatal_line() {
        let log = "LOG:  starting\n2026-01-01 UTC [7] FATAL:  could not create lock file\nLOG:  database system is shut down\n";
        assert_eq!(reason(log), "could not create lock file");
        assert_eq!(
            reason("initdb: error: could not write: No space left on device"),
            "the disk is full: free some space and try again"
        );
        assert_eq!(reason("\n"), "no reason given");
    }

    #[test]
    fn a_lock_with_the_process_id_of_another_program_is_stale() {
        let directory = tempfile::tempdir().unwrap();
        let lock = directory.path().join("postmaster.pid");
        fs::write(&lock, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(running_process(directory.path()), None);
        remove_stale_lock(directory.path()).unwrap();
        assert!(!lock.exists());
    }
}
