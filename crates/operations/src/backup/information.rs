//! The backups in a repository, parsed from the output of `pgbackrest info`.
//! The command is run in `access`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The extent of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
pub enum BackupType {
    /// Everything.
    #[serde(rename = "full")]
    Full,
    /// The differences from the last full backup.
    #[serde(rename = "diff")]
    #[value(name = "diff")]
    Differential,
    /// The differences from the last backup.
    #[serde(rename = "incr")]
    #[value(name = "incr")]
    Incremental,
}

impl BackupType {
    /// The name in pgBackRest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Differential => "diff",
            Self::Incremental => "incr",
        }
    }
}

/// A backup in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Its name.
    pub label: String,
    /// Its extent.
    #[serde(rename = "type")]
    pub kind: BackupType,
    /// The time at which it began.
    pub started_at: DateTime<Utc>,
    /// The time at which it ended. A restore is possible to later times.
    pub ended_at: DateTime<Utc>,
    /// The size of the data directory in bytes.
    pub size: u64,
    /// Its size in the repository in bytes.
    pub stored_size: u64,
    /// The first segment that restoring it needs.
    pub first_segment: String,
}

/// The state of a cell's repository.
#[derive(Debug)]
pub(super) struct State {
    pub(super) backups: Vec<Backup>,
    /// The error that pgBackRest reports.
    pub(super) error: Option<String>,
}

#[derive(Deserialize)]
struct Stanza {
    backup: Vec<Entry>,
    status: Status,
    repo: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    code: u32,
    message: String,
}

/// The code for a repository without backups, which is not an error.
const NO_BACKUPS: u32 = 2;

#[derive(Deserialize)]
struct Entry {
    label: String,
    #[serde(rename = "type")]
    kind: BackupType,
    timestamp: Span,
    info: Sizes,
    archive: Segments,
}

#[derive(Deserialize)]
struct Span {
    start: i64,
    stop: i64,
}

#[derive(Deserialize)]
struct Sizes {
    size: u64,
    repository: Stored,
}

#[derive(Deserialize)]
struct Stored {
    delta: u64,
}

#[derive(Deserialize)]
struct Segments {
    start: String,
}

/// Parses the output of `pgbackrest info --output=json` for one cell and one repository.
pub(super) fn parse(printed: &str) -> Result<State> {
    // With a wrong passphrase, pgBackRest quotes what it could not read without escaping it, so that its output is not JSON.
    let printed: String = printed
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    let Ok(stanzas) = serde_json::from_str::<Vec<Stanza>>(&printed) else {
        return Ok(State {
            backups: Vec::new(),
            error: Some(printed),
        });
    };
    let stanza = stanzas
        .into_iter()
        .next()
        .context("pgBackRest reports nothing on this cell")?;
    let error = stanza
        .repo
        .into_iter()
        .map(|repository| repository.status)
        .chain([stanza.status])
        .find(|status| status.code != 0 && status.code != NO_BACKUPS)
        .map(|status| status.message);
    let backups = stanza
        .backup
        .into_iter()
        .map(backup)
        .collect::<Result<_>>()?;
    Ok(State { backups, error })
}

fn backup(entry: Entry) -> Result<Backup> {
    let time =
        |seconds| DateTime::from_timestamp(seconds, 0).context("a backup has an invalid time");
    Ok(Backup {
        started_at: time(entry.timestamp.start)?,
        ended_at: time(entry.timestamp.stop)?,
        label: entry.label,
        kind: entry.kind,
        size: entry.info.size,
        stored_size: entry.info.repository.delta,
        first_segment: entry.archive.start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"[{"archive":[],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000003"},
        "error":false,"info":{"delta":22,"repository":{"delta":4,"size":5},"size":23},"label":"20261124-214255F","prior":null,
        "timestamp":{"start":1795556575,"stop":1795556581},"type":"full"}],"name":"eu-standard",
        "repo":[{"key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"message":"ok"}}]"#;

    #[test]
    fn a_backup_is_parsed() {
        let state = parse(ONE).unwrap();
        assert!(state.error.is_none());
        let backup = &state.backups[0];
        assert_eq!(backup.kind, BackupType::Full);
        assert_eq!((backup.size, backup.stored_size), (23, 4));
        assert_eq!(backup.ended_at.to_rfc3339(), "2026-11-24T21:43:01+00:00");
        assert_eq!(backup.first_segment, "000000010000000000000002");
    }

    #[test]
    fn an_error_is_reported_and_an_empty_repository_is_none() {
        let with = |code: u32, message: &str| {
            format!(
                r#"[{{"backup":[],"repo":[{{"status":{{"code":{code},"message":"{message}"}}}}],"status":{{"code":99,"message":"other"}}}}]"#
            )
        };
        assert_eq!(
            parse(&with(1, "missing stanza path"))
                .unwrap()
                .error
                .as_deref(),
            Some("missing stanza path")
        );
        let empty = r#"[{"backup":[],"repo":[{"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"message":"no valid backups"}}]"#;
        assert!(parse(empty).unwrap().error.is_none());
        assert!(parse("[]").is_err());
        let garbled = with(99, "key/value found outside of section at line 1: \u{1}");
        assert!(
            parse(&garbled)
                .unwrap()
                .error
                .unwrap()
                .contains("outside of section")
        );
    }
}
