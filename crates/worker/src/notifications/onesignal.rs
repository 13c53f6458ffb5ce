//! The adapter for push notifications by OneSignal: `POST /notifications`, to the devices on which a user has signed in under the
//! user's id. OneSignal drops a message whose `idempotency_key` it knows.
//! Messages are sent, and answers read, in `provider`.

use anyhow::Result;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::api_key::ApiKey;
use super::endpoint::Endpoint;
use super::provider::{Message, Provider};

/// The adapter for OneSignal.
pub(super) struct OneSignal {
    pub(super) endpoint: Endpoint,
    /// The id of the app.
    pub(super) app: String,
    pub(super) key: ApiKey,
}

impl Provider for OneSignal {
    fn name(&self) -> &'static str {
        "onesignal"
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn request(&self, message: &Message) -> RequestBuilder {
        let mut body = json!({
            "app_id": self.app,
            "target_channel": "push",
            "include_aliases": {"external_id": [message.user]},
            // Devices in other languages show this text as well.
            "contents": {"en": message.text},
            "idempotency_key": message.key,
        });
        if !message.subject.is_empty() {
            body["headings"] = json!({"en": message.subject});
        }
        self.endpoint
            .post(&["notifications"])
            .header(AUTHORIZATION, format!("Key {}", self.key.reveal()))
            .json(&body)
    }

    fn accepted(&self, answer: &Value) -> Option<Result<String, &'static str>> {
        match answer.get("id").and_then(Value::as_str) {
            // When the user has no device, OneSignal answers without an id and gives the reason in `errors`.
            None | Some("") if answer.get("errors").is_some() => {
                Some(Err("the user has no device"))
            }
            Some(id) if !id.is_empty() => Some(Ok(id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_user_without_a_device_differs_from_an_answer_without_meaning() {
        let adapter = OneSignal {
            endpoint: Endpoint::new("https://api.onesignal.com", Duration::from_secs(1)).unwrap(),
            app: "a".to_owned(),
            key: ApiKey::of_the_dev_outbox(),
        };
        assert_eq!(
            adapter.accepted(&json!({"id": "7"})),
            Some(Ok("7".to_owned()))
        );
        let nobody = json!({"id": "", "errors": ["All included players are not subscribed"]});
        assert_eq!(
            adapter.accepted(&nobody),
            Some(Err("the user has no device"))
        );
        assert_eq!(adapter.accepted(&json!({})), None);
        assert_eq!(adapter.accepted(&Value::Null), None);
    }
}
