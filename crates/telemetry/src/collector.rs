//! The HTTP client of the exporters. It says once that the collector is away, and once that it is
//! back.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;

use crate::variables::Signal;

/// The maximum size of a collector's response, which tells how many items it has refused.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// Sends one signal to its collector.
#[derive(Debug)]
pub(crate) struct Collector {
    signal: Signal,
    client: reqwest::Client,
    /// The exporters run on threads of their own, which have no runtime.
    runtime: Handle,
    is_away: AtomicBool,
}

impl Collector {
    /// Prepares the client.
    ///
    /// # Errors
    ///
    /// When there is no runtime, or no client can be made.
    pub(crate) fn new(signal: Signal) -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(signal.timeout())
            .redirect(Policy::none())
            .user_agent(concat!("lms/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot prepare the HTTP client for the collector")?;
        Ok(Self {
            signal,
            client,
            runtime: Handle::try_current()?,
            is_away: AtomicBool::new(false),
        })
    }

    /// Returns the line of the log for an attempt, if it ended otherwise than the one before.
    fn line(&self, failure: Option<&anyhow::Error>) -> Option<String> {
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        let signal = self.signal.name();
        match failure {
            Some(failure) if !was_away => Some(format!(
                "{signal} cannot be exported: {failure:#}; they are dropped until the collector answers"
            )),
            None if was_away => Some(format!("{signal} are exported again")),
            _ => None,
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(send(self.client.clone(), request));
        let sent = sent.await.unwrap_or_else(|error| Err(error.into()));
        let refused = sent.as_ref().ok().and_then(refusal);
        let failure = sent.as_ref().err().or(refused.as_ref());
        if let Some(line) = self.line(failure) {
            match failure {
                Some(_) => tracing::warn!("{line}"),
                None => tracing::info!("{line}"),
            }
        }
        Ok(sent?)
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>> {
    // The address may contain a key, so no error quotes it.
    let sent = client.execute(request.try_into()?).await;
    let response: Response<reqwest::Body> = sent.map_err(reqwest::Error::without_url)?.into();
    let (head, body) = response.into_parts();
    let Ok(body) = Limited::new(body, MAX_RESPONSE_BYTES).collect().await else {
        bail!("the collector's answer broke off or is too large");
    };
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Returns the failure that the collector's response reports, if any.
fn refusal(response: &Response<Bytes>) -> Option<anyhow::Error> {
    let status = response.status();
    (!status.is_success()).then(|| anyhow::anyhow!("the collector answered {}", status.as_u16()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_collector_that_is_away_and_comes_back_is_reported_once() -> Result<()> {
        let collector = Collector::new(Signal::Traces)?;
        let away = anyhow::anyhow!("refused");
        assert_eq!(collector.line(None), None);
        let line = collector.line(Some(&away)).unwrap_or_default();
        assert!(
            line.contains("traces cannot be exported: refused"),
            "{line}"
        );
        assert_eq!(collector.line(Some(&away)), None);
        assert_eq!(
            collector.line(None).as_deref(),
            Some("traces are exported again")
        );
        assert_eq!(collector.line(None), None);
        Ok(())
    }
}
