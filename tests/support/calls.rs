//! Sends requests to an application. The application is served in `application`.

use anyhow::Result;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{Application, Reply, Session, send};

impl Application {
    /// Builds a request for a path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base_url))
    }

    /// Sends a request with an optional session and an optional JSON body.
    ///
    /// # Errors
    ///
    /// When no response arrives.
    pub async fn call(
        &self,
        session: Option<&Session>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply> {
        let mut request = self.request(method, path);
        if let Some(session) = session {
            request = request.bearer_auth(&session.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    /// Sends a GET request in a session.
    ///
    /// # Errors
    ///
    /// When no response arrives.
    pub async fn get(&self, session: &Session, path: &str) -> Result<Reply> {
        self.call(Some(session), Method::GET, path, None).await
    }

    /// Sends a POST request in a session.
    ///
    /// # Errors
    ///
    /// When no response arrives.
    pub async fn post(&self, session: &Session, path: &str, body: Value) -> Result<Reply> {
        self.call(Some(session), Method::POST, path, Some(body))
            .await
    }

    /// Sends a PATCH request in a session.
    ///
    /// # Errors
    ///
    /// When no response arrives.
    pub async fn patch(&self, session: &Session, path: &str, body: Value) -> Result<Reply> {
        self.call(Some(session), Method::PATCH, path, Some(body))
            .await
    }

    /// Sends a DELETE request in a session.
    ///
    /// # Errors
    ///
    /// When no response arrives.
    pub async fn delete(&self, session: &Session, path: &str) -> Result<Reply> {
        self.call(Some(session), Method::DELETE, path, None).await
    }
}
