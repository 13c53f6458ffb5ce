//! The archive of the server's log in a repository: which segments are there, where one is missing, and how far it reaches.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Segments of 16 MB, PostgreSQL's own size: the last eight digits of a name count to this.
const SEGMENTS_IN_A_FILE: u64 = 256;

/// Segments by their number, whatever timeline they are of, with the time at which they were archived.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Archive {
    segments: BTreeMap<u64, DateTime<Utc>>,
    /// Bytes that it takes.
    pub(super) stored: u64,
}

/// How far one can restore from a segment on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Until when, at the latest.
    pub(super) until: DateTime<Utc>,
    /// The first segment that is missing, if there are later ones.
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
    /// Reads what `pgbackrest repo-ls --recurse --output=json` printed.
    pub(super) fn parse(printed: &str) -> Result<Self> {
        let entries: BTreeMap<String, Entry> =
            serde_json::from_str(printed).context("pgBackRest's answer cannot be read")?;
        let stored = entries.values().map(|entry| entry.size).sum();
        let segments = entries
            .iter()
            .filter_map(|(path, entry)| {
                let name = path.rsplit('/').next()?;
                // A whole segment has its checksum behind its name; histories and partial segments do not.
                let (segment, _) = name.split_once('-').filter(|(name, _)| name.len() == 24)?;
                Some((number(segment)?, DateTime::from_timestamp(entry.time?, 0)?))
            })
            .collect();
        Ok(Self { segments, stored })
    }

    /// How far one can restore from a segment on; nothing, if that itself is not there.
    pub(super) fn reach(&self, first: &str) -> Option<Reach> {
        let first = number(first)?;
        let mut until = *self.segments.get(&first)?;
        for (expected, (segment, archived)) in (first..).zip(self.segments.range(first..)) {
            if *segment != expected {
                return Some(Reach {
                    until,
                    missing: Some(name(expected)),
                });
            }
            until = *archived;
        }
        Some(Reach {
            until,
            missing: None,
        })
    }
}

/// The place of a segment in the log, from its name.
fn number(segment: &str) -> Option<u64> {
    let high = u64::from_str_radix(segment.get(8..16)?, 16).ok()?;
    let low = u64::from_str_radix(segment.get(16..24)?, 16).ok()?;
    Some(high * SEGMENTS_IN_A_FILE + low)
}

/// The name of a segment without its timeline, of which a missing one may have been any.
fn name(number: u64) -> String {
    format!(
        "........{:08X}{:08X}",
        number / SEGMENTS_IN_A_FILE,
        number % SEGMENTS_IN_A_FILE
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
    fn a_gap_is_found_where_it_is_and_not_before_the_backup() {
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
            archive.reach("0000000100000000000000FE"),
            Some(Reach {
                until: time(103),
                missing: Some("........0000000100000001".to_owned())
            })
        );
        assert_eq!(
            archive.reach("000000020000000100000002"),
            Some(Reach {
                until: time(104),
                missing: None
            })
        );
        assert_eq!(archive.reach("0000000100000000000000FD"), None);
    }
}
