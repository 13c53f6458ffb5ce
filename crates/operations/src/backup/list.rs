//! Listing the backups and recovery windows of a cell (`lms backup list`).
//! They are read in `information` and `archive`.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::{DateTime, Utc};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

use super::access::Access;

const MEGABYTE: f64 = 1_000_000.0;

/// A table of all backups, and a line for each repository.
///
/// # Errors
///
/// When a repository cannot be read.
pub async fn list(access: &Access) -> Result<String> {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "BACKUP",
        "TYPE",
        "STARTED",
        "ENDED",
        "MB",
        "MB STORED",
        "REPOSITORY",
    ]);
    let mut windows = String::new();
    for repository in access.repositories() {
        let backups = access.backups(repository).await?;
        for backup in &backups {
            table.add_row([
                backup.label.clone(),
                backup.kind.as_str().to_owned(),
                time(backup.started_at),
                time(backup.ended_at),
                megabytes(backup.size),
                megabytes(backup.stored_size),
                repository.key.to_string(),
            ]);
        }
        let archive = access.archive(repository).await?;
        let description = repository.described();
        let window = backups.first().and_then(|first| {
            let window = archive.recovery_window(&first.first_segment)?;
            Some((first.ended_at, window))
        });
        match window {
            Some((from, window)) => {
                write!(
                    windows,
                    "\n{description}: any time from {} to {} can be restored; the archive takes {} MB",
                    time(from),
                    time(window.until),
                    megabytes(archive.stored)
                )?;
                if let Some(missing) = window.missing {
                    write!(windows, "; after that the segment {missing} is missing")?;
                }
            }
            None => write!(windows, "\n{description}: nothing can be restored yet")?,
        }
    }
    Ok(format!("{}{windows}", table.trim_fmt()))
}

/// Formats a time for `--to-time`.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%FT%TZ").to_string()
}

fn megabytes(bytes: u64) -> String {
    // The figure is rounded for people.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    format!("{:.1}", bytes / MEGABYTE)
}
