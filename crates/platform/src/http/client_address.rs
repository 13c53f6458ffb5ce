//! The network address of the client: that of the connection or, if the connection comes from a
//! trusted proxy, the one that the proxy names. Limits that use the address are in the database.
//!
//! Behind an ingress, every connection comes from the ingress's address. The operator configures
//! the networks of the proxies and the header in which they name the client. Without that setting
//! no header is trusted, because anybody could send one.

use std::net::{IpAddr, SocketAddr};

use crate::http::outbound_url::Networks;
use crate::http::request::Request;

/// The header of RFC 7239, which has a syntax of its own. Any other header is a list of addresses,
/// as `X-Forwarded-For` is.
const FORWARDED: &str = "forwarded";

/// The text that replaces the address when the host gives none.
const UNKNOWN: &str = "unknown";

/// The proxies that are trusted to name the client of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Networks,
    /// The name of the header in lower case; none if no header is trusted.
    header: Option<String>,
}

impl TrustedProxies {
    /// Parses the variables `trusted_proxies` and `client_address_header`. Both are empty, or
    /// neither is.
    ///
    /// # Errors
    ///
    /// A line that names the variable and its error.
    pub fn parse(networks: &str, header: &str) -> Result<Self, String> {
        let networks = Networks::parse(networks).map_err(|_| {
            "variable trusted_proxies must be networks such as 10.0.0.0/8".to_owned()
        })?;
        let header = header.trim().to_lowercase();
        if header.is_empty() != (networks == Networks::default()) {
            return Err(
                "variables trusted_proxies and client_address_header need each other".to_owned(),
            );
        }
        if !header.is_empty() && http::HeaderName::try_from(&header).is_err() {
            return Err(
                "variable client_address_header must be a header such as x-forwarded-for"
                    .to_owned(),
            );
        }
        Ok(Self {
            networks,
            header: Some(header).filter(|header| !header.is_empty()),
        })
    }

    /// Returns the address of the client. Each proxy appends the address from which it was called,
    /// so the header is read from its end for as long as the addresses are those of trusted
    /// proxies. A client may have made up everything before that.
    pub fn client(&self, request: &Request) -> String {
        let Some(mut nearest) = request.header("spin-client-addr").and_then(address) else {
            return UNKNOWN.to_owned();
        };
        let Some(header) = &self.header else {
            return nearest.to_string();
        };
        let named = request.list(header).unwrap_or_default();
        // The header is split at every comma, even within quotes. Only the last elements are
        // trusted, and a client cannot quote those.
        let mut hops = named.rsplit(',');
        while self.networks.contains(nearest) {
            let hop = hops.next().map(str::trim).and_then(|hop| {
                if header == FORWARDED {
                    forwarded_for(hop)
                } else {
                    address(hop)
                }
            });
            match hop {
                Some(hop) => nearest = hop,
                // The address is unknown, hidden or missing, so the last known proxy is used
                // instead.
                None => break,
            }
        }
        nearest.to_string()
    }
}

/// Returns the address in `for=` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .and_then(|(_, value)| address(value.trim().trim_matches('"')))
}

/// Parses an address with or without a port. An IPv4 address written as IPv6 is the same address.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    text.parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| bare.unwrap_or(text).parse::<IpAddr>())
        .ok()
        .map(|address| address.to_canonical())
}

/// Returns the network of a client's address. IPv6 is assigned in networks of 64 bits.
pub(crate) fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::request;

    fn client(header: &str, peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8:aa::/48", header).unwrap();
        let mut given = request(Method::POST, "/v1/auth/login").with("spin-client-addr", peer);
        for line in lines {
            given = given.with("x-forwarded-for", line).with("forwarded", line);
        }
        proxies.client(&given)
    }

    #[test]
    fn the_network_of_an_address_has_64_bits_of_ipv6() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2");
        assert_eq!(network("2001:db8:1:2::9"), "2001:db8:1:2");
        assert_eq!(network("unknown"), "unknown");
    }

    #[test]
    fn without_a_setting_no_header_is_believed() {
        let given = request(Method::GET, "/")
            .with("spin-client-addr", "10.0.0.1:80")
            .with("x-forwarded-for", "192.0.2.1")
            .with("forwarded", "for=192.0.2.1");
        let none = TrustedProxies::parse("", " ").unwrap();
        assert_eq!(none.client(&given), "10.0.0.1");
        assert_eq!(none.client(&request(Method::GET, "/")), "unknown");
    }

    #[test]
    fn a_proxy_that_is_not_trusted_is_the_client() {
        assert_eq!(
            client("x-forwarded-for", "192.0.2.9:80", &["198.51.100.1"]),
            "192.0.2.9"
        );
    }

    #[test]
    fn the_last_that_is_not_trusted_is_the_client() {
        for (lines, expected) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            // Addresses further left may be made up.
            (&["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (&["1.1.1.1, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
            (&["1.1.1.1", "198.51.100.1,10.0.0.7"], "198.51.100.1"),
            (&["2001:db8::5, 2001:db8:aa::1"], "2001:db8::5"),
            (&["[2001:db8::5]:4711"], "2001:db8::5"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            // All addresses are trusted, so the first of them counts.
            (&["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            // There is no header to trust.
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["198.51.100.1, unknown"], "10.0.0.1"),
            (&["198.51.100.1, é"], "10.0.0.1"),
            (&["198.51.100.1, "], "10.0.0.1"),
        ] {
            assert_eq!(
                client("X-Forwarded-For", "10.0.0.1:80", lines),
                expected,
                "{lines:?}"
            );
        }
        assert_eq!(
            client("x-forwarded-for", "[::ffff:10.0.0.1]:80", &["198.51.100.1"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn forwarded_has_its_own_form() {
        for (lines, expected) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (
                &["for=1.1.1.1, For=\"198.51.100.1:47011\";proto=https;by=10.0.0.1"],
                "198.51.100.1",
            ),
            (
                &["proto=https; for=\"[2001:db8:cafe::17]:4711\""],
                "2001:db8:cafe::17",
            ),
            (&["for=198.51.100.1, for=10.0.0.8"], "198.51.100.1"),
            (&["for=198.51.100.1, for=_hidden"], "10.0.0.1"),
            (&["for=198.51.100.1, for=unknown"], "10.0.0.1"),
            (&["198.51.100.1"], "10.0.0.1"),
            // An open quote reaches no further than its element.
            (&["for=\"1.1.1.1, for=198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(
                client("forwarded", "10.0.0.1:80", lines),
                expected,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn settings_that_would_trust_nobody_or_everybody_are_refused() {
        for (networks, header) in [
            ("10.0.0.0/8", ""),
            ("", "x-forwarded-for"),
            ("10.0.0.0/8", "x forwarded for"),
            ("ten", "forwarded"),
        ] {
            assert!(
                TrustedProxies::parse(networks, header).is_err(),
                "{networks} {header}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_sends_hides_the_one_whom_the_proxy_names(sent in "[ -~]{0,60}") {
            let line = format!("{sent}, 198.51.100.1");
            prop_assert_eq!(client("x-forwarded-for", "10.0.0.1:80", &[&line]), "198.51.100.1");
            let line = format!("{sent}, for=198.51.100.1");
            prop_assert_eq!(client("forwarded", "10.0.0.1:80", &[&line]), "198.51.100.1");
        }
    }
}
