//! The identity of a cell: its name, region and retention class, written once into its database.
//! The form of a cell's name lives in `crate::cell`.

use anyhow::{Result, bail};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::cell::Name;
use crate::connection::explain;

/// The cell that a database is before it is migrated.
pub(super) enum CellIdentity {
    /// The database is a cell already, and the requested one if one was named.
    Existing,
    /// The database becomes this cell once it has its tables.
    New(Name),
}

/// Returns whether the database stores the identity of its cell.
///
/// # Errors
///
/// When the database does not answer.
pub async fn is_cell(client: &Client) -> Result<bool> {
    Ok(cell_name(client).await?.is_some())
}

/// The name of the cell that the database stores.
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

/// Compares the requested cell with the one that the database is.
pub(super) async fn compare(client: &Client, requested: Option<&Name>) -> Result<CellIdentity> {
    match (cell_name(client).await?, requested) {
        (Some(name), Some(requested)) => {
            if name != requested.as_str() {
                bail!(
                    "this database is the cell {name}, not {requested}: the identity of a cell never changes; check the address of the database"
                );
            }
            Ok(CellIdentity::Existing)
        }
        (Some(_), None) => Ok(CellIdentity::Existing),
        (None, Some(requested)) => Ok(CellIdentity::New(requested.clone())),
        (None, None) => {
            bail!("this database is not a cell yet: give the name of the cell with --cell")
        }
    }
}

/// Writes the identity of a database that has none.
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
