//! Which migrations there are, which have been applied, and what is therefore left to do. Pure: no database.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// One forward step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order.
    pub version: i64,
    /// What it is called, for people.
    pub name: String,
    /// What it executes.
    pub sql: String,
}

/// One line of the ledger: a migration that has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its place in the order.
    pub version: i64,
    /// What it was called.
    pub name: String,
    /// The checksum of what it executed.
    pub sha256: String,
}

/// Why this program must not touch a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The text of an applied migration has changed since.
    Edited(String),
    /// A migration before one that has been applied was never applied.
    Skipped(String),
    /// The database has a migration that this program does not know.
    Unknown(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited(name) => write!(
                formatter,
                "migration {name} was changed after it had been applied: restore the file and put the change into a new migration"
            ),
            Self::Skipped(name) => write!(
                formatter,
                "migration {name} comes before one that has been applied already: give it a higher number than all others"
            ),
            Self::Unknown(name) => write!(
                formatter,
                "the database has migration {name}, which this program does not contain: use a program at least as new as the database"
            ),
        }
    }
}

impl std::error::Error for Mismatch {}

impl Migration {
    /// The checksum that the ledger keeps.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Number and name as its file has them.
    pub fn label(&self) -> String {
        label(self.version, &self.name)
    }

    /// Reads one from a file's name (`0001_tenancy.sql`) and text.
    pub fn parse(file_name: &str, text: &str) -> Result<Self> {
        let (number, name) = file_name
            .strip_suffix(".sql")
            .and_then(|stem| stem.split_once('_'))
            .with_context(|| {
                format!("the migration {file_name} is not named like 0001_name.sql")
            })?;
        let version = number
            .parse()
            .with_context(|| format!("the migration {file_name} does not begin with a number"))?;
        Ok(Self {
            version,
            name: name.to_owned(),
            sql: text.to_owned(),
        })
    }
}

fn label(version: i64, name: &str) -> String {
    format!("{version:04}_{name}")
}

/// The migrations of this program, in order.
pub fn embedded() -> Result<Vec<Migration>> {
    let mut by_version = BTreeMap::new();
    for file in FILES.files() {
        let name = file
            .path()
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !name.ends_with(".sql") {
            continue;
        }
        let text = file
            .contents_utf8()
            .with_context(|| format!("the migration {name} is not UTF-8"))?;
        let migration = Migration::parse(name, text)?;
        if let Some(other) = by_version.insert(migration.version, migration) {
            bail!(
                "two migrations have the number {}: {} and {name}",
                other.version,
                other.label()
            );
        }
    }
    Ok(by_version.into_values().collect())
}

/// The migrations still to apply, in order, or the reason why none may be.
pub fn pending<'a>(
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, Mismatch> {
    let mut left: BTreeMap<i64, &Migration> = known
        .iter()
        .map(|migration| (migration.version, migration))
        .collect();
    for entry in applied {
        let migration = left
            .remove(&entry.version)
            .ok_or_else(|| Mismatch::Unknown(label(entry.version, &entry.name)))?;
        if migration.sha256() != entry.sha256 {
            return Err(Mismatch::Edited(migration.label()));
        }
    }
    let newest = applied.iter().map(|entry| entry.version).max();
    match left
        .values()
        .find(|migration| Some(migration.version) < newest)
    {
        Some(migration) => Err(Mismatch::Skipped(migration.label())),
        None => Ok(left.into_values().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(version: i64, sql: &str) -> Migration {
        Migration {
            version,
            name: "step".to_owned(),
            sql: sql.to_owned(),
        }
    }

    fn applied(migration: &Migration) -> Applied {
        Applied {
            version: migration.version,
            name: migration.name.clone(),
            sha256: migration.sha256(),
        }
    }

    #[test]
    fn the_embedded_ones_are_in_order() {
        let migrations = embedded().unwrap();
        assert!(
            migrations
                .windows(2)
                .all(|pair| pair[0].version < pair[1].version)
        );
    }

    /// The last migration from before there was a rule about this.
    const WITHOUT_RULE: i64 = 193;

    #[test]
    fn what_the_release_before_may_use_is_dropped_or_renamed_only_on_purpose() {
        let contracts = [
            "drop table",
            "drop column",
            "drop view",
            "drop materialized view",
            "rename to",
            "rename column",
        ];
        for migration in embedded().unwrap() {
            let text = migration.sql.to_lowercase();
            let found = contracts.iter().find(|words| text.contains(**words));
            assert!(
                migration.version <= WITHOUT_RULE
                    || found.is_none()
                    || text.contains("-- contracts:"),
                "{} says {found:?}: see migrations/README.md, Expand, then contract",
                migration.label()
            );
        }
    }

    #[test]
    fn names_are_read_and_bad_ones_refused() {
        let read = Migration::parse("0012_event_log.sql", "select 1").unwrap();
        assert_eq!((read.version, read.name.as_str()), (12, "event_log"));
        assert_eq!(read.label(), "0012_event_log");
        for name in ["event_log.sql", "0012.sql", "0012_x.txt", "one_x.sql"] {
            assert!(Migration::parse(name, "").is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_not_applied_is_pending_in_order() {
        let known = [migration(3, "c"), migration(1, "a"), migration(2, "b")];
        let left = pending(&known, &[applied(&known[1])]).unwrap();
        assert_eq!(
            left.iter()
                .map(|migration| migration.version)
                .collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(
            pending(&known, &known.each_ref().map(applied)).unwrap(),
            Vec::<&Migration>::new()
        );
    }

    #[test]
    fn edited_skipped_and_unknown_ones_are_refused() {
        let known = [migration(1, "a"), migration(2, "b")];
        let edited = Applied {
            sha256: "0".to_owned(),
            ..applied(&known[0])
        };
        assert_eq!(
            pending(&known, &[edited]).unwrap_err(),
            Mismatch::Edited("0001_step".to_owned())
        );
        assert_eq!(
            pending(&known, &[applied(&known[1])]).unwrap_err(),
            Mismatch::Skipped("0001_step".to_owned())
        );
        assert_eq!(
            pending(&known[..1], &known.each_ref().map(applied)).unwrap_err(),
            Mismatch::Unknown("0002_step".to_owned())
        );
    }
}
