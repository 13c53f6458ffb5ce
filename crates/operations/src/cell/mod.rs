//! Cells as the operator defines them: `deploy/cells/<name>.toml`. What is in a file, and reading it. What cells must not share is in
//! `check`; which cell a database is, in `database::migrate`.

mod check;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

pub use check::check;
use database::cell::{Name, Region, Retention};

/// A cell: one deployment, with its own hosts, components, credentials, database and backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What it is called, after its file.
    pub name: Name,
    /// Where it is.
    pub region: Region,
    /// How long it keeps.
    pub retention: Retention,
    /// Where clients reach it: `https://` and a host.
    pub url: String,
    /// Its database.
    pub database: Database,
    /// Its backups.
    pub backup: Backup,
}

/// Where a cell's database is. Who signs in to it, and with which password, is a secret and stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Name or address of its server.
    pub host: String,
    /// Port of its server.
    pub port: u16,
    /// Name of the database.
    pub name: String,
}

/// How a cell is backed up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// After how many seconds what was written is archived at the latest: the most that a loss of the server can cost.
    pub archive_timeout: u32,
    /// Where backups and archive are kept: each holds all of them.
    pub repositories: Vec<Repository>,
}

/// A place for backups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Repository {
    /// A directory.
    Posix {
        /// Its path.
        path: PathBuf,
    },
    /// A store that speaks S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The host that it is reached at.
        endpoint: String,
        /// The region, in the store's own terms.
        region: String,
        /// Where in the bucket, beginning with a slash.
        path: String,
    },
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    region: Region,
    retention: Retention,
    url: String,
    database: Database,
    backup: Backup,
}

impl Definition {
    /// Reads the definition of one cell from the directory that has them all, and checks it by itself.
    ///
    /// # Errors
    ///
    /// One line: when there is no such cell, with the names of those that there are, or when its file says what may not be.
    pub fn load(directory: &Path, name: &str) -> Result<Self> {
        let name: Name = name.parse()?;
        let path = directory.join(format!("{name}.toml"));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!(
                    "there is no cell {name}: {} has {}",
                    directory.display(),
                    listed(&names(directory)?)
                )
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let definition = read(name, &text).with_context(|| path.display().to_string())?;
        check::check_alone(&definition).with_context(|| path.display().to_string())?;
        Ok(definition)
    }

    /// Reads every definition of a directory, in the order of names.
    ///
    /// # Errors
    ///
    /// When there is none, or one can't be read or is wrong.
    pub fn load_all(directory: &Path) -> Result<Vec<Self>> {
        let names = names(directory)?;
        if names.is_empty() {
            bail!(
                "{} has no cells: each is a file such as eu-standard.toml",
                directory.display()
            );
        }
        names
            .iter()
            .map(|name| Self::load(directory, name))
            .collect()
    }
}

impl Repository {
    /// What tells it from others, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Posix { path } => path.display().to_string(),
            Self::S3 {
                bucket,
                endpoint,
                path,
                ..
            } => format!("s3://{endpoint}/{bucket}{path}"),
        }
    }
}

fn read(name: Name, text: &str) -> Result<Definition> {
    // The message of TOML's reader shows the line on lines of its own.
    let written: Written = toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        anyhow::anyhow!("line {line}: {}", error.message())
    })?;
    Ok(Definition {
        name,
        region: written.region,
        retention: written.retention,
        url: written.url,
        database: written.database,
        backup: written.backup,
    })
}

/// The names of the files that define cells.
fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("cannot read the cells in {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read the cells in {}", directory.display()))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
