//! Writes a disabled webhook of a demo tenant.
//! Deliveries are made in the crate `worker`.

use anyhow::Result;
use database::explain;
use serde_json::json;
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::insert::{act_as, insert};
use super::people::People;

/// Writes a disabled webhook with a random secret.
pub(super) async fn create(transaction: &Transaction<'_>, people: &People) -> Result<()> {
    let Some(admin) = people.user("admin") else {
        return Ok(());
    };
    act_as(transaction, admin).await?;
    let id = Uuid::now_v7();
    let row = json!({
        "id": id,
        "url": "https://hooks.example.com/lms",
        "description": "Accounting",
        "kinds": ["finance_records", "student.created"],
        "status": "disabled",
        "disabled_at": "2026-01-05T09:00:00Z",
    });
    insert(transaction, "webhooks", &[row]).await?;
    let secret: [u8; 32] = rand::random();
    transaction
        .execute(
            "insert into lms.webhook_secrets (webhook_id, secret)
            values ($1, $2)",
            &[&id, &secret.as_slice()],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
