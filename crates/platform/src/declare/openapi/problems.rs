//! The problem statuses of an operation, which the stages of the pipeline can return. The
//! descriptions of problems are in `http::problem`.
//!
//! The tests compare all of their responses with the document, so a stage that is missing here is
//! found.

use std::collections::BTreeSet;

use http::Method;

use crate::auth::policy::{Access, Verb};
use crate::declare::component::Component;
use crate::declare::endpoint::{Endpoint, Operation};
use crate::declare::response_spec::ResponseSchema;

/// Returns the statuses that the endpoint can return besides success, in order.
pub(super) fn of(component: &Component, endpoint: &Endpoint) -> BTreeSet<u16> {
    // Any request may have a malformed query or header, or arrive while the database is
    // unavailable.
    let mut statuses = BTreeSet::from([400, 503]);
    statuses.extend(of_access(endpoint));
    if endpoint.template().contains('{') {
        statuses.insert(404);
    }
    if !matches!(endpoint.operation, Operation::Verb(_, Verb::Delete)) {
        statuses.insert(406);
    }
    if [Method::POST, Method::PUT, Method::PATCH].contains(&endpoint.method) {
        statuses.extend([408, 409, 413, 415, 422]);
    }
    if endpoint.method == Method::DELETE {
        statuses.insert(409);
    }
    if reads_version(endpoint) {
        statuses.insert(304);
    }
    if component.requires_key(endpoint) {
        statuses.insert(428);
    }
    match endpoint.operation {
        Operation::Verb(resource, Verb::Update | Verb::Delete) => {
            statuses.insert(412);
            if resource.requires_match {
                statuses.insert(428);
            }
        }
        // The requested time may lie before the retained history.
        Operation::Verb(_, Verb::Get) => {
            statuses.insert(422);
        }
        Operation::Verb(..) => {}
        Operation::Action(action) => statuses.extend(action.response.problems),
    }
    statuses
}

fn of_access(endpoint: &Endpoint) -> &'static [u16] {
    match endpoint.access() {
        Access::SignedIn | Access::Granted { .. } => &[401, 403, 421],
        // A public request with a body authenticates in one way or another.
        Access::Public if endpoint.method == Method::POST => &[401, 421, 429],
        Access::Public => &[],
    }
}

/// Returns true if the endpoint reads one resource, whose version a client may have already.
fn reads_version(endpoint: &Endpoint) -> bool {
    endpoint.method == Method::GET
        && match endpoint.operation {
            Operation::Verb(_, verb) => verb == Verb::Get,
            Operation::Action(action) => {
                matches!(action.response.schema, Some(ResponseSchema::Resource(_)))
            }
        }
}
