//! The adapter for SMS by Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json`. Twilio's public interface has no idempotency key, so
//! an SMS whose answer was lost may arrive twice.
//! Messages are sent, and answers read, in `provider`.

use anyhow::Result;
use reqwest::RequestBuilder;
use serde_json::Value;

use super::api_key::ApiKey;
use super::endpoint::Endpoint;
use super::provider::{Message, Provider};

/// The adapter for Twilio.
pub(super) struct Twilio {
    pub(super) endpoint: Endpoint,
    /// The account's SID.
    pub(super) account: String,
    /// The account's token.
    pub(super) key: ApiKey,
    /// The sender: a number, or the SID of a messaging service.
    pub(super) sender: String,
}

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn request(&self, message: &Message) -> RequestBuilder {
        let sender = if self.sender.starts_with("MG") {
            "MessagingServiceSid"
        } else {
            "From"
        };
        self.endpoint
            .post(&["2010-04-01", "Accounts", &self.account, "Messages.json"])
            .basic_auth(&self.account, Some(self.key.reveal()))
            .form(&[
                ("To", message.phone.as_deref().unwrap_or_default()),
                (sender, &self.sender),
                ("Body", &message.text),
            ])
    }

    fn accepted(&self, answer: &Value) -> Option<Result<String, &'static str>> {
        let id = answer.get("sid")?.as_str()?;
        Some(Ok(id.to_owned()))
    }
}
