//! Creates help-desk requests, inventory items and loans.
//! The accounts that they refer to are created in `fixtures`.

use crate::{Application, Reply, Session, fixtures, queries};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Returns the body of a help-desk request to a centre.
pub fn request_body(centre: Uuid) -> Value {
    json!({"centre_id": centre, "type": "it", "details": "The screen stays dark."})
}

/// Creates a help-desk request in the first centre.
pub async fn create_request(app: &Application, session: &Session) -> Result<Value> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    create_request_from(app, session, request_body(own_centre)).await
}

/// Creates a help-desk request from a body.
pub async fn create_request_from(
    app: &Application,
    session: &Session,
    body: Value,
) -> Result<Value> {
    let created = app.post(session, "/v1/requests", body).await?;
    Ok(created.expect(201).json())
}

/// Returns the path of a help-desk request.
pub fn request_path(request: &Value) -> String {
    format!(
        "/v1/requests/{}",
        request["id"].as_str().unwrap_or_default()
    )
}

/// Sends a transition of a help-desk request, with the body that it requires.
pub async fn transition(
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
    let path = format!("{}/{name}", request_path(request));
    app.call(Some(session), Method::POST, &path, body).await
}

/// Creates a help-desk request and moves it to a status.
pub async fn create_request_in_status(
    app: &Application,
    session: &Session,
    status: &str,
) -> Result<Value> {
    let mut request = create_request(app, session).await?;
    for (name, reached) in [
        ("start", "in_progress"),
        ("resolve", "resolved"),
        ("close", "closed"),
    ] {
        if request["status"] == status {
            break;
        }
        request = transition(app, session, &request, name)
            .await?
            .expect(200)
            .json();
        assert_eq!(request["status"], reached);
    }
    assert_eq!(request["status"], status);
    Ok(request)
}

/// Creates a member of staff of the first tenant, with a new account of this role.
pub async fn create_staff_member(
    app: &Application,
    admin: &Session,
    role: &str,
    centre: Uuid,
) -> Result<Uuid> {
    let user = fixtures::create_user(app, admin, role, centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    let created = app.post(admin, "/v1/staff", body).await?.expect(201);
    fixtures::parse_id(&created.json())
}

/// Creates an inventory item of a centre in this quantity.
pub async fn create_item(
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
    let created = app.post(session, "/v1/inventory", body).await?;
    Ok(created.expect(201).json())
}

/// Returns the path of an inventory item.
pub fn item_path(item: &Value) -> String {
    format!("/v1/inventory/{}", item["id"].as_str().unwrap_or_default())
}

/// Adjusts the quantity of an inventory item.
pub async fn adjust_quantity(
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

/// Returns the date this many days from now.
pub fn date_in_days(days: i64) -> String {
    (chrono::Utc::now().date_naive() + chrono::Duration::days(days)).to_string()
}

/// Lends a quantity of an inventory item to a user for a month.
pub async fn lend_item(
    app: &Application,
    session: &Session,
    item: &Value,
    user: Uuid,
    quantity: i64,
) -> Result<Reply> {
    let path = format!("{}/loans", item_path(item));
    let body = json!({"user_id": user, "quantity": quantity, "due_on": date_in_days(30)});
    app.post(session, &path, body).await
}

/// Gives back the item of a loan.
pub async fn return_loan(app: &Application, session: &Session, loan: &Value) -> Result<Reply> {
    let id = loan["id"].as_str().context("the loan has no id")?;
    let path = format!("/v1/inventory-loans/{id}/return");
    app.call(Some(session), Method::POST, &path, None).await
}

/// Makes a help-desk request one hour overdue.
pub async fn make_overdue(app: &Application, request: &Value) -> Result<()> {
    let id = fixtures::parse_id(request)?;
    let sql = "update lms.requests set due_at = now() - interval '1 hour' where id = $1";
    assert_eq!(queries::execute(app, sql, &[&id]).await?, 1);
    Ok(())
}
