//! One request on its way, after its endpoint and its caller are known: what serving a verb or an action has at hand.

use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::policy::Grant;
use crate::declare::field::Field;
use crate::declare::query;
use crate::declare::validation::{self, Purpose};
use crate::http::headers;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::settings::Settings;
use crate::sql::database::{Answer, Client};
use crate::sql::error::Failure;
use crate::sql::statement::Statement;

/// One request on its way.
pub(crate) struct Passage<'a> {
    pub(crate) request: &'a Request,
    pub(crate) settings: &'a Settings,
    pub(crate) client: Client<'a>,
    pub(crate) caller: Option<Caller>,
    pub(crate) grant: &'static Grant,
    pub(crate) parameters: Map<String, Value>,
}

impl Passage<'_> {
    /// Runs the request's statement.
    pub(crate) async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<Answer, Failure> {
        self.client.run(statement, arguments).await
    }

    /// The checked body of a request that has one.
    pub(crate) fn body(
        &self,
        fields: impl Iterator<Item = &'static Field> + Clone,
        purpose: Purpose,
    ) -> Result<Map<String, Value>, Problem> {
        let taken: &[&str] = match purpose {
            Purpose::Create => &["application/json"],
            Purpose::Update => &["application/merge-patch+json", "application/json"],
        };
        headers::content_type(self.request, taken)?;
        let object = validation::parse_object(&self.request.body)?;
        validation::body(fields, self.grant.writes, purpose, &object)
    }

    /// Refuses what a body holds, where none is known.
    pub(crate) fn no_body(&self) -> Result<(), Problem> {
        if self.request.body.is_empty() {
            return Ok(());
        }
        self.body(std::iter::empty(), Purpose::Create).map(|_| ())
    }

    /// Refuses a query, where none is known.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        query::parameters(self.request, &[]).map(|_| ())
    }
}
