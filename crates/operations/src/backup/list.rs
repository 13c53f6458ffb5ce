//! `lms backup list`: what is in the repositories, and to which times one can restore.

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
        "BEGUN",
        "ENDED",
        "MB",
        "MB STORED",
        "REPOSITORY",
    ]);
    let mut spans = String::new();
    for repository in access.repositories() {
        let backups = access.backups(repository).await?;
        for backup in &backups {
            table.add_row([
                backup.label.clone(),
                backup.kind.as_str().to_owned(),
                time(backup.began),
                time(backup.ended),
                megabytes(backup.size),
                megabytes(backup.stored),
                repository.key.to_string(),
            ]);
        }
        let archive = access.archive(repository).await?;
        let place = repository.described();
        let reach = backups.first().and_then(|first| {
            let reach = archive.reach(&first.first_segment)?;
            Some((first.ended, reach))
        });
        match reach {
            Some((from, reach)) => {
                write!(
                    spans,
                    "\n{place}: to any time from {} to {}, the archive takes {} MB",
                    time(from),
                    time(reach.until),
                    megabytes(archive.stored)
                )?;
                if let Some(missing) = reach.missing {
                    write!(spans, "; behind that the segment {missing} is missing")?;
                }
            }
            None => write!(spans, "\n{place}: nothing can be restored yet")?,
        }
    }
    Ok(format!("{}{spans}", table.trim_fmt()))
}

/// As `--to-time` takes it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%FT%TZ").to_string()
}

fn megabytes(bytes: u64) -> String {
    // Rounding is what this is for.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    format!("{:.1}", bytes / MEGABYTE)
}
