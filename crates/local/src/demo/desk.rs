//! What a demo tenant's centres were asked for, and what became of it; what they have, and who has borrowed of it.

use anyhow::Result;
use database::explain;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::people::People;
use super::rows::{act_as, insert};

/// Writes it all.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    people: &People,
    generator: &mut ChaCha8Rng,
) -> Result<()> {
    for asked in requests() {
        if let Some(user) = people.user(asked.role) {
            act_as(transaction, user).await?;
            ask(transaction, people, &asked).await?;
        }
    }
    if let Some(support) = people.user("support") {
        act_as(transaction, support).await?;
        stock(transaction, people, generator).await?;
    }
    Ok(())
}

/// A request, by the role of who asked.
struct Asked {
    role: &'static str,
    kind: &'static str,
    priority: &'static str,
    status: &'static str,
    details: &'static str,
}

/// Makes a request, and lets the supervisor move it as far as it has come.
async fn ask(transaction: &Transaction<'_>, people: &People, asked: &Asked) -> Result<()> {
    let id = Uuid::now_v7();
    let row = json!({
        "id": id,
        "centre_id": people.centres.first(),
        "type": asked.kind,
        "details": asked.details,
        "priority": asked.priority,
    });
    insert(transaction, "requests", &[row]).await?;
    if asked.status == "open" {
        return Ok(());
    }
    if let Some(supervisor) = people.user("supervisor") {
        act_as(transaction, supervisor).await?;
    }
    let states = ["in_progress", "resolved", "closed"];
    let reached = states.iter().position(|state| *state == asked.status);
    for state in states.iter().take(reached.map_or(0, |index| index + 1)) {
        transaction
            .execute(
                "update lms.requests
                set
                  status = $2,
                  assigned_to = coalesce(assigned_to, $3),
                  resolution = case when $2 = 'resolved' then 'Done.' else resolution end
                where id = $1",
                &[&id, state, &people.staff.last()],
            )
            .await
            .map_err(explain)?;
    }
    let comment = |visibility: &str, body: &str| json!({"request_id": id, "visibility": visibility, "body": body});
    let comments = [
        comment("public", "Thank you for telling us. We look into it."),
        comment("internal", "Came up last month too."),
    ];
    insert(transaction, "request_comments", &comments).await
}

fn requests() -> Vec<Asked> {
    let asked = |role, kind, priority, status, details| Asked {
        role,
        kind,
        priority,
        status,
        details,
    };
    vec![
        asked(
            "student",
            "reschedule",
            "medium",
            "open",
            "I have a match on Friday: may I come on Thursday?",
        ),
        asked(
            "parent",
            "complaint",
            "high",
            "in_progress",
            "The last lesson began twenty minutes late.",
        ),
        asked(
            "parent",
            "reschedule",
            "low",
            "resolved",
            "We are away in the first week of July.",
        ),
        asked(
            "tutor",
            "it",
            "high",
            "open",
            "The projector in room 2 shows no picture.",
        ),
        asked(
            "tutor",
            "inventory",
            "low",
            "closed",
            "We need twenty more exercise books.",
        ),
        asked(
            "assessor",
            "inventory",
            "medium",
            "open",
            "The reading tests are used up.",
        ),
        asked(
            "supervisor",
            "maintenance",
            "medium",
            "in_progress",
            "The heating in the entrance is cold.",
        ),
        asked(
            "supervisor",
            "it",
            "low",
            "resolved",
            "A second screen for the front desk.",
        ),
        asked(
            "finance",
            "it",
            "medium",
            "closed",
            "The receipt printer prints blank lines.",
        ),
    ]
}

/// Writes what there is, how much of it was used up, and what the tutors have borrowed.
async fn stock(
    transaction: &Transaction<'_>,
    people: &People,
    generator: &mut ChaCha8Rng,
) -> Result<()> {
    let items = items(people, generator);
    insert(transaction, "inventory", &items).await?;
    let used: Vec<Value> = items
        .iter()
        .filter(|item| item["category"] == "stationery")
        .map(|item| json!({"inventory_id": item["id"], "change": -2, "reason": "Used up."}))
        .collect();
    insert(transaction, "inventory_adjustments", &used).await?;
    let due = chrono::Utc::now().date_naive() + chrono::Days::new(30);
    let lent: Vec<Value> = people
        .tutors
        .iter()
        .filter_map(|tutor| {
            let laptop = items.iter().find(|item| {
                item["category"] == "laptop" && item["centre_id"] == json!(tutor.centre)
            })?;
            Some(json!({"inventory_id": laptop["id"], "user_id": tutor.user, "quantity": 1, "due_on": due}))
        })
        .collect();
    insert(transaction, "inventory_loans", &lent).await
}

fn items(people: &People, generator: &mut ChaCha8Rng) -> Vec<Value> {
    let mut rows = Vec::new();
    for centre in &people.centres {
        for (item, category, condition) in [
            ("Laptop 14 inch", "laptop", "good"),
            ("Laptop 13 inch", "laptop", "needs_repair"),
            ("Desk", "furniture", "good"),
            ("Chair", "furniture", "broken"),
            ("Exercise book", "stationery", "good"),
            ("Access point", "network", "good"),
            ("First-aid kit", "misc", "good"),
        ] {
            rows.push(json!({
                "id": Uuid::now_v7(),
                "centre_id": centre,
                "item_name": item,
                "category": category,
                "quantity": generator.random_range(5..=40),
                "low_stock_at": (category == "stationery").then_some(3),
                "condition": condition,
                "metadata": {"shelf": format!("{}-{}", category[..1].to_uppercase(), generator.random_range(1..=9))},
            }));
        }
    }
    rows
}
