//! The endpoints of a component: a method on a path, and the operation behind it. They are listed by
//! `declare::component` and found by `pipeline::router`.

use http::Method;

use crate::auth::policy::{Access, Verb};
use crate::declare::action::Action;
use crate::declare::field::{Field, Kind};
use crate::declare::resource::Resource;

/// The operation of an endpoint.
#[derive(Clone, Copy)]
pub enum Operation {
    /// A plain verb of a resource.
    Verb(&'static Resource, Verb),
    /// An action.
    Action(&'static Action),
}

/// A method on a path.
#[derive(Clone)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path in two halves around the segment of its resource, with parameters in braces.
    pub path: (&'static str, &'static str),
    /// The segment between the two halves of the path, which is the name of the resource; empty
    /// for an action.
    pub resource_segment: &'static str,
    /// The operation.
    pub operation: Operation,
}

impl Operation {
    /// Returns the id of the operation, such as `users.list`.
    pub fn id(&self) -> String {
        match self {
            Operation::Verb(resource, verb) => format!("{}.{}", resource.name, verb.name()),
            Operation::Action(action) => action.id.to_owned(),
        }
    }
}

impl Endpoint {
    /// Returns the path as the reference shows it.
    pub fn template(&self) -> String {
        format!("{}{}{}", self.path.0, self.resource_segment, self.path.1)
    }

    /// Returns the segments of the path, in order.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> + use<> {
        let parts = |text: &'static str| text.split('/').filter(|part| !part.is_empty());
        parts(self.path.0)
            .chain((!self.resource_segment.is_empty()).then_some(self.resource_segment))
            .chain(parts(self.path.1))
    }

    /// Returns the name and the kind of the parameter that a segment is. It is a UUID unless it is
    /// declared.
    pub fn parameter(&self, segment: &'static str) -> Option<(&'static str, Kind)> {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some((
            name,
            self.declared(name).map_or(Kind::Id, |field| field.kind),
        ))
    }

    /// Returns the declaration of a parameter of the path that is not a UUID.
    pub fn declared(&self, name: &str) -> Option<&'static Field> {
        match self.operation {
            Operation::Verb(..) => None,
            Operation::Action(action) => action.segments.iter().find(|field| field.name == name),
        }
    }

    /// Returns the id of the operation, such as `users.list`.
    pub fn operation_id(&self) -> String {
        self.operation.id()
    }

    /// Returns the callers that the endpoint admits.
    pub fn access(&self) -> Access {
        match self.operation {
            Operation::Verb(resource, verb) => Access::Granted {
                resource: resource.name,
                verb,
            },
            Operation::Action(action) => action.access,
        }
    }
}

/// Returns the method and the path of a plain verb. Export shares those of list.
pub(super) const fn route(verb: Verb) -> Option<(Method, &'static str)> {
    match verb {
        Verb::List => Some((Method::GET, "")),
        Verb::Get => Some((Method::GET, "/{id}")),
        Verb::Create => Some((Method::POST, "")),
        Verb::Update => Some((Method::PATCH, "/{id}")),
        Verb::Delete => Some((Method::DELETE, "/{id}")),
        Verb::Restore => Some((Method::POST, "/{id}/restore")),
        Verb::Import => Some((Method::POST, "/import")),
        Verb::Export | Verb::Action(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::COMPONENT;

    #[test]
    fn segments_are_those_of_the_template() {
        for endpoint in COMPONENT.endpoints() {
            let joined: String = endpoint
                .segments()
                .flat_map(|segment| ["/", segment])
                .collect();
            assert_eq!(joined, endpoint.template());
        }
    }

    #[test]
    fn a_parameter_is_a_uuid_unless_it_is_declared() {
        let plan = COMPONENT
            .endpoints()
            .find(|endpoint| endpoint.operation_id() == "lamps.plan")
            .unwrap();
        let kind = |segment| plan.parameter(segment).map(|(_, kind)| kind);
        assert!(matches!(kind("{id}"), Some(Kind::Id)));
        assert!(matches!(kind("{start}"), Some(Kind::Time)));
        assert!(matches!(kind("{phase}"), Some(Kind::OneOf(_))));
        assert!(kind("nights").is_none());
    }
}
