//! The head of a request, before a route is looked for: what no component is ever given.
//!
//! Spin gives these to no component either: it hangs up on a request without a sound `Host`, and on
//! `CONNECT`, and answers 500 to a header that is not UTF-8. Here the client is told what is wrong.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};

use crate::problem::{Kind, Problem};

/// Says what is wrong with the head, if anything is.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let malformed = |detail| Err(Problem::new(Kind::Malformed).detail(detail));
    if request.method() == Method::CONNECT {
        return malformed("CONNECT is for proxies, and this is none.");
    }
    let headers = request.headers();
    if headers.get_all(HOST).iter().nth(1).is_some() {
        return malformed("Send one Host header.");
    }
    let are_text = headers
        .values()
        .all(|value| std::str::from_utf8(value.as_bytes()).is_ok());
    if !are_text {
        return malformed("Send headers as UTF-8.");
    }
    Ok(())
}

/// The request's URI with scheme and host.
///
/// # Errors
///
/// 400 if its host is not told, or told in two ways.
pub(crate) fn absolute<B>(request: &Request<B>) -> Result<Uri, Problem> {
    const UNSOUND: Problem =
        Problem::new(Kind::Malformed).detail("Send a Host header that names a host.");
    let host = request.headers().get(HOST);
    let host = host
        .map(|host| Authority::try_from(host.as_bytes()))
        .transpose()
        .map_err(|_| UNSOUND)?;
    let mut parts = request.uri().clone().into_parts();
    parts.authority = match (host, parts.authority) {
        (Some(host), Some(authority)) if host != authority => return Err(UNSOUND),
        (host, authority) => Some(host.or(authority).ok_or(UNSOUND)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    Uri::from_parts(parts).map_err(|_| UNSOUND)
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
    fn a_host_is_told_once() -> anyhow::Result<()> {
        let one = request("/v1?x=1", &[b"lms.example:3000"])?;
        assert_eq!(check(&one), Ok(()));
        assert_eq!(
            absolute(&one).ok(),
            Some(Uri::from_static("http://lms.example:3000/v1?x=1"))
        );
        let in_line = request("http://lms.example/v1", &[])?;
        assert_eq!(
            absolute(&in_line).ok(),
            Some(Uri::from_static("http://lms.example/v1"))
        );
        assert!(check(&request("/v1", &[b"a", b"a"])?).is_err());
        for (uri, hosts) in [
            ("/v1", &[][..]),
            ("/v1", &[&b"a b"[..]]),
            ("/v1", &[&b""[..]]),
            ("http://a/v1", &[&b"b"[..]]),
        ] {
            assert!(absolute(&request(uri, hosts)?).is_err(), "{uri} {hosts:?}");
        }
        Ok(())
    }

    #[test]
    fn headers_are_text_and_connect_is_refused() -> anyhow::Result<()> {
        let mut odd = request("/v1", &[b"a"])?;
        odd.headers_mut()
            .insert("x", HeaderValue::from_bytes("é".as_bytes())?);
        assert_eq!(check(&odd), Ok(()));
        odd.headers_mut()
            .insert("x", HeaderValue::from_bytes(b"\xe9")?);
        assert!(check(&odd).is_err());
        let mut tunnel = request("/v1", &[b"a"])?;
        *tunnel.method_mut() = Method::CONNECT;
        assert!(check(&tunnel).is_err());
        Ok(())
    }
}
