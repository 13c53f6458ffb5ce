//! How this program talks to others over HTTP, and the one host that an adapter may talk to.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use url::{Host, Url};

/// A provider's address with a client that goes nowhere else.
pub(crate) struct Endpoint {
    base: Url,
    client: Client,
    longest: Duration,
}

impl Endpoint {
    /// The provider at `base`, whose answer may take as long as `longest`.
    ///
    /// # Errors
    ///
    /// When `base` is not `https://host/...`; without encryption on this machine alone.
    pub(crate) fn new(base: &str, longest: Duration) -> Result<Self> {
        // What is in a URL beside the host may be a secret, so it is not repeated.
        let base = Url::parse(base).context("the provider's address is not a URL")?;
        let is_here = match base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) => false,
            None => bail!("the provider's address names no host"),
        };
        if base.scheme() != "https" && !(is_here && base.scheme() == "http") {
            bail!("the provider's address must begin with https://");
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            bail!("the provider's address is https://host/path and nothing more");
        }
        let client = client(longest)
            .https_only(!is_here)
            .build()
            .context("cannot prepare the HTTP client")?;
        Ok(Self {
            base,
            client,
            longest,
        })
    }

    /// How long a request may take, from the first try to connect to the end of the answer.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// A request to a path below the address. What is in a segment can't become more than that segment.
    pub(crate) fn post(&self, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        self.client.post(url)
    }
}

/// A client that goes where it is told and nowhere else: it follows no redirect and knows no proxy.
pub(crate) fn client(longest: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(longest / 3)
        .timeout(longest)
        .user_agent(concat!("lms/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_those_of_this_machine_are_taken() {
        let of = |base| Endpoint::new(base, Duration::from_secs(1));
        for good in [
            "https://api.resend.com",
            "https://api.resend.com/v2/",
            "http://127.0.0.1:3001",
            "http://[::1]:3001",
        ] {
            assert!(of(good).is_ok(), "{good}");
        }
        for bad in [
            "api.resend.com",
            "http://api.resend.com",
            "http://localhost:3001",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:secret@api.resend.com",
            "https://api.resend.com?key=secret",
        ] {
            let error = of(bad).err().map(|error| format!("{error:#}"));
            assert!(
                error.as_ref().is_some_and(|text| !text.contains("secret")),
                "{bad}: {error:?}"
            );
        }
    }

    #[test]
    fn no_segment_leads_to_another_host_or_path() {
        let endpoint = Endpoint::new("https://api.twilio.com/x/", Duration::from_secs(1)).unwrap();
        let request = endpoint
            .post(&["Accounts", "../..//evil.example", "Messages.json"])
            .build()
            .unwrap();
        assert_eq!(
            request.url().as_str(),
            "https://api.twilio.com/x/Accounts/..%2F..%2F%2Fevil.example/Messages.json"
        );
    }
}
