//! The headers by which Spin describes a request to a component, with Spin's names and values.
//! The client's own headers are validated in `request_head`.

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::{CONNECTION, HOST, InvalidHeaderValue};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::router::Match;

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// Sets the headers of a request that matched a route. They replace those that a client sends
/// under the same names.
pub(crate) fn set(headers: &mut HeaderMap, uri: &Uri, matched: &Match<'_>, client: SocketAddr) {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut full_url = String::with_capacity("http://".len() + host.len() + path.len());
    for part in ["http://", host, path] {
        full_url.push_str(part);
    }
    let mut client_address = String::with_capacity(48);
    // Writing to a string cannot fail.
    let _ = write!(client_address, "{client}");

    headers.remove(CONNECTION);
    let route = matched.route;
    let mut set = |name: HeaderName, value: Result<HeaderValue, InvalidHeaderValue>| {
        // The parts of a request line are always valid header values.
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    };
    set(PATH_INFO, HeaderValue::from_str(matched.path_info));
    set(FULL_URL, HeaderValue::try_from(full_url));
    set(MATCHED_ROUTE, Ok(route.raw.clone()));
    set(BASE_PATH, Ok(HeaderValue::from_static("/")));
    set(RAW_COMPONENT_ROUTE, Ok(route.raw.clone()));
    set(COMPONENT_ROUTE, Ok(route.raw_prefix.clone()));
    set(CLIENT_ADDR, HeaderValue::try_from(client_address));
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result};

    use super::*;
    use crate::server::router::Router;

    #[test]
    fn the_headers_describe_the_match_and_replace_the_clients() -> Result<()> {
        let mut router = Router::default();
        router.add("/v1/users/...", 0)?;
        let uri = Uri::from_static("/v1/users/7?limit=2");
        let matched = router.find(uri.path()).context("no match")?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("lms.example:3000"));
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(CLIENT_ADDR, HeaderValue::from_static("forged"));
        set(
            &mut headers,
            &uri,
            &matched,
            SocketAddr::from(([127, 0, 0, 1], 9)),
        );

        let expected = [
            ("host", "lms.example:3000"),
            ("spin-path-info", "/7"),
            (
                "spin-full-url",
                "http://lms.example:3000/v1/users/7?limit=2",
            ),
            ("spin-matched-route", "/v1/users/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/v1/users/..."),
            ("spin-component-route", "/v1/users"),
            ("spin-client-addr", "127.0.0.1:9"),
        ];
        for (name, value) in expected {
            assert_eq!(
                headers.get(name).map(HeaderValue::as_bytes),
                Some(value.as_bytes()),
                "{name}"
            );
        }
        assert_eq!(headers.len(), expected.len());
        Ok(())
    }
}
