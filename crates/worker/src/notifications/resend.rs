//! The adapter for e-mail by Resend: `POST /emails`. Resend drops a message whose `Idempotency-Key` it has had in the last 24 hours.
//! Messages are sent, and answers read, in `provider`.

use anyhow::Result;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::api_key::ApiKey;
use super::endpoint::Endpoint;
use super::provider::{Message, Provider};

/// The adapter for Resend.
pub(super) struct Resend {
    pub(super) endpoint: Endpoint,
    pub(super) key: ApiKey,
    /// The sender, such as `LMS <no-reply@example.com>`.
    pub(super) sender: String,
}

impl Provider for Resend {
    fn name(&self) -> &'static str {
        "resend"
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn request(&self, message: &Message) -> RequestBuilder {
        self.endpoint
            .post(&["emails"])
            .bearer_auth(self.key.reveal())
            .json(&json!({
                "from": self.sender,
                "to": [message.email],
                "subject": message.subject,
                "text": message.text,
            }))
    }

    fn accepted(&self, answer: &Value) -> Option<Result<String, &'static str>> {
        let id = answer.get("id")?.as_str()?;
        Some(Ok(id.to_owned()))
    }
}
