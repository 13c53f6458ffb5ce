//! Sends a request, reads the whole response and validates it against the OpenAPI document.
//! The validation itself is in `openapi_contract`.

use anyhow::{Context, Result};
use http::HeaderMap;
use reqwest::{Request, RequestBuilder};
use serde_json::Value;

use crate::{openapi_contract, sent_values};

/// A response of the service.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text, in which invalid UTF-8 is replaced.
    pub text: String,
    /// The body's length in bytes.
    pub length: usize,
}

impl Reply {
    /// Returns the body as JSON, or null if it isn't JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Returns a header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Asserts the status and shows the body when it differs.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Returns the pointers of the errors in a problem document.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| error["pointer"].as_str().map(str::to_owned))
            .collect()
    }
}

/// Sends a request, reads the response and validates it against the OpenAPI document. The values of
/// the request may be in no log (`sent_values`).
///
/// # Errors
///
/// When no response arrives.
///
/// # Panics
///
/// When the document doesn't describe the response.
pub async fn send(request: RequestBuilder) -> Result<Reply> {
    let (client, request) = request.build_split();
    let request = request.context("the request cannot be built")?;
    let (method, url) = (request.method().clone(), request.url().clone());
    record(&request);
    let response = client.execute(request).await.context("no response")?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.context("the response ended early")?;
    openapi_contract::check(&method, &url, status, &headers, &body);
    Ok(Reply {
        status,
        headers,
        text: String::from_utf8_lossy(&body).into_owned(),
        length: body.len(),
    })
}

/// Collects the values of a request whose body is not a stream.
fn record(request: &Request) {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let body = body.unwrap_or_default();
    sent_values::record(request.method().as_str(), request.url(), headers, body);
}
