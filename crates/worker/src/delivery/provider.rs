//! What every provider has in common: how a message is sent and how the answer is read.

use std::fmt::{self, Debug, Formatter};
use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::endpoint::Endpoint;
use super::outcome::{Outcome, asked_for};

/// Most bytes of an answer that are looked at.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How a user is reached: the type of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// E-mail.
    Email,
    /// SMS.
    Sms,
    /// A push notification.
    Push,
}

impl Channel {
    /// All of them.
    pub(crate) const ALL: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Push];

    /// The name, as the schema writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Push => "push",
        }
    }
}

/// What is to be sent. It may hold a secret, so it is not printable.
pub(crate) struct Message {
    /// The delivery key: the same in every attempt.
    pub(crate) key: Uuid,
    /// Who gets it.
    pub(crate) user: Uuid,
    /// The user's e-mail address.
    pub(crate) email: String,
    /// The user's telephone number.
    pub(crate) phone: Option<String>,
    /// The subject; empty where there is none.
    pub(crate) subject: String,
    /// The text, complete.
    pub(crate) text: String,
}

/// An adapter: one provider's public API.
pub(crate) trait Provider: Send + Sync {
    /// What it is called, in the database and in reports.
    fn name(&self) -> &'static str;

    /// Where it is.
    fn endpoint(&self) -> &Endpoint;

    /// The request that sends a message.
    fn request(&self, message: &Message) -> RequestBuilder;

    /// What an answer with a status of success says: the provider's own id, or why it has not taken the message. None when it
    /// can't be told.
    fn accepted(&self, answer: &Value) -> Option<Result<String, &'static str>>;
}

/// A key that no print shows.
pub(crate) struct Secret(String);

impl Secret {
    /// What stands in a file, without the end of its line.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the key in {}", file.display()))?;
        let key = text.trim_end_matches(['\r', '\n']);
        if key.is_empty() {
            bail!("the key file {} is empty", file.display());
        }
        Ok(Self(key.to_owned()))
    }

    /// A key that opens nothing.
    pub(crate) fn of_the_sink() -> Self {
        Self("sink".to_owned())
    }

    /// The key itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Sends a message and says what became of it, in words without addresses, texts and keys.
pub(crate) async fn send(provider: &dyn Provider, message: &Message) -> Outcome {
    let name = provider.name();
    let key = message.key.to_string();
    let request = provider.request(message).header("idempotency-key", key);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => {
            return Outcome::later(format!("{name} cannot be reached"));
        }
        Err(error) if error.is_timeout() => {
            return Outcome::later(format!("{name} did not respond in time"));
        }
        Err(_) => return Outcome::later(format!("the connection to {name} was lost")),
    };
    let (status, wait) = (response.status(), asked_for(response.headers()));
    let answer = match read(response).await {
        Some(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
        None if status.is_success() => {
            return Outcome::later(format!("{name} did not finish its response"));
        }
        None => Value::Null,
    };
    if status.is_success() {
        return match provider.accepted(&answer) {
            Some(Ok(id)) => Outcome::Accepted(id),
            Some(Err(reason)) => Outcome::Never(format!("{name}: {reason}")),
            None => Outcome::later(format!("{name} gave an unreadable response")),
        };
    }
    let reason = match code(&answer) {
        Some(code) => format!("{name} answered {} ({code})", status.as_u16()),
        None => format!("{name} answered {}", status.as_u16()),
    };
    if is_about_the_message(status) {
        Outcome::Never(reason)
    } else {
        Outcome::Later { reason, wait }
    }
}

/// The whole answer, unless it breaks off or does not come to an end.
async fn read(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// Whether the message itself is refused, and always will be. A wrong key or address of ours (401, 403, 404, 405), an account
/// without money (402), a double that is under way (409) and a provider that is busy (408, 425, 429) are mended in time.
fn is_about_the_message(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status.as_u16(),
            401 | 402 | 403 | 404 | 405 | 407 | 408 | 409 | 425 | 429
        )
}

/// The code of an error: a word or a number, as Resend (`name`) and Twilio (`code`) have them. Anything else might be a text.
fn code(answer: &Value) -> Option<String> {
    match (answer.get("code"), answer.get("name")) {
        (Some(Value::Number(number)), _) => Some(number.to_string()),
        (_, Some(Value::String(name))) => Some(name.clone()).filter(|name| {
            (1..=40).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_the_messages_fault_is_told_from_what_time_mends() {
        for (status, expected) in [
            (400, true),
            (401, false),
            (403, false),
            (404, false),
            (408, false),
            (409, false),
            (413, true),
            (422, true),
            (429, false),
            (302, false),
            (500, false),
            (503, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_about_the_message(status), expected, "{status}");
        }
    }

    #[test]
    fn of_an_error_only_its_code_is_repeated() {
        assert_eq!(code(&json!({"code": 21211})).unwrap(), "21211");
        assert_eq!(
            code(&json!({"name": "validation_error"})).unwrap(),
            "validation_error"
        );
        for other in [
            json!({"name": "Invalid `to` field: ana@aurora.example"}),
            json!({"name": ""}),
            json!({"code": "x"}),
            json!("x"),
            Value::Null,
        ] {
            assert_eq!(code(&other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_read_from_a_file_and_never_printed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, "re_123\n").unwrap();
        let key = Secret::read(&file).unwrap();
        assert_eq!(
            (key.reveal(), format!("{key:?}")),
            ("re_123", "***".to_owned())
        );
        std::fs::write(&file, "\n").unwrap();
        assert!(Secret::read(&file).is_err());
    }
}
