//! Replaying the write-ahead log over a restored backup, by a server that accepts no connections and is stopped afterwards.
//! The backup is copied in `restore`.

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;

use crate::postgresql::{Account, any_port, find_programs};

/// The server's log during the recovery.
const LOG: &str = "recovery.log";

/// The line of the lock file with the server's status.
const STATUS_LINE: usize = 7;

/// Replays the log up to the recovery target, so that the directory can be served like any other.
pub(super) async fn replay(account: &Account, data: &Path) -> Result<()> {
    write_missing_configuration(account, data)?;
    let mut server = start(account, data)?;
    loop {
        // This is read first, so that a server that ends after the recovery is not a failure.
        let is_done = is_ready(data);
        if let Some(status) = server.try_wait().context("cannot watch the server")? {
            bail!("{}", failure(data, status));
        }
        if is_done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(&mut server).await?;
    remove_recovery_settings(account, data)
}

/// Returns whether the server accepts connections, which it does once it has promoted itself. The removal of `recovery.signal` is earlier:
/// a server that is stopped then has not recorded the end of recovery, and replays again at its next start.
fn is_ready(data: &Path) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    text.lines()
        .nth(STATUS_LINE)
        .is_some_and(|status| status.trim() == "ready")
}

/// Writes the configuration that Debian keeps outside of the data directory, where no backup contains it.
fn write_missing_configuration(account: &Account, data: &Path) -> Result<()> {
    for (name, text) in [
        (
            "postgresql.conf",
            "# The restored server's configuration was not in its data directory.\n",
        ),
        (
            "pg_hba.conf",
            "local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n",
        ),
        ("pg_ident.conf", ""),
    ] {
        let path = data.join(name);
        if !path.exists() {
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            account.own(&path)?;
        }
    }
    Ok(())
}

fn start(account: &Account, data: &Path) -> Result<Child> {
    let path = data.join(LOG);
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    account.own(&path)?;
    let errors = log.try_clone().context("cannot write the server's log")?;
    let mut command = account.command(find_programs()?.join("postgres"));
    command.arg("-D").arg(data);
    for setting in [
        format!("port={}", any_port()?),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        // No connections are accepted before the recovery has ended.
        "hot_standby=off".to_owned(),
        "archive_mode=off".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "log_min_messages=log".to_owned(),
        "lc_messages=C".to_owned(),
        "ssl=off".to_owned(),
    ] {
        command.arg("-c").arg(setting);
    }
    command
        .stdout(log)
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .context("the restored server cannot be started")
}

/// Stops the server by a fast shutdown, which writes a checkpoint.
async fn stop(server: &mut Child) -> Result<()> {
    if let Some(process) = server.id() {
        kill(Pid::from_raw(i32::try_from(process)?), Signal::SIGINT)
            .context("cannot stop the restored server")?;
    }
    let status = server
        .wait()
        .await
        .context("cannot stop the restored server")?;
    if !status.success() {
        bail!("the restored server stopped with an error ({status})");
    }
    Ok(())
}

/// Removes the settings that only the recovery needed, among them the command that reads the repository.
fn remove_recovery_settings(account: &Account, data: &Path) -> Result<()> {
    let path = data.join("postgresql.auto.conf");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(&path, without_recovery(&text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    account.own(&path)?;
    let log = data.join(LOG);
    fs::remove_file(&log).with_context(|| format!("cannot remove {}", log.display()))
}

/// The settings without those of the recovery, and without the archiving of the cluster that was backed up.
fn without_recovery(text: &str) -> String {
    text.lines()
        .filter(|line| {
            let name = line.split('=').next().unwrap_or_default().trim();
            !name.starts_with("recovery_target")
                && !matches!(name, "restore_command" | "archive_command" | "archive_mode")
                && !line.starts_with("# Recovery settings")
                && !line.starts_with("# Removed by pgBackRest")
        })
        .flat_map(|line| [line, "\n"])
        .chain(["archive_mode = 'off'\n"])
        .collect()
}

/// The reason why the log could not be replayed, in one line.
fn failure(data: &Path, status: ExitStatus) -> String {
    let log = fs::read_to_string(data.join(LOG)).unwrap_or_default();
    reason(&log).unwrap_or_else(|| {
        format!("the restored server ended while it replayed the log ({status})")
    })
}

fn reason(log: &str) -> Option<String> {
    if log.contains("recovery ended before configured recovery target was reached") {
        let last = log
            .lines()
            .rev()
            .find_map(|line| line.split_once("last completed transaction was at log time "));
        return Some(match last {
            Some((_, time)) => format!(
                "the archive ends before that time, with a transaction of {}: restore to an earlier time, or to `latest`",
                time.trim()
            ),
            None => "the archive ends before that time, and contains no transaction after the backup: restore to `latest`"
                .to_owned(),
        });
    }
    if log.contains("before consistent recovery point") {
        return Some("that time is within the backup itself: restore to a later time".to_owned());
    }
    let fatal = log.lines().find_map(|line| {
        ["PANIC:  ", "FATAL:  "]
            .iter()
            .find_map(|mark| line.split_once(mark))
    });
    fatal.map(|(_, text)| format!("the log cannot be replayed: {}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_server_neither_archives_nor_recovers_again() {
        let text = "wal_level = 'replica'\narchive_command = 'x'\narchive_mode = 'on'\n\n# Recovery settings generated by pgBackRest restore on 2026\narchive_mode = 'off'\nrestore_command = 'x'\nrecovery_target_time = 'x'\n";
        assert_eq!(
            without_recovery(text),
            "wal_level = 'replica'\n\narchive_mode = 'off'\n"
        );
    }

    #[test]
    fn the_end_of_the_archive_is_reported() {
        let log = "LOG:  redo done\nLOG:  last completed transaction was at log time 2026-11-24 21:45:03+00\nFATAL:  recovery ended before configured recovery target was reached\n";
        let reason = reason(log).unwrap();
        assert!(
            reason.contains("with a transaction of 2026-11-24 21:45:03+00"),
            "{reason}"
        );
        assert_eq!(super::reason("LOG:  nothing"), None);
    }
}
