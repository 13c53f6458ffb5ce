//! The URL of the video meeting of a class. The URLs to which the server itself connects are in
//! `platform::http::outbound_url`.

/// Returns true if a browser can open the URL: it uses `https`, and has a host and no password.
pub(crate) fn is_valid(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority
        .rsplit_once(':')
        .map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_host = host.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-')
    });
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    is_host
        && is_port
        && url
            .chars()
            .all(|letter| !letter.is_whitespace() && !letter.is_control() && letter != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_url_is_one_that_a_browser_opens_safely() {
        for url in [
            "https://meet.example/7c1",
            "https://zoom.us/j/123?pwd=abc",
            "https://chime.aws",
            "https://meet.example.org:8443/a#b",
        ] {
            assert!(is_valid(url), "{url}");
        }
        for url in [
            "http://meet.example",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b.example",
            "https://user:secret@meet.example",
            "https://user@meet.example",
            "https://-a.example",
            "https://a..example",
            "https://meet.example:0",
            "https://meet.example:x",
            "https://meet.example\\@evil.example",
            "meet.example",
        ] {
            assert!(!is_valid(url), "{url}");
        }
    }
}
