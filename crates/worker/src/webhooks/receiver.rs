//! Posting to a receiver: only at addresses that are public when the connection is made, and without believing a word of the answer.

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

use super::message::{Answer, Delivery};
use super::signature::signatures;
use crate::delivery::endpoint;
use crate::delivery::outcome::{Outcome, asked_for};

/// How long a receiver may take, unless an option says otherwise.
const LONGEST: u64 = 20;

/// Which receivers are posted to.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Networks that webhooks may be in although they are not public, such as 10.1.0.0/16: for development
    #[arg(
        long,
        env = "LMS_WEBHOOK_NETWORKS",
        value_name = "NETWORKS",
        default_value = "",
        value_parser = Networks::parse
    )]
    pub webhook_networks: Networks,

    /// Seconds that the receiver of a webhook may take to answer
    #[arg(
        long,
        env = "LMS_WEBHOOK_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = LONGEST,
        value_parser = clap::value_parser!(u64).range(1..=60)
    )]
    pub webhook_timeout: u64,
}

impl Options {
    /// As when nothing is said, but for these networks.
    pub fn within(networks: Networks) -> Self {
        Self {
            webhook_networks: networks,
            webhook_timeout: LONGEST,
        }
    }
}

/// What posts.
pub struct Sender {
    client: Client,
    networks: Arc<Networks>,
    longest: Duration,
}

impl Sender {
    /// One that posts as the options say.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub fn new(options: &Options) -> Result<Self> {
        let networks = Arc::new(options.webhook_networks.clone());
        let longest = Duration::from_secs(options.webhook_timeout);
        let client = endpoint::client(longest)
            .dns_resolver(Arc::new(Checked(Arc::clone(&networks))))
            .pool_max_idle_per_host(1)
            .build()
            .context("cannot prepare the HTTP client")?;
        Ok(Self {
            client,
            networks,
            longest,
        })
    }

    /// How long posting may take.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Posts a message, signed at a time. Of the answer nothing but the head is read.
    pub(super) async fn post(&self, delivery: &Delivery, now: DateTime<Utc>) -> Answer {
        let Some(body) = &delivery.body else {
            return Answer {
                status: None,
                outcome: Outcome::Never("the event is no longer in the event log".to_owned()),
            };
        };
        if delivery.secrets.is_empty() {
            return Answer::none("there is no secret to sign the message with");
        }
        // The URL was good when it was written down; what is allowed may have changed, and a literal address is asked of no resolver.
        let url = match self.networks.target(&delivery.url) {
            Ok(url) => url,
            Err((_, detail)) => return Answer::none(&format!("not posted: {detail}")),
        };
        let (id, seconds) = (delivery.event, now.timestamp());
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", seconds.to_string())
            .header(
                "webhook-signature",
                signatures(&delivery.secrets, id, seconds, body),
            )
            .body(body.clone());
        match request.send().await {
            Ok(response) => {
                let wait = asked_for(response.headers());
                judge(response.status(), wait)
            }
            Err(error) => Answer::none(reason(&error)),
        }
    }
}

/// What a status means.
fn judge(status: StatusCode, wait: Option<Duration>) -> Answer {
    let code = status.as_u16();
    let outcome = match status {
        _ if status.is_success() => Outcome::Accepted(String::new()),
        StatusCode::GONE => Outcome::Never("answered 410: the endpoint is gone".to_owned()),
        _ if status.is_redirection() => Outcome::Later {
            reason: format!("answered {code}: redirects are not followed"),
            wait,
        },
        _ => Outcome::Later {
            reason: format!("answered {code}"),
            wait,
        },
    };
    Answer {
        status: Some(code),
        outcome,
    }
}

/// Why there was no answer, in words without the address.
fn reason(error: &reqwest::Error) -> &'static str {
    if is_of_an_address(error) {
        "the host name has no public address"
    } else if error.is_timeout() {
        "the endpoint did not respond in time"
    } else if error.is_connect() {
        "the endpoint cannot be reached"
    } else {
        "the connection was lost, or the response is not HTTP"
    }
}

/// Whether a name that led to no public address is among the causes.
fn is_of_an_address(error: &(dyn Error + 'static)) -> bool {
    error.is::<NotPublic>() || error.source().is_some_and(is_of_an_address)
}

/// Looks names up and keeps to itself the addresses that are not public: who connects gets no others, and asks nobody else.
struct Checked(Arc<Networks>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(&networks, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Those of the addresses that may be connected to.
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

/// A name that has no address that may be connected to.
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
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let checked = Checked(Arc::default());
        let error = checked.resolve(name("localhost")).await.err().unwrap();
        assert!(error.is::<NotPublic>(), "{error}");
        let checked = Checked(Arc::new(Networks::loopback()));
        let found: Vec<_> = checked.resolve(name("localhost")).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn of_several_addresses_the_public_ones_are_left() {
        let found = ["10.0.0.1:0", "1.1.1.1:0", "[::1]:0", "[2606:4700::1111]:0"];
        let found = found.map(|text| text.parse::<SocketAddr>().unwrap());
        let kept = allowed(&Networks::default(), found.into_iter()).unwrap();
        assert_eq!(kept, [found[1], found[3]]);
    }

    #[test]
    fn success_and_410_end_it_and_all_else_is_tried_again() {
        for (code, expected) in [
            (200, "taken"),
            (204, "taken"),
            (299, "taken"),
            (410, "never"),
        ] {
            let answer = judge(StatusCode::from_u16(code).unwrap(), None);
            let found = match answer.outcome {
                Outcome::Accepted(_) => "taken",
                Outcome::Never(_) => "never",
                Outcome::Later { .. } => "later",
            };
            assert_eq!((found, answer.status), (expected, Some(code)));
        }
        for code in [301, 307, 400, 401, 404, 408, 429, 500, 502, 504] {
            let wait = Some(Duration::from_secs(7));
            let answer = judge(StatusCode::from_u16(code).unwrap(), wait);
            assert!(
                matches!(answer.outcome, Outcome::Later { wait: asked, .. } if asked == wait),
                "{code}"
            );
        }
    }
}
