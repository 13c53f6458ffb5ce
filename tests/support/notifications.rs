//! Creates notifications and reads and changes their pending deliveries.
//! The HTTP server that receives them is in `stub_provider`.

use crate::{Application, Reply, Session, fixtures, queries, role};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

/// Removes all deliveries of notifications, those of the demo data included.
pub async fn clear_outbox(app: &Application) -> Result<()> {
    queries::execute(app, "delete from lms.notification_deliveries", &[]).await?;
    Ok(())
}

/// Queues an e-mail to a user and returns its id.
pub async fn send_email(
    app: &Application,
    session: &Session,
    user: Uuid,
    message: &str,
) -> Result<Uuid> {
    let body = json!({"user_id": user, "type": "email", "subject": "S", "message": message});
    fixtures::parse_id(
        &post_notification(app, session, body)
            .await?
            .expect(201)
            .json(),
    )
}

/// Queues this many e-mails to the demo student and returns their ids.
pub async fn send_emails(app: &Application, session: &Session, count: usize) -> Result<Vec<Uuid>> {
    let student = app.user(0, role::STUDENT).id;
    let mut sent = Vec::with_capacity(count);
    for number in 0..count {
        sent.push(send_email(app, session, student, &format!("Message {number}.")).await?);
    }
    Ok(sent)
}

/// Sends a POST request to `/v1/notifications`.
pub async fn post_notification(app: &Application, session: &Session, body: Value) -> Result<Reply> {
    app.post(session, "/v1/notifications", body).await
}

/// Queues the codes of the password resets that were requested for existing accounts, as the worker does.
pub async fn send_reset_codes(app: &Application) -> Result<()> {
    app.superuser()
        .await?
        .execute("select lms_private.process_reset_requests()", &[])
        .await?;
    Ok(())
}

/// Returns the latest code that waits to be sent.
pub async fn latest_code(app: &Application) -> Result<String> {
    let codes = queries::fetch_texts(
        app,
        "select k.token
        from lms_private.notification_secrets as k
        join lms.notifications as n on n.tenant_id = k.tenant_id and n.id = k.notification_id
        where k.token is not null
        order by n.created_at desc",
        &[],
    )
    .await?;
    codes.into_iter().next().context("no code was sent")
}

/// Reads a notification as an admin.
pub async fn get_notification(app: &Application, session: &Session, id: Uuid) -> Result<Value> {
    let path = format!("/v1/notifications/{id}");
    Ok(app.get(session, &path).await?.expect(200).json())
}

/// Makes every delivery that waits for a retry due.
pub async fn make_retries_due(app: &Application) -> Result<()> {
    let sql = "update lms.notification_deliveries set next_attempt_at = now() - interval '1 second'
        where delivered_at is null and dead_at is null";
    queries::execute(app, sql, &[]).await?;
    Ok(())
}

/// Counts the pending deliveries, due or not.
pub async fn count_pending(app: &Application) -> Result<i64> {
    let from = "lms.notification_deliveries where delivered_at is null and dead_at is null";
    queries::count(app, from, &[]).await
}

/// Returns the template key and the recipient of each pending notification of the first tenant, sorted.
pub async fn queued_templates(app: &Application) -> Result<Vec<(String, Uuid)>> {
    let rows = app
        .superuser()
        .await?
        .query(
            "select coalesce(n.template, ''), n.user_id
            from lms.notification_deliveries as d
            join lms.notifications as n on n.tenant_id = d.tenant_id and n.id = d.notification_id
            where n.tenant_id = $1
            order by 1, 2",
            &[&app.demo.tenants[0].id],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
