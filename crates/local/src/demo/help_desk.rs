//! Writes the help-desk requests of a demo tenant, its inventory and its loans.
//! The people that they refer to are written in `people`.

use anyhow::Result;
use database::explain;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::insert::{act_as, insert};
use super::people::People;

/// Writes requests, inventory and loans.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    people: &People,
    generator: &mut ChaCha8Rng,
) -> Result<()> {
    for request in requests() {
        if let Some(user) = people.user(request.role) {
            act_as(transaction, user).await?;
            write_request(transaction, people, &request).await?;
        }
    }
    if let Some(support) = people.user("support") {
        act_as(transaction, support).await?;
        write_inventory(transaction, people, generator).await?;
    }
    Ok(())
}

/// A help-desk request with the role of its author.
struct DemoRequest {
    role: &'static str,
    kind: &'static str,
    priority: &'static str,
    status: &'static str,
    details: &'static str,
}

/// Writes a help-desk request, which the supervisor moves to its status.
async fn write_request(
    transaction: &Transaction<'_>,
    people: &People,
    request: &DemoRequest,
) -> Result<()> {
    let id = Uuid::now_v7();
    let row = json!({
        "id": id,
        "centre_id": people.centres.first(),
        "type": request.kind,
        "details": request.details,
        "priority": request.priority,
    });
    insert(transaction, "requests", &[row]).await?;
    if request.status == "open" {
        return Ok(());
    }
    if let Some(supervisor) = people.user("supervisor") {
        act_as(transaction, supervisor).await?;
    }
    let states = ["in_progress", "resolved", "closed"];
    let reached = states.iter().position(|state| *state == request.status);
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

fn requests() -> Vec<DemoRequest> {
    let request = |role, kind, priority, status, details| DemoRequest {
        role,
        kind,
        priority,
        status,
        details,
    };
    vec![
        request(
            "student",
            "reschedule",
            "medium",
            "open",
            "I have a match on Friday: may I come on Thursday?",
        ),
        request(
            "parent",
            "complaint",
            "high",
            "in_progress",
            "The last lesson began twenty minutes late.",
        ),
        request(
            "parent",
            "reschedule",
            "low",
            "resolved",
            "We are away in the first week of July.",
        ),
        request(
            "tutor",
            "it",
            "high",
            "open",
            "The projector in room 2 shows no picture.",
        ),
        request(
            "tutor",
            "inventory",
            "low",
            "closed",
            "We need twenty more exercise books.",
        ),
        request(
            "assessor",
            "inventory",
            "medium",
            "open",
            "The reading tests are used up.",
        ),
        request(
            "supervisor",
            "maintenance",
            "medium",
            "in_progress",
            "The heating in the entrance is cold.",
        ),
        request(
            "supervisor",
            "it",
            "low",
            "resolved",
            "A second screen for the front desk.",
        ),
        request(
            "finance",
            "it",
            "medium",
            "closed",
            "The receipt printer prints blank lines.",
        ),
    ]
}

/// Writes the inventory, its adjustments and the tutors' loans.
async fn write_inventory(
    transaction: &Transaction<'_>,
    people: &People,
    generator: &mut ChaCha8Rng,
) -> Result<()> {
    let items = items(people, generator);
    insert(transaction, "inventory", &items).await?;
    let adjustments: Vec<Value> = items
        .iter()
        .filter(|item| item["category"] == "stationery")
        .map(|item| json!({"inventory_id": item["id"], "change": -2, "reason": "Used up."}))
        .collect();
    insert(transaction, "inventory_adjustments", &adjustments).await?;
    let due = chrono::Utc::now().date_naive() + chrono::Days::new(30);
    let loans: Vec<Value> = people
        .tutors
        .iter()
        .filter_map(|tutor| {
            let laptop = items.iter().find(|item| {
                item["category"] == "laptop" && item["centre_id"] == json!(tutor.centre)
            })?;
            Some(json!({"inventory_id": laptop["id"], "user_id": tutor.user, "quantity": 1, "due_on": due}))
        })
        .collect();
    insert(transaction, "inventory_loans", &loans).await
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
