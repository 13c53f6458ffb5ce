//! Inserts rows from JSON objects whose keys are the names of columns.
//! The rows are built in the other modules of the demo data.

use anyhow::{Context, Result};
use database::{explain, quote_name};
use serde_json::Value;
use tokio_postgres::Transaction;
use tokio_postgres::types::Json;

/// Inserts rows that have the same keys. Other columns get their defaults.
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

/// Sets the user that the audit columns of the following rows name.
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
