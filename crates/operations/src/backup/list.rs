//! Listing the backups and recovery windows of a cell (`lms backup list`).
//! They are read in `information` and `archive`.

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::access::{Access, RepositoryReference};
use super::information::Backup;
use crate::time;

/// The contents of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The repository.
    pub repository: RepositoryReference,
    /// The backups, the oldest first.
    pub backups: Vec<Backup>,
    /// The times that can be restored, if there are any.
    pub recoverable: Option<Recoverable>,
    /// The first segment that is missing after these times, if there are later ones.
    pub missing_segment: Option<String>,
    /// The size of the archive of the write-ahead log in bytes.
    pub archive_size: u64,
}

/// The times to which a restore is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recoverable {
    /// The earliest time: the end of the oldest backup.
    pub from: DateTime<Utc>,
    /// The latest time: that of the last segment before a gap.
    pub until: DateTime<Utc>,
}

impl Display for Recoverable {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "any time from {} to {} can be restored",
            time::text(self.from),
            time::text(self.until)
        )
    }
}

/// Lists the contents of each repository.
///
/// # Errors
///
/// When a repository cannot be read.
pub async fn list(access: &Access) -> Result<Vec<Contents>> {
    let mut listed = Vec::new();
    for repository in access.repositories() {
        let backups = access.backups(repository).await?;
        let archive = access.archive(repository).await?;
        let window = backups.first().and_then(|first| {
            let window = archive.recovery_window(&first.first_segment)?;
            Some((first.ended_at, window))
        });
        let (recoverable, missing_segment) = match window {
            Some((from, window)) => {
                let until = window.until;
                (Some(Recoverable { from, until }), window.missing)
            }
            None => (None, None),
        };
        listed.push(Contents {
            repository: repository.reference(),
            backups,
            recoverable,
            missing_segment,
            archive_size: archive.stored,
        });
    }
    Ok(listed)
}
