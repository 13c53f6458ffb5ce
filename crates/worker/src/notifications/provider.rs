//! The interface to a provider: sending a message and reading the answer, as they are the same for all.
//! The parts that differ live in the adapters, in files named after each provider.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::endpoint::Endpoint;
use crate::queue::{SendResult, retry_after};

/// The maximum size of a response that is read.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// The message to be sent. It may contain a secret, so it cannot be printed.
pub(crate) struct Message {
    /// The idempotency key, the same in every attempt.
    pub(crate) key: Uuid,
    /// The recipient.
    pub(crate) user: Uuid,
    /// The user's e-mail address.
    pub(crate) email: String,
    /// The user's telephone number.
    pub(crate) phone: Option<String>,
    /// The subject; empty where there is none.
    pub(crate) subject: String,
    /// The complete text.
    pub(crate) text: String,
}

/// The adapter for one provider's public API.
pub(crate) trait Provider: Send + Sync {
    /// The provider's name in the database and in reports.
    fn name(&self) -> &'static str;

    /// The provider's address.
    fn endpoint(&self) -> &Endpoint;

    /// The request that sends a message.
    fn request(&self, message: &Message) -> RequestBuilder;

    /// The meaning of an answer with a successful status: the provider's own id, or the reason for not accepting the message. None
    /// when the answer has no meaning.
    fn accepted(&self, answer: &Value) -> Option<Result<String, &'static str>>;
}

/// Sends a message. The reason of a failure quotes no address, text or key.
pub(crate) async fn send(provider: &dyn Provider, message: &Message) -> SendResult {
    let name = provider.name();
    let key = message.key.to_string();
    let request = provider.request(message).header("idempotency-key", key);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => {
            return SendResult::failed(format!("{name} cannot be reached"));
        }
        Err(error) if error.is_timeout() => {
            return SendResult::failed(format!("{name} did not respond in time"));
        }
        Err(_) => return SendResult::failed(format!("the connection to {name} was lost")),
    };
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let answer = match read(response).await {
        Some(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
        None if status.is_success() => {
            return SendResult::failed(format!("{name} did not finish its answer"));
        }
        None => Value::Null,
    };
    if status.is_success() {
        return match provider.accepted(&answer) {
            Some(Ok(id)) => SendResult::Accepted(id),
            Some(Err(reason)) => SendResult::Rejected(format!("{name}: {reason}")),
            None => SendResult::failed(format!("{name} gave an answer that cannot be read")),
        };
    }
    let reason = match error_code(&answer) {
        Some(code) => format!("{name} answered {} ({code})", status.as_u16()),
        None => format!("{name} answered {}", status.as_u16()),
    };
    if rejects_message(status) {
        SendResult::Rejected(reason)
    } else {
        SendResult::Failed {
            reason,
            retry_after,
        }
    }
}

/// The whole answer; none when it breaks off or is too large.
async fn read(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// Returns whether a status rejects the message itself, so that no further attempt can succeed. A wrong key or address on our side
/// (401, 403, 404, 405), an account without credit (402), a duplicate in flight (409) and a busy provider (408, 425, 429) can pass.
fn rejects_message(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status.as_u16(),
            401 | 402 | 403 | 404 | 405 | 407 | 408 | 409 | 425 | 429
        )
}

/// The code of an error: a word or a number, as Resend (`name`) and Twilio (`code`) give them. Anything else might quote the message.
fn error_code(answer: &Value) -> Option<String> {
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
    fn a_rejected_message_differs_from_a_passing_failure() {
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
            assert_eq!(rejects_message(status), expected, "{status}");
        }
    }

    #[test]
    fn only_the_code_of_an_error_is_quoted() {
        assert_eq!(error_code(&json!({"code": 21211})).unwrap(), "21211");
        assert_eq!(
            error_code(&json!({"name": "validation_error"})).unwrap(),
            "validation_error"
        );
        for other in [
            json!({"name": "Invalid `to` field: ana@aurora.example"}),
            json!({"name": ""}),
            json!({"code": "x"}),
            json!("x"),
            Value::Null,
        ] {
            assert_eq!(error_code(&other), None, "{other}");
        }
    }
}
