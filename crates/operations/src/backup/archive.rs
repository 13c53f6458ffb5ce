//! The archive of the write-ahead log in a repository: its segments, gaps, and the recovery window that follows from them.
//! The backup for a restore is chosen in `restore`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The number of segments of 16 MB, PostgreSQL's default size, in a log file. The last eight digits of a segment's name are below it.
const SEGMENTS_PER_FILE: u64 = 256;

/// The segments by their number, on any timeline, with the time at which they were archived.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Archive {
    segments: BTreeMap<u64, DateTime<Utc>>,
    /// Its size in bytes.
    pub(super) stored: u64,
}

/// The times to which a restore is possible from a segment on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RecoveryWindow {
    /// The latest time.
    pub(super) until: DateTime<Utc>,
    /// The first missing segment, if there are later ones.
    pub(super) missing: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    size: u64,
    #[serde(default)]
    time: Option<i64>,
}

impl Archive {
    /// Parses the output of `pgbackrest repo-ls --recurse --output=json`.
    pub(super) fn parse(printed: &str) -> Result<Self> {
        let entries: BTreeMap<String, Entry> =
            serde_json::from_str(printed).context("the output of pgBackRest cannot be parsed")?;
        let stored = entries.values().map(|entry| entry.size).sum();
        let segments = entries
            .iter()
            .filter_map(|(path, entry)| {
                let name = path.rsplit('/').next()?;
                // The name of a complete segment ends with its checksum; those of histories and partial segments do not.
                let (segment, _) = name.split_once('-').filter(|(name, _)| name.len() == 24)?;
                Some((number(segment)?, DateTime::from_timestamp(entry.time?, 0)?))
            })
            .collect();
        Ok(Self { segments, stored })
    }

    /// The recovery window from a segment on; none if that segment is missing.
    pub(super) fn recovery_window(&self, first: &str) -> Option<RecoveryWindow> {
        let first = number(first)?;
        let mut until = *self.segments.get(&first)?;
        for (expected, (segment, archived)) in (first..).zip(self.segments.range(first..)) {
            if *segment != expected {
                return Some(RecoveryWindow {
                    until,
                    missing: Some(name(expected)),
                });
            }
            until = *archived;
        }
        Some(RecoveryWindow {
            until,
            missing: None,
        })
    }
}

/// The number of a segment in the log, from its name.
fn number(segment: &str) -> Option<u64> {
    let high = u64::from_str_radix(segment.get(8..16)?, 16).ok()?;
    let low = u64::from_str_radix(segment.get(16..24)?, 16).ok()?;
    Some(high * SEGMENTS_PER_FILE + low)
}

/// The name of a segment without its timeline, which is unknown for a missing one.
fn name(number: u64) -> String {
    format!(
        "........{:08X}{:08X}",
        number / SEGMENTS_PER_FILE,
        number % SEGMENTS_PER_FILE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str]) -> Archive {
        let entries: Vec<String> = names
            .iter()
            .zip(100..)
            .map(|(name, time)| {
                format!(r#""15-1/x/{name}-5a68.lz4":{{"type":"file","size":10,"time":{time}}}"#)
            })
            .collect();
        let rest = r#"".":{"type":"path"},"15-1/x/000000010000000000000002.00000028.backup":{"type":"file","size":1,"time":900}"#;
        Archive::parse(&format!("{{{rest},{}}}", entries.join(","))).unwrap()
    }

    #[test]
    fn a_gap_after_the_backup_is_found_and_none_before_it() {
        let archive = archive(&[
            "0000000100000000000000FC",
            "0000000100000000000000FE",
            "0000000100000000000000FF",
            "000000020000000100000000",
            "000000020000000100000002",
        ]);
        assert_eq!(archive.stored, 51);
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!(
            archive.recovery_window("0000000100000000000000FE"),
            Some(RecoveryWindow {
                until: time(103),
                missing: Some("........0000000100000001".to_owned())
            })
        );
        assert_eq!(
            archive.recovery_window("000000020000000100000002"),
            Some(RecoveryWindow {
                until: time(104),
                missing: None
            })
        );
        assert_eq!(archive.recovery_window("0000000100000000000000FD"), None);
    }
}
