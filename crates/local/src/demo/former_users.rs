//! Writes the former users of a demo tenant: one was erased, another has a legal hold.
//! Active users are written in `people`.

use anyhow::Result;
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::insert::{act_as, insert};
use super::people::{People, TenantDefinition};

/// Writes the former users.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    definition: &TenantDefinition<'_>,
    people: &People,
) -> Result<()> {
    let Some(admin) = people.user("admin") else {
        return Ok(());
    };
    act_as(transaction, admin).await?;
    let (held, erased) = (Uuid::now_v7(), Uuid::now_v7());
    let users = [
        account(held, "Irene Salgado", "irene", definition, people),
        account(erased, "Viktor Lindqvist", "viktor", definition, people),
    ];
    insert(transaction, "users", &users).await?;
    let hold = json!({"user_id": held, "reason": "An unpaid invoice is before the court."});
    insert(transaction, "legal_holds", &[hold]).await?;
    transaction
        .execute(
            "select lms.erase_subject($1, 'Asked for it by letter.')",
            &[&erased],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

fn account(
    id: Uuid,
    name: &str,
    mailbox: &str,
    definition: &TenantDefinition<'_>,
    people: &People,
) -> Value {
    json!({
        "id": id,
        "name": name,
        "email": format!("{mailbox}@{}.example", definition.slug),
        "phone": null,
        "role": "parent",
        "centre_id": people.centres.first(),
        "status": "inactive",
        "language_preferences": ["en"],
        "accessibility_settings": {},
    })
}
