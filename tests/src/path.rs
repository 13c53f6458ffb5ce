//! A path of an endpoint, with a value of the right kind for each of its parameters.

use platform::component::Endpoint;
use platform::field::Kind;
use uuid::Uuid;

/// The endpoint's path, with the id where it takes one.
///
/// # Panics
///
/// When there is no example of a kind yet that a path takes.
pub fn path(endpoint: &Endpoint, id: Uuid) -> String {
    endpoint
        .segments()
        .flat_map(|segment| {
            let value = match endpoint.parameter(segment) {
                None => segment.to_owned(),
                Some((_, Kind::Id)) => id.to_string(),
                Some((_, Kind::Time)) => "2026-03-29T16:00:00Z".to_owned(),
                Some((_, Kind::LocalTime)) => "2026-03-29T16:00:00".to_owned(),
                Some((_, Kind::Date)) => "2026-03-29".to_owned(),
                Some((_, Kind::Integer { min, .. })) => min.to_string(),
                Some((_, Kind::OneOf(words))) => words[0].to_owned(),
                Some((name, kind)) => panic!("an example of {name} is missing: {kind:?}"),
            };
            ["/".to_owned(), value]
        })
        .collect()
}
