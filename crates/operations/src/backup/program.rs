//! Running pgBackRest, and reporting the cause of a failure in one line.
//! Its configuration lives in `configuration`.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Error, Result, anyhow};

use crate::postgresql::Account;

/// pgBackRest with the configuration of one cell.
pub(super) struct Program {
    pub(super) account: Account,
    pub(super) configuration: PathBuf,
    pub(super) stanza: String,
    pub(super) environment: Vec<(&'static str, OsString)>,
}

impl Program {
    /// Runs a command for the cell's stanza and returns its output.
    pub(super) async fn run<A: Into<OsString>>(
        &self,
        command: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String> {
        let stanza: OsString = format!("--stanza={}", self.stanza).into();
        let arguments = arguments.into_iter().map(Into::into).chain([stanza]);
        self.run_without_stanza(command, arguments).await
    }

    /// Runs a command without a stanza and returns its output.
    pub(super) async fn run_without_stanza<A: Into<OsString>>(
        &self,
        command: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String> {
        let mut program = self.account.command("pgbackrest");
        let mut configuration = OsString::from("--config=");
        configuration.push(&self.configuration);
        program
            .arg(command)
            .arg(configuration)
            .args(arguments.into_iter().map(Into::into))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true);
        let output = program.output().await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("pgBackRest is not installed: apt-get install pgbackrest")
            }
            _ => Error::new(error).context("pgBackRest cannot be started"),
        })?;
        if output.status.success() {
            // With a wrong passphrase, it prints bytes that are not UTF-8.
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(anyhow!(
            "{}",
            explain(&String::from_utf8_lossy(&output.stderr))
        ))
    }
}

/// The causes of failures, by words in the many lines that pgBackRest prints.
const CAUSES: [(&str, &str); 9] = [
    (
        "No space left on device",
        "its disk is full: free some space and try again",
    ),
    ("outside of section", WRONG_PASSPHRASE),
    ("CryptoError", WRONG_PASSPHRASE),
    ("decompressionFailed", "a file in it is damaged"),
    (
        "backup.info.copy' for read",
        "it contains no backups of this cell, or cannot be reached",
    ),
    (
        "archive.info.copy' for read",
        "it contains no archive of this cell, or cannot be reached",
    ),
    (
        "missing stanza path",
        "it contains no backups of this cell, or cannot be reached",
    ),
    ("HostConnectError", "it cannot be reached"),
    (
        "unable to get address",
        "it cannot be reached: its host is unknown",
    ),
];

const WRONG_PASSPHRASE: &str =
    "the passphrase is wrong (or the beginning of the repository is damaged)";

/// The cause of a failure in one line.
pub(super) fn explain(text: &str) -> String {
    let known = CAUSES.iter().find(|(words, _)| text.contains(words));
    if let Some((_, cause)) = known {
        return (*cause).to_owned();
    }
    let line = text
        .lines()
        .find(|line| line.contains("ERROR:"))
        .or_else(|| text.lines().find(|line| !line.trim().is_empty()))
        .unwrap_or("pgBackRest gave no reason");
    // The prefix `ERROR: [055]: ` does not help a person.
    let line = line.split_once("]: ").map_or(line, |(_, rest)| rest);
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_one_line() {
        for (output, expected) in [
            (
                "ERROR: [029]: unable to load info file '/r/a/archive.info'\n       FormatError: key/value found outside of section at line 1: \u{fffd}\n       HINT: x",
                WRONG_PASSPHRASE,
            ),
            (
                "ERROR: [082]: unable to write '/r/x': [28] No space left on device\n",
                "its disk is full: free some space and try again",
            ),
            (
                "ERROR: [047]: unable to create path '/nowhere': [13] Permission denied",
                "unable to create path '/nowhere': [13] Permission denied",
            ),
            ("", "pgBackRest gave no reason"),
        ] {
            assert_eq!(explain(output), expected);
        }
    }
}
