//! What the tutors of a demo tenant earn, and the drafts of what that came to in the month of their first lessons.

use anyhow::{Context, Result};
use chrono::{Datelike, Days, Utc};
use database::explain;
use rand::RngExt;
use serde_json::{Value, json};
use tokio_postgres::Transaction;

use super::people::{People, Plan};
use super::rows::insert;

/// Writes the rates, and lets the database compute the runs. The lessons must be there.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    plan: &Plan<'_>,
    people: &People,
) -> Result<()> {
    insert(transaction, "tutor_rates", &rates(plan, people)).await?;
    let month = (Utc::now().date_naive() - Days::new(14))
        .with_day(1)
        .context("a month without a first day")?;
    for centre in &people.centres {
        transaction
            .execute("select lms.draft_payroll($1, $2)", &[centre, &month])
            .await
            .map_err(explain)
            .context("cannot compute the demo payroll")?;
    }
    Ok(())
}

/// Most are paid by the hour, some by the lesson.
fn rates(plan: &Plan<'_>, people: &People) -> Vec<Value> {
    let mut generator = plan.generator();
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
