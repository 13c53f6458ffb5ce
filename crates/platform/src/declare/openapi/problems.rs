//! The statuses of an operation other than its success: what the pipeline can answer, stage by stage.
//!
//! The tests hold every response of theirs against the document, so a stage that is missing here is found.

use std::collections::BTreeSet;

use http::Method;

use crate::auth::policy::{Access, Verb};
use crate::declare::component::{Component, Endpoint, Operation};
use crate::declare::response_spec::ResponseSchema;

/// The statuses that the endpoint can answer besides success, in order.
pub(super) fn of(component: &Component, endpoint: &Endpoint) -> BTreeSet<u16> {
    // Any request may have a query or a header that can't be taken, or come while the database is away.
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
        // A time to look back at may be beyond what is kept.
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
        // A client that sends something without a session is signing in, in one way or another.
        Access::Public if endpoint.method == Method::POST => &[401, 421, 429],
        Access::Public => &[],
    }
}

/// Returns whether the endpoint reads one resource, whose version a client may know already.
fn reads_version(endpoint: &Endpoint) -> bool {
    endpoint.method == Method::GET
        && match endpoint.operation {
            Operation::Verb(_, verb) => verb == Verb::Get,
            Operation::Action(action) => {
                matches!(action.response.schema, Some(ResponseSchema::Resource(_)))
            }
        }
}
