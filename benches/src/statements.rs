//! The SQL of the handlers: the components' own, so that PostgreSQL does the same work
//! for both, with the same one argument.

use anyhow::{Context, bail};
use http::{HeaderMap, Method};
use platform::action::Run;
use platform::listing::Listing;
use platform::policy::{Grant, Verb};
use platform::request::Request;
use platform::resource::Resource;
use platform::role::Role;
use platform::sql::Statement;
use platform::statements;
use serde_json::Value;
use users::COMPONENT;

/// The statements, made once. All callers of a measurement are administrators.
pub(crate) struct Statements {
    /// Reads one user.
    pub(crate) get: String,
    /// Makes a user.
    pub(crate) create: String,
    resource: &'static Resource,
    grant: &'static Grant,
}

impl Statements {
    /// Takes them from the users component's table.
    pub(crate) fn new() -> anyhow::Result<Statements> {
        let resource = COMPONENT
            .resources
            .iter()
            .find(|resource| resource.name == "users")
            .context("the component has no users")?;
        let grant = granted(Verb::Get)?;
        let create = COMPONENT
            .actions
            .iter()
            .find(|action| action.operation == "users.create")
            .context("users can't be created")?;
        let Run::Prepared(_, create) = create.run else {
            bail!("creating a user is no longer one statement behind its preparation");
        };
        Ok(Statements {
            get: statements::get(resource, grant).text,
            create: create(granted(Verb::Create)?).text,
            resource,
            grant,
        })
    }

    /// The statement of a list and its argument, from the query of its request.
    pub(crate) fn list(&self, query: Option<&str>) -> Option<(Statement, Value)> {
        let request = Request {
            method: Method::GET,
            path: "/v1/users".to_owned(),
            query: query.map(str::to_owned),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        let listing = Listing::parse(&request, self.resource, self.grant).ok()?;
        let statement = listing.statement(self.resource, self.grant);
        Some((statement, Value::Object(listing.arguments())))
    }
}

fn granted(verb: Verb) -> anyhow::Result<&'static Grant> {
    COMPONENT
        .grant("users", Role::Admin, verb)
        .with_context(|| format!("an administrator may not {} users", verb.name()))
}
