//! The URLs to which a tenant may have requests sent: public addresses of the internet and no
//! others. Components check a URL when it is stored, and the worker checks every address again
//! before it connects.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{AddrParseError, IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// The maximum length of a URL, in characters.
pub const MAX_URL_CHARACTERS: usize = 2048;

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    let address = Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0);
    Ipv6Net::new_assert(address, length)
}

/// The special-purpose networks of IPv4 (IANA's registry for RFC 6890).
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// The part of IPv6 that is allocated. Everything else is special: loopback, IPv4-mapped, NAT64,
/// unique-local, link-local, multicast.
const ALLOCATED_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The special-purpose networks within the allocated part.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23),      // protocol assignments: Teredo, benchmarks, ORCHID
    v6(0x2001, 0x0db8, 0, 32), // documentation
    v6(0x2002, 0, 0, 16),      // 6to4
    v6(0x3fff, 0, 0, 20),      // documentation
];

/// Returns true if the address is public, so that everybody on the internet could reach it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            ALLOCATED_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address))
        }
    }
}

/// The networks that are allowed although they are not public: an operator's own, for development
/// and tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Parses networks such as `127.0.0.0/8, ::1/128`; an empty text has none.
    ///
    /// # Errors
    ///
    /// When a part of it is not a network.
    pub fn parse(text: &str) -> Result<Self, AddrParseError> {
        text.split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns the loopback networks.
    pub fn loopback() -> Self {
        Self(vec![
            IpNet::V4(v4(127, 0, 0, 0, 8)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
        ])
    }

    /// Returns true if connections to the address are allowed.
    pub fn allow(&self, address: IpAddr) -> bool {
        is_public(address) || self.contains(address)
    }

    /// Returns true if the address is in one of the networks.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Returns the URL in its normal form, if a tenant may have requests sent to it.
    ///
    /// # Errors
    ///
    /// A stable code and a sentence that describes the error.
    pub fn target(&self, text: &str) -> Result<Url, (&'static str, &'static str)> {
        let url = Url::parse(text).map_err(|_| {
            (
                "invalid_url",
                "Must be a URL of the form https://host/path.",
            )
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err((
                "url_with_credentials",
                "The URL must not have a user name or a password.",
            ));
        }
        if url.port() == Some(0) {
            return Err((
                "invalid_port",
                "The URL must not have port 0. Use another port or none.",
            ));
        }
        if url.fragment().is_some() {
            return Err(("url_with_fragment", "The URL must not have a fragment."));
        }
        if url.as_str().len() > MAX_URL_CHARACTERS {
            return Err((
                "too_long",
                "The normalised URL must have at most 2048 characters.",
            ));
        }
        let here = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(name)) => is_localhost(name).then_some(Ipv4Addr::LOCALHOST.into()),
            None => {
                return Err((
                    "invalid_url",
                    "Must be a URL of the form https://host/path.",
                ));
            }
        };
        if here.is_some_and(|address| !self.allow(address)) {
            return Err((
                "private_address",
                "The host must be on the public internet.",
            ));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if here.is_some_and(|address| self.contains(address)) => Ok(url),
            _ => Err(("not_https", "The URL must begin with https://.")),
        }
    }
}

impl Display for Networks {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, net) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(out, "{separator}{net}")?;
        }
        Ok(())
    }
}

/// Returns true for names that mean the same machine everywhere (RFC 6761, section 6.3). Other
/// names are checked when they are resolved.
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(networks: &Networks, text: &str) -> &'static str {
        networks.target(text).map_or_else(|(code, _)| code, |_| "")
    }

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn private_hosts_are_refused_however_they_are_spelt() {
        let none = Networks::default();
        for private in [
            "https://localhost/",
            "https://LOCALHOST",
            "https://localhost./",
            "https://a.localhost:8443/x",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://2130706433/",
            "https://%31%32%37.0.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://0/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[fe80::1]/",
            "https://10.0.0.1./",
            "https://169.254.169.254/latest",
            "https:\\\\127.0.0.1\\x",
            "https:127.0.0.1",
            "http://127.0.0.1/",
        ] {
            assert_eq!(code(&none, private), "private_address", "{private}");
        }
    }

    #[test]
    fn only_plain_https_urls_are_taken() {
        let none = Networks::default();
        for (text, expected) in [
            ("https://hooks.example.com/lms?key=1", ""),
            ("https://1.1.1.1:8443/", ""),
            ("http://hooks.example.com/", "not_https"),
            ("ftp://hooks.example.com/", "not_https"),
            ("file:///etc/passwd", "invalid_url"),
            ("gopher://1.1.1.1/", "not_https"),
            ("https://", "invalid_url"),
            ("hooks.example.com", "invalid_url"),
            ("mailto:a@example.com", "invalid_url"),
            ("https://user@hooks.example.com/", "url_with_credentials"),
            ("https://:word@hooks.example.com/", "url_with_credentials"),
            ("https://hooks.example.com/#part", "url_with_fragment"),
            ("https://hooks.example.com:0/", "invalid_port"),
            ("https://1.1.1.1:00000/x", "invalid_port"),
            ("https://hooks.example.com:65536/", "invalid_url"),
            ("https://[fe80::1%25eth0]/", "invalid_url"),
            ("https://256.1.1.1/", "invalid_url"),
        ] {
            assert_eq!(code(&none, text), expected, "{text}");
        }
        let long = format!("https://hooks.example.com/{}", "ä".repeat(1000));
        assert_eq!(code(&none, &long), "too_long");
        let url = none.target("HTTPS://Hooks.Example.com:443/a/../b").unwrap();
        assert_eq!(url.as_str(), "https://hooks.example.com/b");
    }

    #[test]
    fn an_operators_networks_are_allowed_in_plain_text_too() {
        let networks = Networks::parse("127.0.0.0/8, 10.1.0.0/16").unwrap();
        for allowed in [
            "http://127.0.0.1:3000/",
            "http://localhost:3000",
            "https://10.1.2.3/",
        ] {
            assert_eq!(code(&networks, allowed), "", "{allowed}");
        }
        assert_eq!(code(&networks, "http://10.2.0.1/"), "private_address");
        assert_eq!(
            code(&networks, "http://[::ffff:127.0.0.1]/"),
            "private_address"
        );
        assert_eq!(code(&networks, "http://hooks.example.com/"), "not_https");
        let written = Networks::loopback().to_string();
        assert_eq!(Networks::parse(&written).unwrap(), Networks::loopback());
        assert!(Networks::loopback().allow(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(Networks::parse(" ").unwrap(), Networks::default());
        for bad in ["10.0.0.1", "10.0.0.0/33", "localhost"] {
            assert!(Networks::parse(bad).is_err(), "{bad}");
        }
    }
}
