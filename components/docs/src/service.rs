//! Answers a request with a packed file, or with the problem for an unknown path or method. The
//! files themselves are in `assets`.

use http::Method;
use platform::declare::query;
use platform::http::headers;
use platform::http::problem::{Kind, Problem};
use platform::http::request::Request;
use platform::http::response::Response;
use platform::pipeline::{self, conditions};

use crate::assets::{self, Asset};
use crate::encoding;

/// The methods of every path here.
const ALLOWED: &str = "GET, HEAD, OPTIONS";

/// The page may load from this origin and call it, and no other. It may run no script but its own
/// files. Swagger UI draws its icons from `data:` URLs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Answers a request. Pages of the allowed origins may read the response.
pub fn respond(allowed_origins: &[String], request: &Request) -> Response {
    pipeline::respond("docs", allowed_origins, request, || {
        serve(allowed_origins, request)
    })
}

fn serve(allowed_origins: &[String], request: &Request) -> Result<Response, Problem> {
    let asset = assets::find(&request.path).ok_or_else(|| {
        Problem::new(Kind::NotFound).detail("See the reference at /docs for all paths.")
    })?;
    match request.method {
        Method::GET | Method::HEAD => file(asset, request),
        Method::OPTIONS => Ok(headers::options(
            allowed_origins,
            request,
            ALLOWED.to_owned(),
        )),
        _ => Err(Problem::new(Kind::MethodNotAllowed)
            .detail(format!("This path supports {ALLOWED}."))
            .header("allow", ALLOWED)),
    }
}

fn file(asset: &Asset, request: &Request) -> Result<Response, Problem> {
    // A link to a page may have added a query, which the page ignores.
    if request.path.starts_with("/v1/") {
        query::parameters(request, &[])?;
    }
    let is_packed = request
        .header("accept-encoding")
        .is_some_and(encoding::accepts_gzip);
    let etag = if is_packed {
        asset.gzip_etag
    } else {
        asset.etag
    };
    let is_known = conditions::not_modified(request, etag);
    let mut response = Response::empty(if is_known { 304 } else { 200 })
        .header("etag", etag)
        .header("vary", "accept-encoding")
        // The response may be stored but must be revalidated, so that an upgrade shows at once.
        .header("cache-control", "public, no-cache");
    if is_known {
        return Ok(response);
    }
    response = response
        .header("content-type", asset.media_type)
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("referrer-policy", "no-referrer");
    if is_packed {
        response = response.header("content-encoding", "gzip");
        response.body = asset.gzip.to_vec();
    } else {
        response.body = asset.inflate().map_err(|error| {
            Problem::new(Kind::Internal).cause(format!("can't be unpacked: {error}"))
        })?;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    fn ask(method: Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).unwrap();
                (HeaderName::from_static(name), value)
            })
            .collect();
        let request = Request {
            method,
            path: path.to_owned(),
            query,
            headers,
            body: Vec::new(),
        };
        respond(&["https://app.example.org".to_owned()], &request)
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        let mut found = response.headers.iter().filter(|(known, _)| *known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} came twice");
        value
    }

    #[test]
    fn the_document_comes_plain_and_compressed() {
        let plain = ask(Method::GET, "/v1/openapi.json", &[]);
        assert_eq!(plain.status, 200);
        assert_eq!(header(&plain, "content-type"), Some("application/json"));
        assert_eq!(header(&plain, "content-encoding"), None);
        let length = plain.body.len().to_string();
        assert_eq!(header(&plain, "content-length"), Some(length.as_str()));
        let document: Value = serde_json::from_slice(&plain.body).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

        let packed = ask(
            Method::GET,
            "/v1/openapi.json",
            &[("accept-encoding", "gzip")],
        );
        assert_eq!(header(&packed, "content-encoding"), Some("gzip"));
        let length = packed.body.len().to_string();
        assert_eq!(header(&packed, "content-length"), Some(length.as_str()));
        assert_ne!(header(&plain, "etag"), header(&packed, "etag"));
    }

    #[test]
    fn whoever_has_it_is_not_sent_it_again() {
        let first = ask(Method::GET, "/docs", &[]);
        let etag = header(&first, "etag").unwrap();
        for known in [etag, "*", &format!("\"old\", W/{etag}")] {
            let again = ask(Method::GET, "/docs", &[("if-none-match", known)]);
            assert_eq!(again.status, 304, "{known}");
            assert!(again.body.is_empty());
            assert_eq!(header(&again, "etag"), Some(etag));
        }
        let changed = ask(Method::GET, "/docs", &[("if-none-match", "\"old\"")]);
        assert_eq!(changed.status, 200);
    }

    #[test]
    fn the_page_may_reach_nothing_else() {
        let page = ask(Method::GET, "/docs", &[]);
        let policy = header(&page, "content-security-policy").unwrap();
        assert!(policy.contains("connect-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&page, "x-content-type-options"), Some("nosniff"));
    }

    #[test]
    fn head_and_options_work_wherever_get_does() {
        let head = ask(Method::HEAD, "/docs/swagger-ui.css", &[]);
        let get = ask(Method::GET, "/docs/swagger-ui.css", &[]);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(
            header(&head, "content-length"),
            header(&get, "content-length")
        );
        let options = ask(Method::OPTIONS, "/docs", &[]);
        assert_eq!(
            (options.status, header(&options, "allow")),
            (204, Some(ALLOWED))
        );
    }

    #[test]
    fn pages_of_allowed_origins_may_read_it() {
        for (origin, expected) in [
            ("https://app.example.org", Some("https://app.example.org")),
            ("https://evil.example", None),
        ] {
            for (method, path) in [
                (Method::GET, "/v1/openapi.json"),
                (Method::OPTIONS, "/v1/openapi.json"),
                (Method::GET, "/v1/nothing"),
            ] {
                let reply = ask(method, path, &[("origin", origin)]);
                assert_eq!(header(&reply, "access-control-allow-origin"), expected);
            }
        }
    }

    #[test]
    fn other_methods_and_paths_are_problems() {
        let posted = ask(Method::POST, "/v1/openapi.json", &[]);
        assert_eq!(
            (posted.status, header(&posted, "allow")),
            (405, Some(ALLOWED))
        );
        let asked = ask(Method::GET, "/v1/openapi.json?page=2", &[]);
        assert_eq!(asked.status, 400);
        for path in [
            "/",
            "/docs/swagger-ui.js.map",
            "/v1/nothing",
            "/docs/../docs",
        ] {
            let missing = ask(Method::GET, path, &[("x-request-id", "abc-1")]);
            assert_eq!(missing.status, 404, "{path}");
            assert_eq!(
                header(&missing, "content-type"),
                Some("application/problem+json")
            );
            assert_eq!(header(&missing, "x-request-id"), Some("abc-1"));
            let problem: Value = serde_json::from_slice(&missing.body).unwrap();
            assert_eq!(problem["request_id"], "abc-1");
            assert_eq!(problem["status"], 404);
        }
    }
}
