//! Validation of a request's head before it is routed. The headers that components get in addition
//! are set in `spin_headers`.
//!
//! Components get no invalid head from Spin either: Spin closes the connection on a request without
//! a valid `Host` and on `CONNECT`, and responds 500 to a header that is not UTF-8. This host tells
//! the client what is wrong instead.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};

use super::problem::{Kind, Problem};

/// Checks the method and the headers.
///
/// # Errors
///
/// 400 if the method is `CONNECT`, `Host` is repeated, or a header is not UTF-8.
pub(crate) fn validate<B>(request: &Request<B>) -> Result<(), Problem> {
    let malformed = |detail| Err(Problem::new(Kind::MalformedRequest).detail(detail));
    if request.method() == Method::CONNECT {
        return malformed("The method CONNECT is not supported: this server is not a proxy.");
    }
    let headers = request.headers();
    if headers.get_all(HOST).iter().nth(1).is_some() {
        return malformed("The request has more than one Host header. Send exactly one.");
    }
    let are_text = headers
        .values()
        .all(|value| std::str::from_utf8(value.as_bytes()).is_ok());
    if !are_text {
        return malformed("A header is not UTF-8. Send headers as UTF-8.");
    }
    Ok(())
}

/// Returns the request's URI with scheme and host.
///
/// # Errors
///
/// 400 if the host is missing, invalid or ambiguous.
pub(crate) fn absolute_uri<B>(request: &Request<B>) -> Result<Uri, Problem> {
    const INVALID_HOST: Problem = Problem::new(Kind::MalformedRequest)
        .detail("The Host header is missing or invalid. Send one that names the host.");
    let host = request.headers().get(HOST);
    let host = host
        .map(|host| Authority::try_from(host.as_bytes()))
        .transpose()
        .map_err(|_| INVALID_HOST)?;
    let mut parts = request.uri().clone().into_parts();
    parts.authority = match (host, parts.authority) {
        (Some(host), Some(authority)) if host != authority => return Err(INVALID_HOST),
        (host, authority) => Some(host.or(authority).ok_or(INVALID_HOST)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    Uri::from_parts(parts).map_err(|_| INVALID_HOST)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(uri: &str, hosts: &[&[u8]]) -> anyhow::Result<Request<()>> {
        let mut request = Request::get(uri).body(())?;
        for host in hosts {
            request
                .headers_mut()
                .append(HOST, HeaderValue::from_bytes(host)?);
        }
        Ok(request)
    }

    #[test]
    fn the_host_is_given_once() -> anyhow::Result<()> {
        let one = request("/v1?x=1", &[b"lms.example:3000"])?;
        assert_eq!(validate(&one), Ok(()));
        assert_eq!(
            absolute_uri(&one).ok(),
            Some(Uri::from_static("http://lms.example:3000/v1?x=1"))
        );
        let in_request_line = request("http://lms.example/v1", &[])?;
        assert_eq!(
            absolute_uri(&in_request_line).ok(),
            Some(Uri::from_static("http://lms.example/v1"))
        );
        assert!(validate(&request("/v1", &[b"a", b"a"])?).is_err());
        for (uri, hosts) in [
            ("/v1", &[][..]),
            ("/v1", &[&b"a b"[..]]),
            ("/v1", &[&b""[..]]),
            ("http://a/v1", &[&b"b"[..]]),
        ] {
            assert!(
                absolute_uri(&request(uri, hosts)?).is_err(),
                "{uri} {hosts:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn headers_that_are_not_utf8_and_connect_are_rejected() -> anyhow::Result<()> {
        let mut request_with_header = request("/v1", &[b"a"])?;
        request_with_header
            .headers_mut()
            .insert("x", HeaderValue::from_bytes("é".as_bytes())?);
        assert_eq!(validate(&request_with_header), Ok(()));
        request_with_header
            .headers_mut()
            .insert("x", HeaderValue::from_bytes(b"\xe9")?);
        assert!(validate(&request_with_header).is_err());
        let mut tunnel = request("/v1", &[b"a"])?;
        *tunnel.method_mut() = Method::CONNECT;
        assert!(validate(&tunnel).is_err());
        Ok(())
    }
}
