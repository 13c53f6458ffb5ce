//! Executing `lms cell check`, and printing the cells.
//! Cells on a developer's machine are started in `local`.

use std::process::ExitCode;

use anyhow::Result;
use operations::cell;

use super::print_line;
use crate::arguments::cell::DefinitionDirectory;

pub(super) fn check(directory: &DefinitionDirectory) -> Result<ExitCode> {
    for cell in cell::check(&directory.cells)? {
        print_line(format_args!(
            "{}: {}, {}",
            cell.name,
            cell.url,
            locations(&cell)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The database and the repositories in one line.
fn locations(cell: &cell::Definition) -> String {
    let database = &cell.database;
    let repositories: Vec<String> = cell
        .backup
        .repositories
        .iter()
        .map(cell::Repository::location)
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
