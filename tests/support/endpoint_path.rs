//! Builds the path of an endpoint with an example value for each parameter.
//! Random values for bodies are in `random_values`.

use platform::declare::endpoint::{Endpoint, Operation};
use platform::declare::field::Kind;
use uuid::Uuid;

/// Returns the endpoint's path with this id and with its required query parameters.
///
/// # Panics
///
/// When there is no example of a parameter's kind.
pub fn endpoint_path(endpoint: &Endpoint, id: Uuid) -> String {
    let segments = endpoint.segments().flat_map(|segment| {
        let value = match endpoint.parameter(segment) {
            None => segment.to_owned(),
            Some((name, kind)) => example(name, kind, id),
        };
        ["/".to_owned(), value]
    });
    let query = match endpoint.operation {
        Operation::Verb(..) => &[],
        Operation::Action(action) => action.query,
    };
    let required = query.iter().filter(|field| field.required);
    let parameters = required.enumerate().map(|(index, field)| {
        let separator = if index == 0 { '?' } else { '&' };
        let value = example(field.name, field.kind, id);
        format!("{separator}{}={value}", field.name)
    });
    segments.chain(parameters).collect()
}

fn example(name: &str, kind: Kind, id: Uuid) -> String {
    match kind {
        Kind::Id => id.to_string(),
        // The end of a period must be later than its start.
        Kind::Time if name == "to" => "2026-03-30T16:00:00Z".to_owned(),
        Kind::Time => "2026-03-29T16:00:00Z".to_owned(),
        Kind::LocalTime => "2026-03-29T16:00:00".to_owned(),
        Kind::Date => "2026-03-29".to_owned(),
        Kind::Integer { min, .. } => min.to_string(),
        Kind::OneOf(words) => words[0].to_owned(),
        Kind::Secret { min, .. } => "x".repeat(min),
        kind => panic!("an example of {name} is missing: {kind:?}"),
    }
}
