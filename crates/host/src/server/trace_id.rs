//! The id of the trace that a request belongs to, for the log. The components have the same rule in
//! `platform::http::headers`.

use http::HeaderValue;

/// Returns the id of the trace that the client has begun, if its header is well-formed.
pub(crate) fn from_header(traceparent: Option<&HeaderValue>) -> Option<String> {
    let mut parts = traceparent?.to_str().ok()?.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_valid = version == "00"
        && is_hexadecimal(trace, 32)
        && is_hexadecimal(parent, 16)
        && is_hexadecimal(flags, 2)
        && parts.next().is_none()
        && [trace, parent]
            .iter()
            .all(|id| id.bytes().any(|digit| digit != b'0'));
    is_valid.then(|| trace.to_owned())
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_header_names_a_trace() -> anyhow::Result<()> {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        for (header, expected) in [
            (format!("00-{id}-{parent}-01"), Some(id)),
            (format!("00-{id}-{parent}-01-later"), None),
            (format!("01-{id}-{parent}-01"), None),
            (format!("00-{}-{parent}-01", id.to_uppercase()), None),
            (format!("00-{}-{parent}-01", "0".repeat(32)), None),
            (format!("00-{id}-{}-01", "0".repeat(16)), None),
            (format!("00-{id}"), None),
            ("Byron".to_owned(), None),
        ] {
            let value = HeaderValue::from_str(&header)?;
            assert_eq!(from_header(Some(&value)).as_deref(), expected, "{header}");
        }
        assert_eq!(from_header(None), None);
        Ok(())
    }
}
