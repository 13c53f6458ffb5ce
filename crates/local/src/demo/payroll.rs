//! Writes the tutors' rates of a demo tenant and the payroll drafts for the month of their first lessons.
//! The lessons are written in `lessons`.

use anyhow::{Context, Result};
use chrono::{Datelike, Days, Utc};
use database::explain;
use rand::RngExt;
use serde_json::{Value, json};
use tokio_postgres::Transaction;

use super::insert::insert;
use super::people::{People, TenantDefinition};

/// Writes the rates and lets the database compute the payroll runs. The lessons must have been written before.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    definition: &TenantDefinition<'_>,
    people: &People,
) -> Result<()> {
    insert(transaction, "tutor_rates", &rates(definition, people)).await?;
    let month = (Utc::now().date_naive() - Days::new(14))
        .with_day(1)
        .context("the month has no first day")?;
    for centre in &people.centres {
        transaction
            .execute("select lms.draft_payroll($1, $2)", &[centre, &month])
            .await
            .map_err(explain)
            .context("cannot compute the demo payroll")?;
    }
    Ok(())
}

/// Returns the rates, most of them per hour and some per lesson.
fn rates(definition: &TenantDefinition<'_>, people: &People) -> Vec<Value> {
    let mut generator = definition.generator();
    people
        .tutors
        .iter()
        .enumerate()
        .map(|(index, tutor)| {
            json!({
                "tutor_id": tutor.id,
                "unit": if index % 3 == 2 { "lesson" } else { "hour" },
                "amount": format!("{}.50", generator.random_range(22..=38)),
                "effective_from": "2024-01-01",
            })
        })
        .collect()
}
