//! Executing `lms cell check`, and describing the cells.
//! Cells on a developer's machine are started in `local`.

use anyhow::Result;
use operations::cell;

use crate::answer::{Lines, Outcome};
use crate::arguments::cell::DefinitionDirectory;

pub(super) fn check(directory: &DefinitionDirectory) -> Result<Outcome> {
    let cells = cell::check(&directory.cells)?;
    let text: Vec<String> = cells
        .iter()
        .map(|cell| format!("{}: {}, {}", cell.name, cell.url, locations(cell)))
        .collect();
    Ok(Outcome::worded(Lines::new("cells", cells), text.join("\n")))
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
