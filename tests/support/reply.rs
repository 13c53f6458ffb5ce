//! An answer, read whole.

use anyhow::{Context, Result};
use http::HeaderMap;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::contract;

/// An answer of the service.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text; what isn't UTF-8 in it is replaced.
    pub text: String,
    /// The body's length in bytes.
    pub length: usize,
}

impl Reply {
    /// The body as JSON; null when it isn't.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The reply, once its status is the expected one; a failing test shows what came instead.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The pointers of the errors in a problem document.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| error["pointer"].as_str().map(str::to_owned))
            .collect()
    }
}

/// Sends a request, reads the answer and holds it against the OpenAPI document.
///
/// # Errors
///
/// When no answer comes.
///
/// # Panics
///
/// When the answer isn't one that the document describes.
pub async fn send(request: RequestBuilder) -> Result<Reply> {
    let (client, request) = request.build_split();
    let request = request.context("no request")?;
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.context("no answer")?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.context("the answer broke off")?;
    contract::check(&method, &url, status, &headers, &body);
    Ok(Reply {
        status,
        headers,
        text: String::from_utf8_lossy(&body).into_owned(),
        length: body.len(),
    })
}
