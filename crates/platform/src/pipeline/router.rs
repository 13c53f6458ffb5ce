//! Finds the endpoint of a method and a path, or the problem with them. The endpoints are declared
//! in `declare::component`.

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::declare::component::Component;
use crate::declare::endpoint::Endpoint;
use crate::declare::field::Kind;
use crate::declare::validation;
use crate::http::problem::{self, Problem};

/// The destination of a request.
pub(crate) enum Route {
    /// An endpoint, with the values of the path's parameters.
    Endpoint(Endpoint, Map<String, Value>),
    /// `OPTIONS`, with the methods of the path.
    Options(String),
}

/// Finds the endpoint.
///
/// # Errors
///
/// 404 for an unknown path, 405 with `Allow` for a method that the path does not have.
pub(crate) fn find(component: &Component, method: &Method, path: &str) -> Result<Route, Problem> {
    let wanted = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let found = component
        .endpoints()
        .find(|endpoint| endpoint.method == wanted && matches(endpoint, path));
    match found {
        Some(endpoint) => {
            let parameters = parameters(&endpoint, path);
            Ok(Route::Endpoint(endpoint, parameters))
        }
        None => other_method(component, method, path),
    }
}

fn other_method(component: &Component, method: &Method, path: &str) -> Result<Route, Problem> {
    let mut methods: Vec<Method> = component
        .endpoints()
        .filter(|endpoint| matches(endpoint, path))
        .map(|endpoint| endpoint.method)
        .collect();
    if methods.is_empty() {
        return Err(Problem::new(problem::Kind::NotFound));
    }
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.push(Method::OPTIONS);
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let allow = names.join(", ");
    if *method == Method::OPTIONS {
        return Ok(Route::Options(allow));
    }
    Err(Problem::new(problem::Kind::MethodNotAllowed)
        .detail(format!("This path supports {allow}."))
        .header("allow", allow))
}

/// Returns true if the path belongs to the endpoint. A segment that is not a value of its
/// parameter's kind does not match.
fn matches(endpoint: &Endpoint, path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let mut given = path.split('/');
    endpoint.segments().all(|segment| {
        given
            .next()
            .is_some_and(|value| match endpoint.parameter(segment) {
                // An id needs no decoding, and is checked without an allocation.
                Some((_, Kind::Id)) => validation::id(value).is_some(),
                Some((_, kind)) => value_of(kind, value).is_some(),
                None => segment == value,
            })
    }) && given.next().is_none()
}

/// Returns the values of the parameters of a path that matches, in their normal form.
fn parameters(endpoint: &Endpoint, path: &str) -> Map<String, Value> {
    endpoint
        .segments()
        .zip(path.split('/').skip(1))
        .filter_map(|(segment, value)| {
            let (name, kind) = endpoint.parameter(segment)?;
            Some((name.to_owned(), Value::from(value_of(kind, value)?)))
        })
        .collect()
}

/// Returns the value of a segment, if it is of the kind.
fn value_of(kind: Kind, segment: &str) -> Option<String> {
    if let Kind::Id = kind {
        return validation::id(segment).map(|id| id.to_string());
    }
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    validation::scalar(kind, &decoded).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declare::endpoint::Operation;
    use crate::fixture::COMPONENT;
    use crate::http::problem::Kind;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    fn operation(method: Method, path: &str) -> Option<String> {
        match find(&COMPONENT, &method, path) {
            Ok(Route::Endpoint(endpoint, _)) => Some(endpoint.operation_id()),
            _ => None,
        }
    }

    #[test]
    fn each_verb_has_its_method_and_path() {
        let one = format!("/v1/lamps/{ID}");
        for (method, path, expected) in [
            (Method::GET, "/v1/lamps", "lamps.list"),
            (Method::POST, "/v1/lamps", "lamps.create"),
            (Method::GET, one.as_str(), "lamps.get"),
            (Method::PATCH, one.as_str(), "lamps.update"),
            (Method::DELETE, one.as_str(), "lamps.delete"),
            (Method::POST, "/v1/lamps/import", "lamps.import"),
        ] {
            assert_eq!(operation(method, path).as_deref(), Some(expected));
        }
        let restore = format!("{one}/restore");
        assert_eq!(
            operation(Method::POST, &restore).as_deref(),
            Some("lamps.restore")
        );
        let switch = format!("{one}/switch");
        assert_eq!(
            operation(Method::POST, &switch).as_deref(),
            Some("lamps.switch")
        );
    }

    #[test]
    fn head_is_served_where_get_is() {
        assert_eq!(
            operation(Method::HEAD, "/v1/lamps").as_deref(),
            Some("lamps.list")
        );
        let problem = find(&COMPONENT, &Method::HEAD, "/v1/lamps/import")
            .err()
            .unwrap();
        assert_eq!(problem.kind, Kind::MethodNotAllowed);
        assert_eq!(problem.headers, [("allow", "OPTIONS, POST".to_owned())]);
    }

    #[test]
    fn parameters_come_in_their_normal_form() {
        let path = format!("/v1/lamps/{}/switch", ID.to_uppercase());
        let Ok(Route::Endpoint(endpoint, parameters)) = find(&COMPONENT, &Method::POST, &path)
        else {
            panic!("{path} was not found");
        };
        assert!(matches!(endpoint.operation, Operation::Action(_)));
        assert_eq!(Value::Object(parameters), serde_json::json!({"id": ID}));
    }

    #[test]
    fn parameters_are_of_the_kinds_that_the_endpoint_declares() {
        let planned = |rest: &str| {
            let path = format!("/v1/lamps/{ID}/nights/{rest}");
            match find(&COMPONENT, &Method::PUT, &path) {
                Ok(Route::Endpoint(_, parameters)) => Ok(Value::Object(parameters)),
                Ok(Route::Options(_)) => panic!("{path} is no OPTIONS"),
                Err(problem) => Err(problem.kind),
            }
        };
        let expected = json!({"id": ID, "start": "2026-03-29T16:00:00.000000Z", "phase": "dusk"});
        for rest in [
            "2026-03-29T16:00:00Z/dusk",
            "2026-03-29T16%3A00%3A00%5A/d%75sk",
            "2026-03-29T18:00:00+02:00/dusk",
            "2026-03-29T18:00:00%2B02:00/dusk",
        ] {
            assert_eq!(planned(rest), Ok(expected.clone()), "{rest}");
        }
        for rest in [
            "2026-03-29/dusk",
            "yesterday/dusk",
            "2026-03-29T16:00:00Z/noon",
            "2026-03-29T16:00:00Z/",
            "2026-03-29T16:00:00Z",
            "%ff/dusk",
            "2026-03-29T16:00:00Z/dusk/",
        ] {
            assert_eq!(planned(rest), Err(Kind::NotFound), "{rest}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_not_found_whatever_the_method() {
        for path in [
            "",
            "/",
            "*",
            "v1/lamps",
            "/v1",
            "/v1/lamp",
            "/v1/lamps/",
            "//v1/lamps",
            "/v1//lamps",
            "/v1/lamps/7",
            "/v1/lamps/{id}",
            "/V1/lamps",
            "/v1/lamps/0190163d8694739baea5966c26f8ad90",
            "/v1/lamps/0190163d-8694-739b-aea5-966c26f8ad90/",
            "/v1/lamps/é190163d-8694-739b-aea5-966c26f8ad9",
        ] {
            for method in [Method::GET, Method::PUT, Method::OPTIONS] {
                let problem = find(&COMPONENT, &method, path).err();
                assert_eq!(
                    problem.map(|problem| problem.kind),
                    Some(Kind::NotFound),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn another_method_is_answered_with_those_that_there_are() {
        for (path, allow) in [
            ("/v1/lamps".to_owned(), "GET, HEAD, OPTIONS, POST"),
            (
                format!("/v1/lamps/{ID}"),
                "DELETE, GET, HEAD, OPTIONS, PATCH",
            ),
            (format!("/v1/lamps/{ID}/restore"), "OPTIONS, POST"),
        ] {
            let problem = find(&COMPONENT, &Method::PUT, &path).err().unwrap();
            assert_eq!(problem.kind, Kind::MethodNotAllowed);
            assert_eq!(problem.headers, [("allow", allow.to_owned())]);
            match find(&COMPONENT, &Method::OPTIONS, &path) {
                Ok(Route::Options(methods)) => assert_eq!(methods, allow),
                _ => panic!("OPTIONS {path} is not answered"),
            }
        }
    }
}
