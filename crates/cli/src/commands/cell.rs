//! What `lms cell` does and prints.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use cli::cell;

use super::say;
use crate::arguments;

pub(super) async fn execute(state: &Path, action: arguments::cell::Cell) -> Result<ExitCode> {
    match action {
        arguments::cell::Cell::Check(directory) => {
            for cell in cell::check(&directory.cells)? {
                say(format_args!(
                    "{}: {}, {}",
                    cell.name,
                    cell.url,
                    places(&cell)
                ))?;
            }
        }
        arguments::cell::Cell::Up(options) => {
            // A cell that is not defined is none.
            for name in &options.names {
                cell::Definition::load(&options.directory.cells, name.as_str())?;
            }
            cell::local::run(&cell::local::Options {
                state: state.join("cells"),
                names: options.names,
                port: options.port,
                manifest: options.manifest,
            })
            .await?;
        }
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
