//! Writes the notifications, templates and preferences of a demo tenant.
//! None of the notifications is delivered.

use anyhow::Result;
use serde_json::{Value, json};
use tokio_postgres::Transaction;

use super::insert::{act_as, insert};
use super::people::People;

/// Writes templates, preferences and notifications.
pub(super) async fn create(transaction: &Transaction<'_>, people: &People) -> Result<()> {
    if let Some(admin) = people.user("admin") {
        act_as(transaction, admin).await?;
        insert(transaction, "notification_templates", &templates()).await?;
    }
    if let Some(parent) = people.user("parent") {
        act_as(transaction, parent).await?;
        let row = json!({"user_id": parent, "email": true, "sms": false, "push": true});
        insert(transaction, "notification_preferences", &[row]).await?;
    }
    if let Some(support) = people.user("support") {
        act_as(transaction, support).await?;
        insert(transaction, "notifications", &notifications(people)).await?;
    }
    Ok(())
}

fn templates() -> Vec<Value> {
    vec![
        json!({
            "key": "announcement",
            "type": "push",
            "language": "en",
            "subject": "{{title}}",
            "message": "{{text}}",
        }),
        json!({
            "key": "lesson_cancelled",
            "type": "sms",
            "language": "en",
            "subject": null,
            "message": "{{lesson}} on {{starts_at}} is cancelled. {{tenant}}",
        }),
    ]
}

/// Returns past notifications with a final status, so that none is delivered.
fn notifications(people: &People) -> Vec<Value> {
    let mut rows = Vec::new();
    for (number, student) in people.students.iter().enumerate() {
        rows.push(json!({
            "user_id": student.user,
            "type": if number % 2 == 0 { "push" } else { "email" },
            "subject": "Your lesson next week",
            "message": "See you at the usual time. Please bring your exercise book.",
            "status": "sent",
        }));
        rows.push(json!({
            "user_id": student.parent,
            "type": "email",
            "subject": "Progress report",
            "message": "The new results are in. Please sign in to read them.",
            "status": if number % 9 == 4 { "failed" } else { "sent" },
        }));
    }
    rows.extend(people.users.iter().map(|(role, user)| {
        json!({
            "user_id": user,
            "type": "email",
            "subject": "Welcome",
            "message": format!("Your account as {role} is ready."),
            "status": "sent",
        })
    }));
    rows
}
