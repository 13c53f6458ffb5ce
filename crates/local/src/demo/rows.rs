//! Writing many rows of one table in one statement, from JSON objects whose keys are its columns.

use anyhow::{Context, Result};
use database::{explain, quote_name};
use serde_json::Value;
use tokio_postgres::Transaction;
use tokio_postgres::types::Json;

/// Inserts rows that all have the same keys. Columns that are not named get their defaults.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    table: &str,
    rows: &[Value],
) -> Result<()> {
    let Some(first) = rows.first().and_then(Value::as_object) else {
        return Ok(());
    };
    let columns = first
        .keys()
        .map(|name| quote_name(name))
        .collect::<Vec<_>>()
        .join(", ");
    let statement = format!(
        "insert into lms.{table} ({columns})
        select {columns}
        from jsonb_populate_recordset(null::lms.{table}, $1)"
    );
    transaction
        .execute(&statement, &[&Json(rows)])
        .await
        .map_err(explain)
        .with_context(|| format!("cannot insert demo rows into {table}"))?;
    Ok(())
}

/// Lets the following rows be written by a user, so that the audit columns name somebody.
pub(super) async fn act_as(transaction: &Transaction<'_>, user: uuid::Uuid) -> Result<()> {
    transaction
        .execute(
            "select set_config('app.user_id', $1, true)",
            &[&user.to_string()],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
