//! The migrations that a database still needs, computed from those that have been applied.
//! Files are read in `files`, and only `migrate` itself uses the database.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The version of a database that has the baseline and no change.
pub(super) const BASELINE: i64 = 1;

const BASELINE_NAME: &str = "baseline";

/// A file of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path in `migrations/`.
    pub path: String,
    /// Its SQL.
    pub sql: String,
}

/// A step of the schema, applied in one transaction: the whole baseline, or one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order.
    pub version: i64,
    /// Its name, for people.
    pub name: String,
    /// Its files, in the order in which they are executed.
    pub files: Vec<File>,
}

/// A line of the ledger: a migration that has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its place in the order.
    pub version: i64,
    /// Its name at that time.
    pub name: String,
    /// The checksum of its SQL.
    pub sha256: String,
}

/// Returns whether two databases have the same schema, by their ledgers. Their baselines may differ:
/// a database has that of the day on which it was made, and the changes have brought it along.
#[must_use]
pub fn is_same_schema(here: &[Applied], there: &[Applied]) -> bool {
    let is_same = |(here, there): (&Applied, &Applied)| {
        here.version == there.version && (here.version == BASELINE || here.sha256 == there.sha256)
    };
    here.len() == there.len() && here.iter().zip(there).all(is_same)
}

/// The reason why this program must not change a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The database was made by migrations from before the first release.
    Unreleased,
    /// The baseline has been edited since, without a change that brings existing databases along.
    Rewritten,
    /// The text of an applied change has been edited since.
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
                "this database was made by migrations from before the first release, which no longer exist: create it anew",
            ),
            Self::Rewritten => formatter.write_str(
                "the baseline was edited after this database had been made by it: create the database anew, or add the change to migrations/changes",
            ),
            Self::Edited(name) => write!(
                formatter,
                "migration {name} was edited after it had been applied: restore the file and put the change into a new migration"
            ),
            Self::Skipped(name) => write!(
                formatter,
                "migration {name} comes before one that has already been applied: give it a higher number than all others"
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
    /// The baseline, from its files in their order.
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

    /// The checksum in the ledger. That of a change covers every byte, so that the reviewed text is the text that ran. That of the
    /// baseline, which continues to be edited, leaves out empty lines and comments, because a database does not differ by them.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for file in &self.files {
            if self.is_baseline() {
                for line in file.sql.lines() {
                    let code = line.trim();
                    if !code.is_empty() && !code.starts_with("--") {
                        digest.update(line.as_bytes());
                        digest.update(b"\n");
                    }
                }
            } else {
                digest.update(file.sql.as_bytes());
            }
        }
        hex::encode(digest.finalize())
    }

    /// Number and name, in the form of a change's file name.
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

/// The migrations still to be applied, in order. The baseline includes all changes, so an empty database needs the baseline alone.
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
        // The baseline is edited together with each change, so that of an earlier release was different.
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
    fn a_schema_is_the_same_whatever_baseline_it_began_with() {
        let line = |version: i64, sha256: &str| Applied {
            version,
            name: String::new(),
            sha256: sha256.to_owned(),
        };
        let brought_along = [line(BASELINE, "a"), line(2, "b")];
        let new = [line(BASELINE, "c"), line(2, "b")];
        assert!(is_same_schema(&brought_along, &new));
        assert!(!is_same_schema(&new, &new[..1]));
        assert!(!is_same_schema(&new, &[line(BASELINE, "c"), line(2, "d")]));
        assert!(!is_same_schema(&new, &[line(BASELINE, "c"), line(3, "b")]));
    }

    #[test]
    fn names_are_parsed_and_bad_ones_rejected() {
        let read = Migration::parse("0012_event_log.sql", "select 1").unwrap();
        assert_eq!((read.version, read.name.as_str()), (12, "event_log"));
        assert_eq!(read.label(), "0012_event_log");
        for name in ["event_log.sql", "0012.sql", "0012_x.txt", "one_x.sql"] {
            assert!(Migration::parse(name, "").is_err(), "{name}");
        }
    }

    #[test]
    fn comments_do_not_count_in_the_checksum_of_the_baseline() {
        let bare = "create table t (\n  a int\n);\n";
        let commented = "-- Tables.\n\ncreate table t (\n  -- A.\n  a int\n);\n";
        let other = "create table t (\n  a bigint\n);\n";
        let checksum = |version, sql| migration(version, sql).sha256();
        assert_eq!(checksum(1, bare), checksum(1, commented));
        assert_ne!(checksum(1, bare), checksum(1, other));
        assert_ne!(checksum(2, bare), checksum(2, commented));
    }

    #[test]
    fn an_empty_database_needs_the_baseline_and_another_the_changes_in_order() {
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
    fn a_database_from_before_the_first_release_is_rejected() {
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
    fn another_baseline_is_rejected_unless_changes_lead_from_it() {
        let known = [migration(1, "a"), migration(2, "b")];
        let earlier = applied(&migration(1, "earlier"));
        assert_eq!(
            pending(&known[..1], std::slice::from_ref(&earlier)).unwrap_err(),
            Mismatch::Rewritten
        );
        assert_eq!(pending(&known, &[earlier]).unwrap(), [&known[1]]);
    }

    #[test]
    fn edited_skipped_and_unknown_ones_are_rejected() {
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
