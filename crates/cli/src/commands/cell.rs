//! What `lms cell check` does and prints. Starting cells on a developer's machine lives in `local`.

use std::process::ExitCode;

use anyhow::Result;
use operations::cell;

use super::say;
use crate::arguments::cell::Directory;

pub(super) fn check(directory: &Directory) -> Result<ExitCode> {
    for cell in cell::check(&directory.cells)? {
        say(format_args!(
            "{}: {}, {}",
            cell.name,
            cell.url,
            places(&cell)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Database and repositories, in one line.
fn places(cell: &cell::Definition) -> String {
    let database = &cell.database;
    let repositories: Vec<String> = cell
        .backup
        .repositories
        .iter()
        .map(cell::Repository::place)
        .collect();
    format!(
        "database {}:{}/{}, {} days of backups in {}",
        database.host,
        database.port,
        database.name,
        cell.retention.days(),
        repositories.join(" and ")
    )
}
