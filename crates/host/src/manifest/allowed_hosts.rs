//! `allowed_outbound_hosts`: the rules for the hosts that a component may connect to, by HTTP and
//! by the PostgreSQL protocol. Only the decision lives here; the connections are made by
//! `wasm::outbound_http` and `postgres::pool`.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use url::Host;

use super::template;

/// All rules of one component. Without a rule, no connection is allowed.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// `None` matches every scheme.
    scheme: Option<String>,
    host: HostRule,
    /// `None` matches every port.
    ports: Option<Range<u32>>,
}

#[derive(Debug)]
enum HostRule {
    Any,
    /// A domain name with its leading dot.
    Subdomain(String),
    Exact(Host),
    Network(IpNet),
}

impl AllowedHosts {
    /// Parses the rules of a component after expanding their templates.
    pub(crate) fn new(rules: &[String], variables: &BTreeMap<String, String>) -> Result<Self> {
        rules
            .iter()
            .map(|text| {
                let expanded = template::expand(text, variables)?;
                Rule::parse(expanded.trim()).with_context(|| format!("allowed host {text:?}"))
            })
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Returns whether a connection to this host is allowed. `port` defaults to the scheme's own.
    pub(crate) fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = Host::parse(host) else {
            return false;
        };
        let Some(port) = port.or_else(|| default_port(scheme)) else {
            return false;
        };
        self.0.iter().any(|rule| rule.allows(scheme, &host, port))
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            bail!("must have the form <scheme>://<host>[:<port>]");
        };
        let (host, port) = split_port(rest);
        ensure!(
            scheme == "*" || (!scheme.is_empty() && scheme.chars().all(char::is_alphabetic)),
            "the scheme {scheme:?} is not a word"
        );
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostRule::parse(host)?,
            ports: parse_ports(port, scheme)?,
        })
    }

    fn allows(&self, scheme: &str, host: &Host, port: u16) -> bool {
        self.scheme
            .as_deref()
            .is_none_or(|allowed| allowed == scheme)
            && self.host.allows(host)
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| ports.contains(&u32::from(port)))
    }
}

impl HostRule {
    fn parse(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        ensure!(!text.contains('/'), "must not have a path");
        let (subdomain, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        ensure!(
            !name.contains('*'),
            "\"*\" may only stand for a whole host or a subdomain"
        );
        match (
            subdomain,
            Host::parse(name).with_context(|| format!("{name:?} is not a host"))?,
        ) {
            (false, host) => Ok(Self::Exact(host)),
            (true, Host::Domain(name)) => Ok(Self::Subdomain(format!(".{name}"))),
            (true, _) => bail!("\"*.\" must be followed by a name"),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomain(suffix), Host::Domain(name)) => name.ends_with(suffix),
            (Self::Exact(exact), host) => exact == host,
            (Self::Network(network), Host::Ipv4(address)) => {
                network.contains(&std::net::IpAddr::V4(*address))
            }
            (Self::Network(network), Host::Ipv6(address)) => {
                network.contains(&std::net::IpAddr::V6(*address))
            }
            (Self::Subdomain(_) | Self::Network(_), _) => false,
        }
    }
}

/// Splits off the port. The colons of a bare IPv6 address or network do not separate a port.
fn split_port(text: &str) -> (&str, &str) {
    if text.parse::<IpNet>().is_ok() {
        return (text, "");
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.trim_end_matches('/')),
        _ => (text, ""),
    }
}

fn parse_ports(text: &str, scheme: &str) -> Result<Option<Range<u32>>> {
    let number = |text: &str| -> Result<u32> {
        let port: u16 = text
            .parse()
            .with_context(|| format!("{text:?} is not a port"))?;
        Ok(u32::from(port))
    };
    match text {
        "*" => Ok(None),
        "" => {
            let port = default_port(scheme)
                .with_context(|| format!("the scheme {scheme:?} has no default port: add one"))?;
            Ok(Some(u32::from(port)..u32::from(port) + 1))
        }
        text => match text.split_once("..") {
            Some((start, end)) => Ok(Some(number(start)?..number(end)?)),
            None => number(text).map(|port| Some(port..port + 1)),
        },
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &[&str]) -> AllowedHosts {
        let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        let variables = BTreeMap::from([
            ("host".to_owned(), "db.example".to_owned()),
            ("port".to_owned(), "6432".to_owned()),
        ]);
        AllowedHosts::new(&rules, &variables).unwrap_or_default()
    }

    #[test]
    fn without_rules_no_host_is_allowed() {
        assert!(!rules(&[]).allows("https", "example.com", None));
    }

    #[test]
    fn scheme_host_and_port_must_all_match() {
        let rules = rules(&["postgres://{{ host }}:{{ port }}"]);
        assert!(rules.allows("postgres", "db.example", Some(6432)));
        assert!(rules.allows("postgres", "DB.Example", Some(6432)));
        assert!(!rules.allows("postgres", "db.example", Some(5432)));
        assert!(!rules.allows("postgres", "db.example", None));
        assert!(!rules.allows("https", "db.example", Some(6432)));
        assert!(!rules.allows("postgres", "db.example.evil", Some(6432)));
    }

    #[test]
    fn the_scheme_gives_the_port() {
        assert!(rules(&["https://example.com"]).allows("https", "example.com", Some(443)));
        assert!(!rules(&["https://example.com"]).allows("https", "example.com", Some(8443)));
        assert!(rules(&["postgres://localhost"]).allows("postgres", "localhost", None));
    }

    #[test]
    fn wildcards() {
        let subdomain = rules(&["https://*.example.com"]);
        assert!(subdomain.allows("https", "a.example.com", None));
        assert!(!subdomain.allows("https", "example.com", None));
        assert!(!subdomain.allows("https", "evilexample.com", None));
        let all = rules(&["*://*:*"]);
        assert!(all.allows("postgres", "anything", Some(1)));
        assert!(all.allows("http", "127.0.0.1", Some(1)));
    }

    #[test]
    fn addresses_networks_and_port_ranges() {
        let rules = rules(&[
            "http://10.0.0.0/8:*",
            "http://[::1]:8000..8010",
            "http://127.0.0.1",
        ]);
        assert!(rules.allows("http", "10.1.2.3", Some(9)));
        assert!(!rules.allows("http", "11.1.2.3", Some(9)));
        assert!(rules.allows("http", "[::1]", Some(8009)));
        assert!(!rules.allows("http", "[::1]", Some(8010)));
        assert!(rules.allows("http", "127.0.0.1", None));
        assert!(!rules.allows("http", "localhost", None));
    }

    #[test]
    fn invalid_rules_are_rejected() {
        for bad in [
            "example.com",
            "https://example.com/path",
            "https://a*b.com",
            "ftp://example.com",
            "https://example.com:port",
            "https://*.10.0.0.1",
            "{{ nobody }}://example.com",
            "h ttp://example.com",
        ] {
            let rules = [bad.to_owned()];
            assert!(
                AllowedHosts::new(&rules, &BTreeMap::new()).is_err(),
                "{bad}"
            );
        }
    }
}
