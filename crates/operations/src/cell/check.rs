//! Checking the definitions of cells, by themselves and against each other: cells share nothing.
//! The definitions are read in the parent module.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use database::cell::Retention;
use url::{Host, Url};

use super::{Definition, Repository};

/// The longest time in seconds until a write is archived, which is at least hourly.
const MAX_ARCHIVE_TIMEOUT: u32 = 3600;

/// Reads every definition of a directory and checks them against each other.
///
/// # Errors
///
/// The first error, with its file.
pub fn check(directory: &Path) -> Result<Vec<Definition>> {
    let cells = Definition::load_all(directory)?;
    check_unique(&cells, "URL", |cell| {
        cell.url.trim_end_matches('/').to_lowercase()
    })?;
    check_unique(&cells, "database", |cell| {
        let database = &cell.database;
        format!(
            "{}:{}/{}",
            database.host.to_lowercase(),
            database.port,
            database.name
        )
    })?;
    for (number, cell) in cells.iter().enumerate() {
        for other in cells.iter().skip(number + 1) {
            check_separate(cell, other)?;
        }
    }
    Ok(cells)
}

/// Checks a definition by itself.
pub(super) fn check_alone(cell: &Definition) -> Result<()> {
    ensure!(
        cell.region == cell.name.region() && cell.retention == cell.name.retention(),
        "its region and retention class are {} and {}, but its name is {}",
        cell.region.as_str(),
        cell.retention.as_str(),
        cell.name
    );
    check_url(&cell.url)?;
    ensure!(
        Host::parse(&cell.database.host).is_ok(),
        "database.host {:?} is not a host",
        cell.database.host
    );
    ensure!(cell.database.port != 0, "database.port cannot be 0");
    ensure!(
        (1..=63).contains(&cell.database.name.len())
            && cell
                .database
                .name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
        "database.name {:?} takes 1 to 63 lower-case letters, digits and underscores",
        cell.database.name
    );
    check_backup(cell)
}

fn check_url(text: &str) -> Result<()> {
    let Ok(url) = Url::parse(text) else {
        bail!("url {text:?} is not a URL");
    };
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && is_local),
        "url {text:?} must begin with https://"
    );
    ensure!(
        url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty(),
        "url {text:?} must consist of a scheme and a host alone"
    );
    Ok(())
}

fn check_backup(cell: &Definition) -> Result<()> {
    let backup = &cell.backup;
    ensure!(
        (1..=MAX_ARCHIVE_TIMEOUT).contains(&backup.archive_timeout),
        "backup.archive_timeout is {}, and must be 1 to {MAX_ARCHIVE_TIMEOUT} seconds",
        backup.archive_timeout
    );
    let (min, class) = match cell.retention {
        Retention::Standard => (1, "standard"),
        Retention::Regulated => (2, "regulated"),
    };
    // pgBackRest allows 256 repositories, but more than four copies of everything are a mistake.
    ensure!(
        (min..=4).contains(&backup.repositories.len()),
        "it has {} backup.repositories, and a {class} cell must have {min} to 4",
        backup.repositories.len()
    );
    for (number, repository) in backup.repositories.iter().enumerate() {
        check_repository(repository)?;
        for other in backup.repositories.iter().skip(number + 1) {
            ensure!(
                !overlap(repository, other),
                "two of its backup.repositories are the same: {} and {}",
                repository.location(),
                other.location()
            );
        }
    }
    Ok(())
}

fn check_repository(repository: &Repository) -> Result<()> {
    match repository {
        Repository::Posix { path } => ensure!(
            path.is_absolute()
                && path.components().count() > 1
                && !path.components().any(|part| part.as_os_str() == ".."),
            "the repository {} must be an absolute path",
            path.display()
        ),
        Repository::S3 {
            bucket,
            endpoint,
            region,
            path,
        } => {
            ensure!(
                path.starts_with('/') && !path.contains(".."),
                "the path {path:?} of a repository must begin with a slash"
            );
            ensure!(
                [bucket, endpoint, region]
                    .iter()
                    .all(|text| !text.is_empty()
                        && !text.contains(|letter: char| letter.is_whitespace() || letter == '/')),
                "the repository {} needs a bucket, an endpoint and a region, each without spaces and slashes",
                repository.location()
            );
        }
    }
    Ok(())
}

/// Rejects a repository of one cell that is that of another, or lies within it.
fn check_separate(cell: &Definition, other: &Definition) -> Result<()> {
    for repository in &cell.backup.repositories {
        for other_repository in &other.backup.repositories {
            ensure!(
                !overlap(repository, other_repository),
                "{} and {} have the same repository: {} and {}",
                cell.name,
                other.name,
                repository.location(),
                other_repository.location()
            );
        }
    }
    Ok(())
}

/// Returns whether one lies within the other.
fn overlap(one: &Repository, other: &Repository) -> bool {
    match (one, other) {
        (Repository::Posix { path: one }, Repository::Posix { path: other }) => {
            one.starts_with(other) || other.starts_with(one)
        }
        (
            Repository::S3 {
                bucket,
                endpoint,
                path,
                ..
            },
            Repository::S3 {
                bucket: other_bucket,
                endpoint: other_endpoint,
                path: other_path,
                ..
            },
        ) => {
            bucket == other_bucket
                && endpoint.eq_ignore_ascii_case(other_endpoint)
                && (Path::new(path).starts_with(other_path)
                    || Path::new(other_path).starts_with(path))
        }
        (Repository::Posix { .. }, Repository::S3 { .. })
        | (Repository::S3 { .. }, Repository::Posix { .. }) => false,
    }
}

fn check_unique(
    cells: &[Definition],
    what: &str,
    key: impl Fn(&Definition) -> String,
) -> Result<()> {
    let mut owners = BTreeMap::new();
    for cell in cells {
        let key = key(cell);
        if let Some(owner) = owners.insert(key.clone(), &cell.name) {
            bail!("{owner} and {} have the same {what}: {key}", cell.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STANDARD: &str = r#"
region = "eu"
retention = "standard"
url = "https://eu.example.com"

[database]
host = "database.example.com"
port = 5432
name = "lms"

[backup]
archive_timeout = 300

[[backup.repositories]]
type = "posix"
path = "/backup/one"
"#;

    /// Another cell, with nothing in common with the first.
    fn other() -> String {
        STANDARD
            .replace("eu.example", "two.eu.example")
            .replace("database.example", "two.example")
            .replace("/backup/one", "/backup/two")
    }

    fn outcome(files: &[(&str, &str)]) -> String {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(format!("{name}.toml")), text).unwrap();
        }
        match check(directory.path()) {
            Ok(cells) => format!("{} cells", cells.len()),
            Err(error) => {
                format!("{error:#}").replace(&directory.path().display().to_string(), ".")
            }
        }
    }

    #[test]
    fn the_cells_that_are_shipped_are_well_defined() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cells");
        assert_eq!(check(&directory).unwrap().len(), 6);
    }

    #[test]
    fn cells_that_share_nothing_are_accepted() {
        assert_eq!(
            outcome(&[("eu-standard", STANDARD), ("eu-standard-2", &other())]),
            "2 cells"
        );
    }

    #[test]
    fn anything_that_two_cells_share_is_named() {
        for (shared, message) in [
            (
                ("two.eu.example", "EU.example"),
                "eu-standard and eu-standard-2 have the same URL: https://eu.example.com",
            ),
            (
                ("two.example", "database.example"),
                "eu-standard and eu-standard-2 have the same database: database.example.com:5432/lms",
            ),
            (
                ("/backup/two", "/backup/one"),
                "eu-standard and eu-standard-2 have the same repository: /backup/one and /backup/one",
            ),
            (
                ("/backup/two", "/backup/one/within"),
                "eu-standard and eu-standard-2 have the same repository: /backup/one and /backup/one/within",
            ),
        ] {
            let second = other().replace(shared.0, shared.1);
            assert_eq!(
                outcome(&[("eu-standard", STANDARD), ("eu-standard-2", &second)]),
                message
            );
        }
    }

    #[test]
    fn an_error_is_reported_with_its_file() {
        for ((from, to), message) in [
            (
                ("\"eu\"", "\"au\""),
                "./eu-standard.toml: its region and retention class are au and standard, but its name is eu-standard",
            ),
            (
                ("https://eu", "http://eu"),
                "./eu-standard.toml: url \"http://eu.example.com\" must begin with https://",
            ),
            (
                (
                    "example.com\"\n\n[database]",
                    "example.com/lms\"\n\n[database]",
                ),
                "./eu-standard.toml: url \"https://eu.example.com/lms\" must consist of a scheme and a host alone",
            ),
            (
                ("\"lms\"", "\"l m s\""),
                "./eu-standard.toml: database.name \"l m s\" takes 1 to 63 lower-case letters, digits and underscores",
            ),
            (
                ("300", "7200"),
                "./eu-standard.toml: backup.archive_timeout is 7200, and must be 1 to 3600 seconds",
            ),
            (
                ("300", "0"),
                "./eu-standard.toml: backup.archive_timeout is 0, and must be 1 to 3600 seconds",
            ),
            (
                ("/backup/one", "backup"),
                "./eu-standard.toml: the repository backup must be an absolute path",
            ),
            (
                ("port = 5432", "prot = 5432"),
                "./eu-standard.toml: line 8: unknown field `prot`, expected one of `host`, `port`, `name`",
            ),
        ] {
            assert_eq!(
                outcome(&[("eu-standard", &STANDARD.replace(from, to))]),
                message
            );
        }
    }

    #[test]
    fn a_regulated_cell_has_two_repositories() {
        let one = STANDARD.replace("\"standard\"", "\"regulated\"");
        assert_eq!(
            outcome(&[("eu-regulated", &one)]),
            "./eu-regulated.toml: it has 1 backup.repositories, and a regulated cell must have 2 to 4"
        );
        let same =
            format!("{one}\n[[backup.repositories]]\ntype = \"posix\"\npath = \"/backup/one\"\n");
        assert_eq!(
            outcome(&[("eu-regulated", &same)]),
            "./eu-regulated.toml: two of its backup.repositories are the same: /backup/one and /backup/one"
        );
    }

    #[test]
    fn an_unknown_cell_is_reported_with_the_existing_ones() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("eu-standard.toml"), STANDARD).unwrap();
        let error = Definition::load(directory.path(), "us-regulated").unwrap_err();
        assert!(error.to_string().ends_with("has eu-standard"), "{error}");
        assert!(outcome(&[]).ends_with("each is a file such as eu-standard.toml"));
        assert!(outcome(&[("mars", STANDARD)]).contains("is not the name of a cell"));
    }
}
