//! The address of a provider, with a client that connects to that host alone.
//! The requests that are sent there live with each provider's adapter.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder};
use url::{Host, Url};

use crate::http_client;

/// A provider's address, with a client that connects to no other host.
pub(super) struct Endpoint {
    base: Url,
    client: Client,
    timeout: Duration,
}

impl Endpoint {
    /// The provider at `base`, whose requests end after `timeout`.
    ///
    /// # Errors
    ///
    /// When `base` is not an `https` URL; `http` is allowed for loopback addresses alone.
    pub(super) fn new(base: &str, timeout: Duration) -> Result<Self> {
        // Any part of a URL beside the host may be a secret, so no error quotes it.
        let base = Url::parse(base).context("the provider's address is not a URL")?;
        let is_loopback = match base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) => false,
            None => bail!("the provider's address has no host"),
        };
        if base.scheme() != "https" && !(is_loopback && base.scheme() == "http") {
            bail!("the provider's address must begin with https://");
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            bail!(
                "the provider's address must be of the form https://host/path, without user, query or fragment"
            );
        }
        let client = http_client::client(timeout)
            .https_only(!is_loopback)
            .build()
            .context("cannot prepare the HTTP client")?;
        Ok(Self {
            base,
            client,
            timeout,
        })
    }

    /// The time limit of a request, from connecting to the end of the response.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A request to a path below the address. Each segment is encoded, so that it cannot become another path.
    pub(super) fn post(&self, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        self.client.post(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_addresses_are_accepted() {
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
    fn a_segment_leads_to_no_other_host_or_path() {
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
