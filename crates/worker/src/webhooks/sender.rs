//! Posting a message to its receiver, at addresses that are public when the connection is made. Only the head of the answer is read.
//! Messages are signed in `signature`; retries are scheduled in `queue`.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::Args;
use platform::http::outbound_url::Networks;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode};
use tokio::net::lookup_host;

use super::message::Message;
use super::signature::signatures;
use crate::http_client;
use crate::queue::{Response, SendResult, retry_after};

/// The time limit of a receiver in seconds, unless an option gives another.
const DEFAULT_TIMEOUT_SECONDS: u64 = 20;

/// The receivers that may be posted to, and their time limit.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Private networks in which webhooks are allowed, such as 10.1.0.0/16, for development
    #[arg(
        long,
        env = "LMS_WEBHOOK_NETWORKS",
        value_name = "NETWORKS",
        default_value = "",
        value_parser = Networks::parse
    )]
    pub webhook_networks: Networks,

    /// Time limit of a receiver's answer, in seconds
    #[arg(
        long,
        env = "LMS_WEBHOOK_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = DEFAULT_TIMEOUT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=60)
    )]
    pub webhook_timeout: u64,
}

impl Options {
    /// The defaults, with webhooks allowed in these networks.
    pub fn allowing(networks: Networks) -> Self {
        Self {
            webhook_networks: networks,
            webhook_timeout: DEFAULT_TIMEOUT_SECONDS,
        }
    }
}

/// The sender of messages.
pub struct Sender {
    client: Client,
    networks: Arc<Networks>,
    timeout: Duration,
}

impl Sender {
    /// A sender with the given options.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be created.
    pub fn new(options: &Options) -> Result<Self> {
        let networks = Arc::new(options.webhook_networks.clone());
        let timeout = Duration::from_secs(options.webhook_timeout);
        let client = http_client::client(timeout)
            .dns_resolver(Arc::new(PublicResolver(Arc::clone(&networks))))
            .pool_max_idle_per_host(1)
            .build()
            .context("cannot prepare the HTTP client")?;
        Ok(Self {
            client,
            networks,
            timeout,
        })
    }

    /// The time limit of a request.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Posts a message, signed at the given time.
    pub(super) async fn post(&self, message: &Message, now: DateTime<Utc>) -> Response {
        let Some(body) = &message.body else {
            return Response {
                status: None,
                result: SendResult::Rejected("the event is no longer in the event log".to_owned()),
            };
        };
        if message.secrets.is_empty() {
            return unanswered("there is no secret to sign the message with");
        }
        // The URL was valid when it was saved, but the allowed networks may have changed, and the resolver never sees a literal address.
        let url = match self.networks.target(&message.url) {
            Ok(url) => url,
            Err((_, detail)) => return unanswered(format!("not posted: {detail}")),
        };
        let (id, seconds) = (message.event, now.timestamp());
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", seconds.to_string())
            .header(
                "webhook-signature",
                signatures(&message.secrets, id, seconds, body),
            )
            .body(body.clone());
        match request.send().await {
            Ok(response) => {
                let wait = retry_after(response.headers());
                interpret(response.status(), wait)
            }
            Err(error) => unanswered(reason(&error)),
        }
    }
}

/// The response without an answer: the connection failed, or none was made.
fn unanswered(reason: impl Into<String>) -> Response {
    Response {
        status: None,
        result: SendResult::failed(reason),
    }
}

/// The response with an answer of this status.
fn interpret(status: StatusCode, retry_after: Option<Duration>) -> Response {
    let code = status.as_u16();
    let result = match status {
        _ if status.is_success() => SendResult::Accepted(String::new()),
        StatusCode::GONE => SendResult::Rejected("answered 410: the webhook is gone".to_owned()),
        _ if status.is_redirection() => SendResult::Failed {
            reason: format!("answered {code}: redirects are not followed"),
            retry_after,
        },
        _ => SendResult::Failed {
            reason: format!("answered {code}"),
            retry_after,
        },
    };
    Response {
        status: Some(code),
        result,
    }
}

/// The reason for a missing answer, without the address.
fn reason(error: &reqwest::Error) -> &'static str {
    if has_no_public_address(error) {
        "the host name has no public address"
    } else if error.is_timeout() {
        "the endpoint did not respond in time"
    } else if error.is_connect() {
        "the endpoint cannot be reached"
    } else {
        "the connection was lost, or the response is not HTTP"
    }
}

/// Returns whether a name without a public address is among the causes.
fn has_no_public_address(error: &(dyn Error + 'static)) -> bool {
    error.is::<NotPublic>() || error.source().is_some_and(has_no_public_address)
}

/// Resolves names to the allowed ones of their addresses. The client connects to no others, because it uses no other resolver.
struct PublicResolver(Arc<Networks>);

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(&networks, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be connected to.
fn allowed(
    networks: &Networks,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, NotPublic> {
    let is_allowed = |address: IpAddr| networks.allow(address);
    let kept: Vec<_> = found.filter(|address| is_allowed(address.ip())).collect();
    if kept.is_empty() {
        return Err(NotPublic);
    }
    Ok(kept)
}

/// The error for a name without an address that may be connected to.
#[derive(Debug)]
struct NotPublic;

impl Display for NotPublic {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("no public address")
    }
}

impl Error for NotPublic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let resolver = PublicResolver(Arc::default());
        let error = resolver.resolve(name("localhost")).await.err().unwrap();
        assert!(error.is::<NotPublic>(), "{error}");
        let resolver = PublicResolver(Arc::new(Networks::loopback()));
        let found: Vec<_> = resolver.resolve(name("localhost")).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn of_several_addresses_the_public_ones_are_kept() {
        let found = ["10.0.0.1:0", "1.1.1.1:0", "[::1]:0", "[2606:4700::1111]:0"];
        let found = found.map(|text| text.parse::<SocketAddr>().unwrap());
        let kept = allowed(&Networks::default(), found.into_iter()).unwrap();
        assert_eq!(kept, [found[1], found[3]]);
    }

    #[test]
    fn success_and_410_end_it_and_everything_else_is_retried() {
        for (code, expected) in [
            (200, "accepted"),
            (204, "accepted"),
            (299, "accepted"),
            (410, "rejected"),
        ] {
            let response = interpret(StatusCode::from_u16(code).unwrap(), None);
            let found = match response.result {
                SendResult::Accepted(_) => "accepted",
                SendResult::Rejected(_) => "rejected",
                SendResult::Failed { .. } => "failed",
            };
            assert_eq!((found, response.status), (expected, Some(code)));
        }
        for code in [301, 307, 400, 401, 404, 408, 429, 500, 502, 504] {
            let wait = Some(Duration::from_secs(7));
            let response = interpret(StatusCode::from_u16(code).unwrap(), wait);
            assert!(
                matches!(response.result, SendResult::Failed { retry_after, .. } if retry_after == wait),
                "{code}"
            );
        }
    }
}
