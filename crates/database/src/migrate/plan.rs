//! Which migrations have been applied to a database, and what is therefore left to do. Pure: no database, and no files, which
//! `files.rs` reads.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The version of a database that has the baseline and no change.
pub(super) const BASELINE: i64 = 1;

const BASELINE_NAME: &str = "baseline";

/// One file of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path in `migrations/`.
    pub path: String,
    /// What it executes.
    pub sql: String,
}

/// One forward step of the schema, applied in one transaction: the whole baseline, or one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order.
    pub version: i64,
    /// What it is called, for people.
    pub name: String,
    /// What it executes, in this order.
    pub files: Vec<File>,
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
    /// The database was made by migrations from before the first release.
    Unreleased,
    /// The baseline has changed since, and no change says how a database follows.
    Rewritten,
    /// The text of an applied change has changed since.
    Edited(String),
    /// A change before one that has been applied was never applied.
    Skipped(String),
    /// The database has a migration that this program does not know.
    Unknown(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreleased => formatter.write_str(
                "this database was made by migrations from before the first release, which are gone: make it anew",
            ),
            Self::Rewritten => formatter.write_str(
                "the baseline was changed after this database had been made by it: make the database anew, or add the change to migrations/changes",
            ),
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
    /// The schema as it is, from its files in their order.
    pub(super) fn baseline(files: Vec<File>) -> Self {
        Self {
            version: BASELINE,
            name: BASELINE_NAME.to_owned(),
            files,
        }
    }

    /// Reads a change from its file's name (`0002_tenancy.sql`) and text.
    ///
    /// # Errors
    ///
    /// When the name has another form.
    pub fn parse(file_name: &str, text: &str) -> Result<Self> {
        let (number, name) = file_name
            .strip_suffix(".sql")
            .and_then(|stem| stem.split_once('_'))
            .with_context(|| {
                format!("the migration {file_name} is not named like 0002_name.sql")
            })?;
        let version = number
            .parse()
            .with_context(|| format!("the migration {file_name} does not begin with a number"))?;
        Ok(Self {
            version,
            name: name.to_owned(),
            files: vec![File {
                path: format!("changes/{file_name}"),
                sql: text.to_owned(),
            }],
        })
    }

    /// The checksum that the ledger keeps. That of a change is over its bytes: what was reviewed is what ran. Of the baseline, which goes
    /// on being edited, lines that are empty or a comment do not count: a database does not differ by them.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for file in &self.files {
            if self.is_baseline() {
                for line in file.sql.lines() {
                    let said = line.trim();
                    if !said.is_empty() && !said.starts_with("--") {
                        digest.update(line.as_bytes());
                        digest.update(b"\n");
                    }
                }
            } else {
                digest.update(file.sql.as_bytes());
            }
        }
        digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Number and name, as the file of a change has them.
    pub fn label(&self) -> String {
        label(self.version, &self.name)
    }

    pub(super) fn is_baseline(&self) -> bool {
        self.version == BASELINE
    }
}

fn label(version: i64, name: &str) -> String {
    format!("{version:04}_{name}")
}

/// The migrations still to apply, in order, or the reason why none may be. The baseline has in it what the changes do, so a database
/// without anything is left the baseline alone.
///
/// # Errors
///
/// When the database was not made by these migrations.
pub fn pending<'a>(
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, Mismatch> {
    if applied.is_empty() {
        return Ok(known
            .iter()
            .filter(|migration| migration.is_baseline())
            .collect());
    }
    if applied
        .iter()
        .any(|entry| entry.version == BASELINE && entry.name != BASELINE_NAME)
    {
        return Err(Mismatch::Unreleased);
    }
    let has_changes = known.iter().any(|migration| !migration.is_baseline());
    let mut left: BTreeMap<i64, &Migration> = known
        .iter()
        .map(|migration| (migration.version, migration))
        .collect();
    for entry in applied {
        let migration = left
            .remove(&entry.version)
            .ok_or_else(|| Mismatch::Unknown(label(entry.version, &entry.name)))?;
        if migration.sha256() == entry.sha256 {
            continue;
        }
        if !migration.is_baseline() {
            return Err(Mismatch::Edited(migration.label()));
        }
        // The baseline goes on with each change, so that of an earlier release was another.
        if !has_changes {
            return Err(Mismatch::Rewritten);
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
        let name = if version == BASELINE {
            BASELINE_NAME
        } else {
            "step"
        };
        Migration {
            version,
            name: name.to_owned(),
            files: vec![File {
                path: name.to_owned(),
                sql: sql.to_owned(),
            }],
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
    fn names_are_read_and_bad_ones_refused() {
        let read = Migration::parse("0012_event_log.sql", "select 1").unwrap();
        assert_eq!((read.version, read.name.as_str()), (12, "event_log"));
        assert_eq!(read.label(), "0012_event_log");
        for name in ["event_log.sql", "0012.sql", "0012_x.txt", "one_x.sql"] {
            assert!(Migration::parse(name, "").is_err(), "{name}");
        }
    }

    #[test]
    fn comments_are_no_part_of_the_checksum_of_the_baseline() {
        let bare = "create table t (\n  a int\n);\n";
        let told = "-- Tables.\n\ncreate table t (\n  -- A.\n  a int\n);\n";
        let other = "create table t (\n  a bigint\n);\n";
        let checksum = |version, sql| migration(version, sql).sha256();
        assert_eq!(checksum(1, bare), checksum(1, told));
        assert_ne!(checksum(1, bare), checksum(1, other));
        assert_ne!(checksum(2, bare), checksum(2, told));
    }

    #[test]
    fn a_new_database_is_left_the_baseline_and_another_the_changes_in_order() {
        let known = [migration(3, "c"), migration(1, "a"), migration(2, "b")];
        let versions = |applied: &[Applied]| -> Vec<i64> {
            pending(&known, applied)
                .unwrap()
                .iter()
                .map(|migration| migration.version)
                .collect()
        };
        assert_eq!(versions(&[]), [1]);
        assert_eq!(versions(&[applied(&known[1])]), [2, 3]);
        assert_eq!(versions(&known.each_ref().map(applied)), [0_i64; 0]);
    }

    #[test]
    fn a_database_from_before_the_first_release_is_refused() {
        let known = [migration(1, "a")];
        let roles = Applied {
            version: 1,
            name: "roles".to_owned(),
            sha256: "0".to_owned(),
        };
        let schemas = Applied {
            version: 2,
            name: "schemas".to_owned(),
            sha256: "0".to_owned(),
        };
        assert_eq!(
            pending(&known, &[roles, schemas]).unwrap_err(),
            Mismatch::Unreleased
        );
    }

    #[test]
    fn another_baseline_is_refused_unless_changes_lead_from_it() {
        let known = [migration(1, "a"), migration(2, "b")];
        let earlier = applied(&migration(1, "earlier"));
        assert_eq!(
            pending(&known[..1], std::slice::from_ref(&earlier)).unwrap_err(),
            Mismatch::Rewritten
        );
        assert_eq!(pending(&known, &[earlier]).unwrap(), [&known[1]]);
    }

    #[test]
    fn edited_skipped_and_unknown_ones_are_refused() {
        let known = [migration(1, "a"), migration(2, "b"), migration(3, "c")];
        let edited = Applied {
            sha256: "0".to_owned(),
            ..applied(&known[1])
        };
        assert_eq!(
            pending(&known, &[applied(&known[0]), edited]).unwrap_err(),
            Mismatch::Edited("0002_step".to_owned())
        );
        assert_eq!(
            pending(&known, &[applied(&known[0]), applied(&known[2])]).unwrap_err(),
            Mismatch::Skipped("0002_step".to_owned())
        );
        assert_eq!(
            pending(&known[..2], &known.each_ref().map(applied)).unwrap_err(),
            Mismatch::Unknown("0003_step".to_owned())
        );
    }
}
