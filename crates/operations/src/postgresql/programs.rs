//! PostgreSQL's programs on this machine, and their version.
//! A private cluster is run with them in `local::cluster`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The version of PostgreSQL for which the schema is written and tested.
pub const VERSION: &str = "15";

/// The directory with PostgreSQL's programs: Debian's, or the one on `PATH`.
///
/// # Errors
///
/// When there is no PostgreSQL of the right version.
pub fn find_programs() -> Result<PathBuf> {
    let debian = PathBuf::from(format!("/usr/lib/postgresql/{VERSION}/bin"));
    if debian.join("initdb").is_file() {
        return Ok(debian);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|directory| directory.join("initdb").is_file() && version_of(&directory.join("postgres")).as_deref() == Some(VERSION))
        .with_context(|| format!("PostgreSQL {VERSION} is not installed: run `make run`, or apt-get install postgresql-{VERSION}"))
}

fn version_of(program: &Path) -> Option<String> {
    let output = std::process::Command::new(program)
        .arg("--version")
        .output()
        .ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in a line like `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(line: &str) -> Option<String> {
    let number = line
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_output_of_programs() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)").as_deref(),
            Some("15")
        );
        assert_eq!(
            major_version("postgres (PostgreSQL) 17beta1"),
            Some("17beta1".to_owned())
        );
        assert_eq!(major_version(""), None);
    }
}
