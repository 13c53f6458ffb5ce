//! The context of a request: the resolved request with the database, as operations need it. Actions
//! receive an `ActionContext` of it (`declare::action_context`), with their input checked.

use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::policy::{Fields, Grant};
use crate::declare::endpoint::Operation;
use crate::declare::field::Field;
use crate::declare::query;
use crate::declare::validation::{self, WriteMode};
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::pipeline::resolve::Resolved;
use crate::settings::Settings;
use crate::sql::database::{Client, QueryResult};
use crate::sql::error::QueryError;
use crate::sql::statement::Statement;

/// A resolved request with its body and the database.
pub(crate) struct RequestContext<'a> {
    pub(crate) request: &'a Request,
    pub(crate) settings: &'a Settings,
    pub(crate) client: Client<'a>,
    pub(crate) operation: Operation,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) caller: Option<Caller>,
    pub(crate) grant: Option<&'static Grant>,
}

impl<'a> RequestContext<'a> {
    /// Creates the context of a resolved request.
    pub(crate) fn new(
        request: &'a Request,
        settings: &'a Settings,
        client: Client<'a>,
        resolved: Resolved,
    ) -> RequestContext<'a> {
        RequestContext {
            request,
            settings,
            client,
            operation: resolved.operation,
            parameters: resolved.parameters,
            caller: resolved.caller,
            grant: resolved.grant,
        }
    }
}

impl RequestContext<'_> {
    /// Runs the statement of the request.
    pub(crate) async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<QueryResult, QueryError> {
        self.client.run(statement, arguments).await
    }

    /// Returns the grant of the access table, which a plain verb always has.
    ///
    /// # Errors
    ///
    /// 500 when the endpoint needs no role.
    pub(crate) fn granted(&self) -> Result<&'static Grant, Problem> {
        self.grant
            .ok_or_else(|| Problem::new(Kind::Internal).cause("a plain verb without a grant"))
    }

    /// Returns the checked body of a request.
    pub(crate) fn body(
        &self,
        fields: impl Iterator<Item = &'static Field> + Clone,
        mode: WriteMode,
    ) -> Result<Map<String, Value>, Problem> {
        let taken: &[&str] = match mode {
            WriteMode::Create => &["application/json"],
            WriteMode::Update => &["application/merge-patch+json", "application/json"],
        };
        headers::content_type(self.request, taken)?;
        let object = validation::parse_object(&self.request.body)?;
        let writes = self.grant.map_or(Fields::All, |grant| grant.writes);
        validation::body(fields, writes, mode, &object)
    }

    /// Refuses a body, if the endpoint has none.
    pub(crate) fn no_body(&self) -> Result<(), Problem> {
        if self.request.body.is_empty() {
            return Ok(());
        }
        self.body(std::iter::empty(), WriteMode::Create).map(|_| ())
    }

    /// Refuses a query, if the endpoint has none.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        query::parameters(self.request, &[]).map(|_| ())
    }
}
