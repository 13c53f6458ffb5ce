//! Webhooks as tests make them, have them told, and look at what became of it. No test stands here.

use crate::{Application, Mood, Post, Provider, Session, people, role, run_python};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use http::Method;
use platform::http::outbound_url::Networks;
use serde_json::{Value, json};
use uuid::Uuid;
use worker::DeliveryReport;
use worker::webhooks::{self, Options, Sender};

/// A webhook, and what signs what it is told.
pub struct Hook {
    /// Its id.
    pub id: Uuid,
    /// Its secret.
    pub secret: String,
}

/// A new webhook for a receiver, told of what is among these kinds.
pub async fn make(
    app: &Application,
    admin: &Session,
    receiver: &Provider,
    kinds: &[&str],
) -> Result<Hook> {
    let body = json!({"url": format!("{}/hook", receiver.url()), "kinds": kinds});
    let made = app.post(admin, "/v1/webhooks", body).await?.expect(201);
    Ok(Hook {
        id: people::id(&made.json())?,
        secret: text(&made.json()["secret"]),
    })
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A centre of this name: one event, `centre.created`.
pub async fn happen(app: &Application, admin: &Session, name: &str) -> Result<()> {
    let body = json!({"name": name, "code": name, "time_zone": "UTC", "currency": "EUR"});
    app.post(admin, "/v1/centres", body).await?.expect(201);
    seal(app, admin).await
}

/// Lets what has happened have its places in the log, as the worker does.
pub async fn seal(app: &Application, admin: &Session) -> Result<()> {
    app.get(admin, "/v1/events?limit=1").await?.expect(200);
    Ok(())
}

/// One that posts to this machine, and waits so many seconds for an answer.
pub fn sender(seconds: u64) -> Result<Sender> {
    Sender::new(&Options {
        webhook_networks: Networks::loopback(),
        webhook_timeout: seconds,
    })
}

/// Delivers what is due at a time, as one worker does.
pub async fn deliver(app: &Application, now: DateTime<Utc>) -> Result<DeliveryReport> {
    webhooks::run_once(&app.superuser_url, &sender(60)?, now).await
}

/// The deliveries of a webhook, the latest event first.
pub async fn deliveries(app: &Application, admin: &Session, hook: &Hook) -> Result<Vec<Value>> {
    let path = format!("/v1/webhooks/{}/deliveries", hook.id);
    let body = app.get(admin, &path).await?.expect(200).json();
    Ok(body["data"].as_array().context("deliveries")?.clone())
}

/// The webhook as its admin sees it.
pub async fn read(app: &Application, admin: &Session, hook: &Hook) -> Result<Value> {
    let path = format!("/v1/webhooks/{}", hook.id);
    Ok(app.get(admin, &path).await?.expect(200).json())
}

/// POST of one of a webhook's actions.
pub async fn act(
    app: &Application,
    admin: &Session,
    hook: &Hook,
    action: &str,
    body: Option<Value>,
) -> Result<crate::Reply> {
    let path = format!("/v1/webhooks/{}/{action}", hook.id);
    app.call(Some(admin), Method::POST, &path, body).await
}

/// What Standard Webhooks' own library makes of a message.
pub async fn verify(secret: &str, post: &Post, body: &str) -> Result<Value> {
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

/// An admin, a receiver that behaves like this, and a webhook for it that is told of centres alone.
pub async fn ready(app: &Application, mood: Mood) -> Result<(Session, Provider, Hook)> {
    let admin = app.sign_in(role::ADMIN).await?;
    seal(app, &admin).await?;
    let receiver = Provider::start(mood).await?;
    let hook = make(app, &admin, &receiver, &["centres"]).await?;
    Ok((admin, receiver, hook))
}
