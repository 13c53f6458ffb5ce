//! The identity of a cell: its name, region and retention class, written once into its database.

use anyhow::{Result, bail};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::cell::Name;
use crate::connection::explain;

/// What the database says it is, before anything is changed in it.
pub(super) enum Standing {
    /// It is a cell already, and the wanted one if one was named.
    Settled,
    /// It becomes this one once it has its tables.
    Open(Name),
}

/// Whether the database knows which cell it is.
pub async fn is_cell(client: &Client) -> Result<bool> {
    Ok(cell_name(client).await?.is_some())
}

/// The cell's name, if it has been written.
///
/// # Errors
///
/// When the database does not answer.
pub async fn cell_name(client: &Client) -> Result<Option<String>> {
    match client
        .query_opt("select name from lms_private.cell", &[])
        .await
    {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        answer => Ok(answer.map_err(explain)?.map(|row| row.get(0))),
    }
}

/// Compares the cell that is wanted with the one that the database is.
pub(super) async fn compare(client: &Client, wanted: Option<&Name>) -> Result<Standing> {
    match (cell_name(client).await?, wanted) {
        (Some(name), Some(wanted)) => {
            if name != wanted.as_str() {
                bail!(
                    "this database is the cell {name}, not {wanted}: a cell never changes; check which database is meant"
                );
            }
            Ok(Standing::Settled)
        }
        (Some(_), None) => Ok(Standing::Settled),
        (None, Some(wanted)) => Ok(Standing::Open(wanted.clone())),
        (None, None) => bail!("this database is not a cell yet: say which with --cell"),
    }
}

/// Writes the identity of a database that had none.
pub(super) async fn write(client: &Client, cell: &Name) -> Result<()> {
    client
        .execute(
            "insert into lms_private.cell (name, region, retention_class)
            values ($1, $2, $3)",
            &[
                &cell.as_str(),
                &cell.region().as_str(),
                &cell.retention().as_str(),
            ],
        )
        .await
        .map(|_| ())
        .map_err(explain)
}
