//! Creates webhooks, delivers events to them and reads the outcome.
//! The HTTP server that receives the events is in `stub_provider`.

use crate::{
    Application, Behaviour, ReceivedRequest, Session, StubProvider, fixtures, role, run_python,
};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use http::Method;
use platform::http::outbound_url::Networks;
use serde_json::{Value, json};
use uuid::Uuid;
use worker::DeliveryReport;
use worker::webhooks::{self, Options, Sender};

/// A webhook with its signing secret.
pub struct TestWebhook {
    /// Its id.
    pub id: Uuid,
    /// Its secret.
    pub secret: String,
}

/// Creates a webhook to a receiver for events of these kinds.
pub async fn create_webhook(
    app: &Application,
    admin: &Session,
    receiver: &StubProvider,
    kinds: &[&str],
) -> Result<TestWebhook> {
    let body = json!({"url": format!("{}/hook", receiver.url()), "kinds": kinds});
    let created = app.post(admin, "/v1/webhooks", body).await?.expect(201);
    Ok(TestWebhook {
        id: fixtures::parse_id(&created.json())?,
        secret: text_of(&created.json()["secret"]),
    })
}

/// Returns a JSON string, or an empty text for any other value.
pub fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Creates a centre of this name, which causes one event, `centre.created`.
pub async fn create_centre_event(app: &Application, admin: &Session, name: &str) -> Result<()> {
    let body = json!({"name": name, "code": name, "time_zone": "UTC", "currency": "EUR"});
    app.post(admin, "/v1/centres", body).await?.expect(201);
    seal_events(app, admin).await
}

/// Seals the pending events, so that they have positions in the log.
pub async fn seal_events(app: &Application, admin: &Session) -> Result<()> {
    app.get(admin, "/v1/events?limit=1").await?.expect(200);
    Ok(())
}

/// Returns a sender that may post to this machine and has a timeout in seconds.
pub fn sender(seconds: u64) -> Result<Sender> {
    Sender::new(&Options {
        webhook_networks: Networks::loopback(),
        webhook_timeout: seconds,
    })
}

/// Makes the delivery attempts that are due at a time, as one worker does.
pub async fn deliver_due(app: &Application, now: DateTime<Utc>) -> Result<DeliveryReport> {
    webhooks::run_once(&app.superuser_url, &sender(60)?, now).await
}

/// Lists the deliveries of a webhook, latest event first.
pub async fn get_deliveries(
    app: &Application,
    admin: &Session,
    hook: &TestWebhook,
) -> Result<Vec<Value>> {
    let path = format!("/v1/webhooks/{}/deliveries", hook.id);
    let body = app.get(admin, &path).await?.expect(200).json();
    Ok(body["data"]
        .as_array()
        .context("the response has no data")?
        .clone())
}

/// Reads the webhook as an admin.
pub async fn get_webhook(app: &Application, admin: &Session, hook: &TestWebhook) -> Result<Value> {
    let path = format!("/v1/webhooks/{}", hook.id);
    Ok(app.get(admin, &path).await?.expect(200).json())
}

/// Sends a POST request to an action of a webhook.
pub async fn post_action(
    app: &Application,
    admin: &Session,
    hook: &TestWebhook,
    action: &str,
    body: Option<Value>,
) -> Result<crate::Reply> {
    let path = format!("/v1/webhooks/{}/{action}", hook.id);
    app.call(Some(admin), Method::POST, &path, body).await
}

/// Verifies a message with the library of Standard Webhooks and returns its content.
pub async fn verify_signature(secret: &str, post: &ReceivedRequest, body: &str) -> Result<Value> {
    let printed = run_python(
        "verify_webhook.py",
        [
            secret,
            post.header("webhook-id"),
            post.header("webhook-timestamp"),
            post.header("webhook-signature"),
            body,
        ],
    )
    .await?;
    Ok(serde_json::from_str(&printed)?)
}

/// Signs in an admin, starts a receiver with this behaviour, and creates a webhook to it for events of centres.
pub async fn create_with_receiver(
    app: &Application,
    behaviour: Behaviour,
) -> Result<(Session, StubProvider, TestWebhook)> {
    let admin = app.sign_in(role::ADMIN).await?;
    seal_events(app, &admin).await?;
    let receiver = StubProvider::start(behaviour).await?;
    let hook = create_webhook(app, &admin, &receiver, &["centres"]).await?;
    Ok((admin, receiver, hook))
}
