//! A request as the pipeline sees it: method, path, query, headers and body, without any host type.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

/// A request whose body has been read, within its limit.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method as it came; `HEAD` is served as `GET`.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, still percent-encoded, without its question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header as text; none when it is missing or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's parameters in order, decoded; a parameter that isn't UTF-8 is none.
    pub fn parameters(&self) -> impl Iterator<Item = Option<(String, String)>> + '_ {
        self.query
            .iter()
            .flat_map(|query| query.split('&'))
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
    }
}

/// Decodes a part of a query (`application/x-www-form-urlencoded`).
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}
