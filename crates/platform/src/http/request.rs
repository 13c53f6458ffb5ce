//! A request as the pipeline sees it: method, path, query, headers and body, without any host type.
//! The conversion from the host's type is in `spin::http`.

use std::borrow::Cow;

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

/// A request whose body has been read (see [`crate::pipeline::body_reader`]).
#[derive(Debug, Clone)]
pub struct Request {
    /// The method as received; `HEAD` is served as `GET`.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, still percent-encoded, without its question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty for a file whose rows were read one by one.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header as text, or none if it is missing or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns a header that is a list, which may span several lines (RFC 9110, section 5.3), or
    /// none if it is missing. An element that is not ASCII is left out.
    pub fn list(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut lines = self
            .headers
            .get_all(name)
            .iter()
            .map(|line| line.to_str().unwrap_or("\u{fffd}"));
        let first = lines.next()?;
        Some(match lines.next() {
            None => Cow::Borrowed(first),
            Some(second) => {
                let mut all = format!("{first},{second}");
                for line in lines {
                    all.push(',');
                    all.push_str(line);
                }
                Cow::Owned(all)
            }
        })
    }

    /// Returns the decoded parameters of the query in order; a parameter that is not UTF-8 is none.
    pub fn parameters(&self) -> impl Iterator<Item = Option<(String, String)>> + '_ {
        self.pairs().map(|(_, parameter)| parameter)
    }

    /// Returns the parameters of the query in order, as received and decoded.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, Option<(String, String)>)> + '_ {
        self.query
            .iter()
            .flat_map(|query| query.split('&'))
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (pair, decode(name).zip(decode(value)))
            })
    }
}

/// Decodes a part of a query (`application/x-www-form-urlencoded`).
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::fixture::request;
    use http::Method;

    fn parameters(query: &str) -> Vec<Option<(String, String)>> {
        request(Method::GET, &format!("/?{query}"))
            .parameters()
            .collect()
    }

    fn pair(name: &str, value: &str) -> Option<(String, String)> {
        Some((name.to_owned(), value.to_owned()))
    }

    #[test]
    fn parameters_are_decoded_in_order() {
        assert_eq!(
            parameters("a=1&b=x+y&&c=%C3%A9%2B%26&d&e=f=g&a=2"),
            [
                pair("a", "1"),
                pair("b", "x y"),
                pair("c", "é+&"),
                pair("d", ""),
                pair("e", "f=g"),
                pair("a", "2"),
            ]
        );
        assert!(parameters("").is_empty());
    }

    #[test]
    fn values_that_are_not_text_are_none() {
        assert_eq!(
            parameters("a=%ff&b=%00&%ff=c&d=%zz"),
            [None, None, None, pair("d", "%zz")]
        );
    }

    #[test]
    fn lists_are_joined_over_lines() {
        let none = request(Method::GET, "/");
        assert_eq!(none.list("accept"), None);
        let one = none.clone().with("accept", "a, b");
        assert_eq!(one.list("accept").as_deref(), Some("a, b"));
        let three = one.with("accept", "c").with("accept", "é");
        assert_eq!(three.list("accept").as_deref(), Some("a, b,c,\u{fffd}"));
        assert_eq!(three.header("accept"), Some("a, b"));
    }

    proptest! {
        #[test]
        fn any_query_is_decoded_without_a_crash(query in "([a-z%&=+;é]|%[0-9a-fA-F]{0,2}|\\PC){0,60}") {
            for (name, value) in parameters(&query).into_iter().flatten() {
                prop_assert!(!name.contains('\0') && !value.contains('\0'));
            }
        }

        #[test]
        fn an_encoded_value_is_decoded(value in "[^\0]{0,30}") {
            let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            prop_assert_eq!(parameters(&format!("a={encoded}")), vec![pair("a", &value)]);
        }
    }
}
