//! From method and path to the endpoint, or to what is wrong with them.

use http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::component::{Component, Endpoint};
use crate::problem::{Kind, Problem};

/// Where a request goes.
pub enum Route {
    /// To an endpoint, with the values of its path's parameters.
    Endpoint(Endpoint, Map<String, Value>),
    /// `OPTIONS`: the methods that the path knows.
    Options(String),
}

/// Finds the endpoint.
///
/// # Errors
///
/// 404 for a path that isn't there, 405 with `Allow` for a method that the path doesn't know.
pub fn find(component: &Component, method: &Method, path: &str) -> Result<Route, Problem> {
    let wanted = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut methods: Vec<String> = Vec::new();
    let mut found = None;
    for endpoint in component.endpoints() {
        let Some(parameters) = matches(&endpoint, path) else {
            continue;
        };
        if endpoint.method == wanted && found.is_none() {
            found = Some((endpoint, parameters));
            continue;
        }
        methods.push(endpoint.method.to_string());
    }
    if let Some((endpoint, parameters)) = found {
        return Ok(Route::Endpoint(endpoint, parameters));
    }
    if methods.is_empty() {
        return Err(Problem::new(Kind::NotFound));
    }
    if methods.iter().any(|known| known == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.push("OPTIONS".to_owned());
    methods.sort();
    methods.dedup();
    let allow = methods.join(", ");
    if *method == Method::OPTIONS {
        return Ok(Route::Options(allow));
    }
    Err(Problem::new(Kind::MethodNotAllowed)
        .detail(format!("This path knows {allow}."))
        .header("allow", allow))
}

/// The values of the path's parameters when the path matches; every parameter is a UUID.
fn matches(endpoint: &Endpoint, path: &str) -> Option<Map<String, Value>> {
    let mut parameters = Map::new();
    let mut given = path.strip_prefix('/')?.split('/');
    for segment in endpoint.segments() {
        let value = given.next()?;
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) => {
                let id = Uuid::try_parse(value).ok()?;
                parameters.insert(name.to_owned(), Value::from(id.to_string()));
            }
            None if segment == value => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(parameters)
}
