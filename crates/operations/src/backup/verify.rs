//! Verifying the repositories of a cell (`lms backup verify`): reading everything, and finding damaged and missing files.
//! Backups are restored in `restore`.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result};
use serde::Serialize;

use super::access::{Access, NumberedRepository, RepositoryReference};
use super::list::Recoverable;
use crate::time;

/// The result for one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The repository.
    pub repository: RepositoryReference,
    /// The times that can be restored; none when there is no backup.
    pub recoverable: Option<Recoverable>,
    /// The faults, each in a few words.
    pub faults: Vec<String>,
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.repository)?;
        if !self.faults.is_empty() {
            return write!(formatter, "BROKEN: {}", self.faults.join("; "));
        }
        match self.recoverable {
            Some(recoverable) => write!(formatter, "intact, {recoverable}"),
            None => formatter.write_str("intact"),
        }
    }
}

/// Verifies each repository of a cell: the checksum of every file, and that no segment is missing after the first backup.
///
/// # Errors
///
/// When a repository cannot be read at all. Faults in a readable repository are in a finding, and not an error.
pub async fn verify(access: &Access) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for repository in access.repositories() {
        findings.push(verify_repository(access, repository).await?);
    }
    Ok(findings)
}

async fn verify_repository(access: &Access, repository: NumberedRepository<'_>) -> Result<Finding> {
    let backups = access.backups(repository).await?;
    let options = [
        "--output=text".to_owned(),
        "--verbose".to_owned(),
        repository.option(),
    ];
    let printed = access
        .program
        .run("verify", options)
        .await
        .with_context(|| format!("{} cannot be verified", repository.described()))?;
    let mut faults = faults(&printed);
    let Some(first) = backups.first() else {
        faults.push("it contains no backup".to_owned());
        return Ok(Finding {
            repository: repository.reference(),
            recoverable: None,
            faults,
        });
    };
    let window = access
        .archive(repository)
        .await?
        .recovery_window(&first.first_segment);
    let recoverable = match window {
        Some(window) => {
            faults.extend(window.missing.map(|segment| {
                format!(
                    "the segment {segment} of the log is missing, so nothing after {} can be restored from the backup {}",
                    time::text(window.until),
                    first.label
                )
            }));
            Some(Recoverable {
                from: first.ended_at,
                until: window.until,
            })
        }
        None => {
            faults.push(format!(
                "the segment {} of the log is missing, without which the backup {} cannot be restored",
                first.first_segment, first.label
            ));
            None
        }
    };
    Ok(Finding {
        repository: repository.reference(),
        recoverable,
        faults,
    })
}

/// The faults in the output of pgBackRest, whose exit code does not tell.
fn faults(printed: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut subject = "";
    for line in printed.lines().map(str::trim) {
        if line.starts_with("archiveId: ") {
            subject = "the archive";
        } else if let Some(backup) = line.strip_prefix("backup: ") {
            subject = backup.split(',').next().unwrap_or(backup);
        } else if line.starts_with("missing: ") {
            faults.extend(counts(line).map(|(count, what)| match subject {
                "the archive" => format!("{count} segments of the archive: {what}"),
                backup => format!("{count} files of the backup {backup}: {what}"),
            }));
        } else if line.starts_with("No usable") {
            faults.push(line.to_owned());
        }
    }
    if faults.is_empty() && printed.lines().any(|line| line.trim() == "status: error") {
        faults.push("pgBackRest reports damage and names no file".to_owned());
    }
    faults
}

/// The parts of a line such as `missing: 0, checksum invalid: 1` whose counts are not zero.
fn counts(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split(", ")
        .filter_map(|part| part.rsplit_once(": "))
        .filter(|(_, count)| *count != "0")
        .map(|(what, count)| (count, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_the_counts_that_are_not_zero() {
        let printed = "stanza: eu-standard\nstatus: error\n\
            archiveId: 15-1, total WAL checked: 7, total valid WAL: 7\n  missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n\
            backup: 20261124-214255F, status: invalid, total files checked: 965, total valid files: 964\n  missing: 0, checksum invalid: 1, size invalid: 0, other: 0\n";
        assert_eq!(
            faults(printed),
            ["1 files of the backup 20261124-214255F: checksum invalid"]
        );
        assert_eq!(
            faults(
                &printed
                    .replace("checksum invalid: 1", "checksum invalid: 0")
                    .replace("error", "ok")
            ),
            Vec::<String>::new()
        );
        assert_eq!(faults("status: error\n").len(), 1);
        assert_eq!(
            faults("status: error\n  No usable backup.info file\n"),
            ["No usable backup.info file"]
        );
    }
}
