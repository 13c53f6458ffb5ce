//! Requests and items made for a test. No test stands here.

use crate::{Application, Reply, Session, people, rows};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// The body of a request to a centre.
pub fn request(centre: Uuid) -> Value {
    json!({"centre_id": centre, "type": "it", "details": "The screen stays dark."})
}

/// A new request in the first centre, as somebody.
pub async fn ask(app: &Application, session: &Session) -> Result<Value> {
    let (home, _) = rows::centres(app).await?;
    make(app, session, request(home)).await
}

/// A new request.
pub async fn make(app: &Application, session: &Session, body: Value) -> Result<Value> {
    let made = app.post(session, "/v1/requests", body).await?;
    Ok(made.expect(201).json())
}

/// The path of a request.
pub fn path(request: &Value) -> String {
    format!(
        "/v1/requests/{}",
        request["id"].as_str().unwrap_or_default()
    )
}

/// Makes a move, with a body that it can do with.
pub async fn act(
    app: &Application,
    session: &Session,
    request: &Value,
    name: &str,
) -> Result<Reply> {
    let body = match name {
        "assign" => Some(json!({"staff_id": null})),
        "resolve" => Some(json!({"resolution": "Mended."})),
        _ => None,
    };
    let path = format!("{}/{name}", path(request));
    app.call(Some(session), Method::POST, &path, body).await
}

/// A new request that has come to a state.
pub async fn in_state(app: &Application, session: &Session, status: &str) -> Result<Value> {
    let mut request = ask(app, session).await?;
    for (name, reached) in [
        ("start", "in_progress"),
        ("resolve", "resolved"),
        ("close", "closed"),
    ] {
        if request["status"] == status {
            break;
        }
        request = act(app, session, &request, name).await?.expect(200).json();
        assert_eq!(request["status"], reached);
    }
    assert_eq!(request["status"], status);
    Ok(request)
}

/// A new row of staff of the first tenant, for an account of a role.
pub async fn staff(app: &Application, admin: &Session, role: &str, centre: Uuid) -> Result<Uuid> {
    let user = people::user(app, admin, role, centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    let made = app.post(admin, "/v1/staff", body).await?.expect(201);
    people::id(&made.json())
}

/// A new item of a centre, of which there are so many.
pub async fn item(
    app: &Application,
    session: &Session,
    centre: Uuid,
    quantity: i64,
) -> Result<Value> {
    let body = json!({
        "centre_id": centre,
        "item_name": "Laptop",
        "category": "laptop",
        "quantity": quantity,
    });
    let made = app.post(session, "/v1/inventory", body).await?;
    Ok(made.expect(201).json())
}

/// The path of an item.
pub fn item_path(item: &Value) -> String {
    format!("/v1/inventory/{}", item["id"].as_str().unwrap_or_default())
}

/// Changes how many there are of an item.
pub async fn adjust(
    app: &Application,
    session: &Session,
    item: &Value,
    change: i64,
) -> Result<Reply> {
    let path = format!("{}/adjust", item_path(item));
    app.post(
        session,
        &path,
        json!({"change": change, "reason": "Counted."}),
    )
    .await
}

/// A day so many days from now.
pub fn day(days: i64) -> String {
    (chrono::Utc::now().date_naive() + chrono::Duration::days(days)).to_string()
}

/// Lends pieces of an item to somebody, for a month.
pub async fn lend(
    app: &Application,
    session: &Session,
    item: &Value,
    user: Uuid,
    quantity: i64,
) -> Result<Reply> {
    let path = format!("{}/loans", item_path(item));
    let body = json!({"user_id": user, "quantity": quantity, "due_on": day(30)});
    app.post(session, &path, body).await
}

/// Returns a loan.
pub async fn give_back(app: &Application, session: &Session, loan: &Value) -> Result<Reply> {
    let id = loan["id"].as_str().context("an id")?;
    let path = format!("/v1/inventory-loans/{id}/return");
    app.call(Some(session), Method::POST, &path, None).await
}

/// Lets the time of a request be over since an hour ago.
pub async fn let_it_be_late(app: &Application, request: &Value) -> Result<()> {
    let id = people::id(request)?;
    let sql = "update lms.requests set due_at = now() - interval '1 hour' where id = $1";
    assert_eq!(rows::execute(app, sql, &[&id]).await?, 1);
    Ok(())
}
