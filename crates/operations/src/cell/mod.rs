//! The definitions of cells in `deploy/cells/<name>.toml`, and reading them.
//! They are checked in `check`; the identity of the cell that a database stores is in `database::migrate`.

mod check;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use check::check;
use database::cell::{Name, Region, Retention};

/// A cell: one deployment, with its own hosts, components, credentials, database and backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Its name, which is that of its file.
    pub name: Name,
    /// Its region.
    pub region: Region,
    /// Its retention class.
    pub retention: Retention,
    /// Its base URL for clients: `https://` and a host.
    pub url: String,
    /// Its database.
    pub database: Database,
    /// Its backups.
    pub backup: Backup,
}

/// The address of a cell's database. Its logins and passwords are secrets, which are kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The name or address of its server.
    pub host: String,
    /// The port of its server.
    pub port: u16,
    /// The name of the database.
    pub name: String,
}

/// The backups of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The time in seconds after which every write is archived. A loss of the server costs at most the writes of this time.
    pub archive_timeout: u32,
    /// The repositories. Each has all backups and the whole archive.
    pub repositories: Vec<Repository>,
}

/// A repository of backups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Repository {
    /// A directory.
    Posix {
        /// Its path.
        path: PathBuf,
    },
    /// An S3-compatible object store.
    S3 {
        /// The bucket.
        bucket: String,
        /// Its host.
        endpoint: String,
        /// The region, in the store's own terms.
        region: String,
        /// The path in the bucket, beginning with a slash.
        path: String,
    },
}

/// The content of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefinitionFile {
    region: Region,
    retention: Retention,
    url: String,
    database: Database,
    backup: Backup,
}

impl Definition {
    /// Reads the definition of a cell from the directory of definitions, and checks it by itself.
    ///
    /// # Errors
    ///
    /// When there is no such cell, with the names of the existing ones, or when its file is not valid.
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
    /// When there is none, or one cannot be read or is not valid.
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
    /// Its location, for messages.
    pub fn location(&self) -> String {
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
    // The error of the TOML parser spans several lines, so only its message and the line number are used.
    let written: DefinitionFile = toml::from_str(text).map_err(|error| {
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
