//! Notifications as they wait to be delivered, for tests of what causes and delivers them. No test stands here.

use crate::{Application, Reply, Session, people, role, rows};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

/// Takes out of the outbox what the demo has put there, so that a test sees its own alone.
pub async fn empty(app: &Application) -> Result<()> {
    rows::execute(app, "delete from lms.notification_deliveries", &[]).await?;
    Ok(())
}

/// Sends a text by e-mail.
pub async fn send(app: &Application, session: &Session, user: Uuid, message: &str) -> Result<Uuid> {
    let body = json!({"user_id": user, "type": "email", "subject": "S", "message": message});
    people::id(&post(app, session, body).await?.expect(201).json())
}

/// Sends as many texts by e-mail to the demo's student, and gives their ids.
pub async fn send_many(app: &Application, session: &Session, count: usize) -> Result<Vec<Uuid>> {
    let student = app.user(0, role::STUDENT).id;
    let mut sent = Vec::with_capacity(count);
    for number in 0..count {
        sent.push(send(app, session, student, &format!("Message {number}.")).await?);
    }
    Ok(sent)
}

/// POST to the notifications.
pub async fn post(app: &Application, session: &Session, body: Value) -> Result<Reply> {
    app.post(session, "/v1/notifications", body).await
}

/// Has the worker send codes to those who asked for a password reset and have an account.
pub async fn answer_resets(app: &Application) -> Result<()> {
    app.superuser()
        .await?
        .execute("select lms_private.process_reset_requests()", &[])
        .await?;
    Ok(())
}

/// The newest code that waits to be sent to somebody.
pub async fn code(app: &Application) -> Result<String> {
    let codes = rows::texts(
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

/// A notification as an admin sees it.
pub async fn read(app: &Application, session: &Session, id: Uuid) -> Result<Value> {
    let path = format!("/v1/notifications/{id}");
    Ok(app.get(session, &path).await?.expect(200).json())
}

/// Lets everything that is to be tried again be due.
pub async fn make_due(app: &Application) -> Result<()> {
    let sql = "update lms.notification_deliveries set next_attempt_at = now() - interval '1 second'
        where delivered_at is null and dead_at is null";
    rows::execute(app, sql, &[]).await?;
    Ok(())
}

/// How many wait to be delivered, due or not.
pub async fn waiting(app: &Application) -> Result<i64> {
    let from = "lms.notification_deliveries where delivered_at is null and dead_at is null";
    rows::count(app, from, &[]).await
}

/// The keys of the first tenant's notifications since the outbox was emptied, by template, with who gets them, in order.
pub async fn queued(app: &Application) -> Result<Vec<(String, Uuid)>> {
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
