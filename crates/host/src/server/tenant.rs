//! The tenant of a request: the one on whose behalf the component has authenticated the caller. The
//! host cannot find it out itself. Spans and the access log, which have it, are in `traces` and
//! `request_log`.
//!
//! If one of the two has the request, the host asks for the tenant by the header `want-tenant-id`,
//! and the component names it in the header `tenant-id` of its response, which the host removes. A
//! client can neither ask nor answer: the host removes the one header from its request, and the
//! other is only in responses.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of a request that asks for the tenant.
const WANT_TENANT_ID: HeaderName = HeaderName::from_static("want-tenant-id");

/// The header of a response that names the tenant.
const TENANT_ID: HeaderName = HeaderName::from_static("tenant-id");

/// Asks the component for the tenant, if it is wanted.
pub(crate) fn ask(headers: &mut HeaderMap, is_wanted: bool) {
    if is_wanted {
        headers.insert(WANT_TENANT_ID, HeaderValue::from_static("1"));
    } else {
        headers.remove(WANT_TENANT_ID);
    }
}

/// Takes the tenant out of a response.
pub(crate) fn take(headers: &mut HeaderMap) -> Option<Uuid> {
    let id = headers.remove(TENANT_ID)?;
    Uuid::try_parse_ascii(id.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_asks() {
        let mut headers = HeaderMap::new();
        headers.insert(WANT_TENANT_ID, HeaderValue::from_static("from a client"));
        ask(&mut headers, false);
        assert!(headers.is_empty());
        ask(&mut headers, true);
        assert_eq!(
            headers.get(WANT_TENANT_ID),
            Some(&HeaderValue::from_static("1"))
        );
    }

    #[test]
    fn the_tenant_is_taken_out_of_the_response() {
        let id = "0199f0c2-5a8e-7c31-9d64-2f0f3f6f1c55";
        for (given, expected) in [(id, Uuid::try_parse(id).ok()), ("aurora", None)] {
            let mut headers = HeaderMap::new();
            headers.append(TENANT_ID, HeaderValue::from_static(given));
            headers.append(TENANT_ID, HeaderValue::from_static("another"));
            assert_eq!(take(&mut headers), expected);
            assert!(headers.is_empty());
        }
        assert_eq!(take(&mut HeaderMap::new()), None);
    }
}
