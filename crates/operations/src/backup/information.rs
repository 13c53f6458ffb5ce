//! What `pgbackrest info` says of one repository, as far as it is used here.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Deserialize;

/// How much a backup holds by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
pub enum Kind {
    /// Everything.
    #[serde(rename = "full")]
    Full,
    /// What differs from the last full one.
    #[serde(rename = "diff")]
    #[value(name = "diff")]
    Differential,
    /// What differs from the last one.
    #[serde(rename = "incr")]
    #[value(name = "incr")]
    Incremental,
}

impl Kind {
    /// As pgBackRest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Differential => "diff",
            Self::Incremental => "incr",
        }
    }
}

/// A backup in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its name.
    pub label: String,
    /// How much it holds by itself.
    pub kind: Kind,
    /// When it was begun.
    pub began: DateTime<Utc>,
    /// When it was done; one can restore to times after this.
    pub ended: DateTime<Utc>,
    /// Bytes of the data directory.
    pub size: u64,
    /// Bytes that it takes in the repository.
    pub stored: u64,
    /// The first segment of the log that restoring it needs.
    pub first_segment: String,
}

/// What stands in a repository of a cell.
#[derive(Debug)]
pub(super) struct State {
    pub(super) backups: Vec<Backup>,
    /// What pgBackRest says is wrong with it.
    pub(super) trouble: Option<String>,
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

/// There are no backups yet, which is no trouble.
const NO_BACKUPS: u32 = 2;

#[derive(Deserialize)]
struct Entry {
    label: String,
    #[serde(rename = "type")]
    kind: Kind,
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

/// Reads what `pgbackrest info --output=json` printed of one cell and one repository.
pub(super) fn parse(printed: &str) -> Result<State> {
    // With a wrong passphrase it quotes what it could not read, as it is, which is no JSON then.
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
            trouble: Some(printed),
        });
    };
    let stanza = stanzas
        .into_iter()
        .next()
        .context("pgBackRest says nothing of this cell")?;
    let trouble = stanza
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
    Ok(State { backups, trouble })
}

fn backup(entry: Entry) -> Result<Backup> {
    let time = |seconds| {
        DateTime::from_timestamp(seconds, 0).context("a backup has a time that cannot be")
    };
    Ok(Backup {
        began: time(entry.timestamp.start)?,
        ended: time(entry.timestamp.stop)?,
        label: entry.label,
        kind: entry.kind,
        size: entry.info.size,
        stored: entry.info.repository.delta,
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
    fn a_backup_is_read() {
        let state = parse(ONE).unwrap();
        assert!(state.trouble.is_none());
        let backup = &state.backups[0];
        assert_eq!(backup.kind, Kind::Full);
        assert_eq!((backup.size, backup.stored), (23, 4));
        assert_eq!(backup.ended.to_rfc3339(), "2026-11-24T21:43:01+00:00");
        assert_eq!(backup.first_segment, "000000010000000000000002");
    }

    #[test]
    fn trouble_is_told_and_an_empty_repository_is_none() {
        let with = |code: u32, message: &str| {
            format!(
                r#"[{{"backup":[],"repo":[{{"status":{{"code":{code},"message":"{message}"}}}}],"status":{{"code":99,"message":"other"}}}}]"#
            )
        };
        assert_eq!(
            parse(&with(1, "missing stanza path"))
                .unwrap()
                .trouble
                .as_deref(),
            Some("missing stanza path")
        );
        let empty = r#"[{"backup":[],"repo":[{"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"message":"no valid backups"}}]"#;
        assert!(parse(empty).unwrap().trouble.is_none());
        assert!(parse("[]").is_err());
        let garbled = with(99, "key/value found outside of section at line 1: \u{1}");
        assert!(
            parse(&garbled)
                .unwrap()
                .trouble
                .unwrap()
                .contains("outside of section")
        );
    }
}
