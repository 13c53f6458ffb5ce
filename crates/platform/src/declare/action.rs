//! Actions: endpoints that a component declares by hand because they are not plain verbs. An action
//! states its types, its checks and its SQL, and `pipeline::actions` performs it.

use std::pin::Pin;

use http::Method;
use serde_json::{Map, Value};

use crate::auth::policy::{Access, Grant, Verb};
use crate::declare::action_context::ActionContext;
use crate::declare::field::Field;
use crate::declare::response_spec::ResponseSpec;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::sql::statement::{Sql, Statement};

/// One endpoint that is declared by hand. It is built by [`Action::get`] and its siblings;
/// everything that is not stated is empty.
pub struct Action {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces, such as `/v1/users/{id}/deactivate`.
    pub path: &'static str,
    /// The operation's id in the reference, such as `users.deactivate`.
    pub id: &'static str,
    /// The parameters of the path that are not UUIDs.
    pub segments: &'static [Field],
    /// A short summary for the reference.
    pub summary: &'static str,
    /// The callers that the action admits.
    pub access: Access,
    /// The fields of the body; none if it takes no body.
    pub body: Option<&'static [Field]>,
    /// The parameters of the query.
    pub query: &'static [Field],
    /// The response on success.
    pub response: ResponseSpec,
    /// The implementation.
    pub handler: Handler,
}

impl Action {
    /// Declares a `GET` of the path.
    pub const fn get(path: &'static str) -> Action {
        Action::new(Method::GET, path)
    }

    /// Declares a `POST` to the path.
    pub const fn post(path: &'static str) -> Action {
        Action::new(Method::POST, path)
    }

    /// Declares a `PUT` to the path.
    pub const fn put(path: &'static str) -> Action {
        Action::new(Method::PUT, path)
    }

    /// Declares a `DELETE` of the path.
    pub const fn delete(path: &'static str) -> Action {
        Action::new(Method::DELETE, path)
    }

    const fn new(method: Method, path: &'static str) -> Action {
        Action {
            method,
            path,
            id: "",
            segments: &[],
            summary: "",
            // No role has this verb, so a component does not compile with an action whose access is
            // not stated.
            access: Access::Granted {
                resource: "",
                verb: Verb::Action(""),
            },
            body: None,
            query: &[],
            response: ResponseSpec::none(""),
            handler: Handler::Statement {
                text: StatementText::Fixed(""),
                arguments: Arguments::Input,
                is_long_running: false,
            },
        }
    }

    /// Sets the id of the operation in the reference, which also names its statement.
    pub const fn id(mut self, id: &'static str) -> Action {
        self.id = id;
        self
    }

    /// Declares the parameters of the path that are not UUIDs.
    pub const fn segments(mut self, segments: &'static [Field]) -> Action {
        self.segments = segments;
        self
    }

    /// Sets the short summary for the reference.
    pub const fn summary(mut self, summary: &'static str) -> Action {
        self.summary = summary;
        self
    }

    /// Admits everybody, without a token.
    pub const fn public(mut self) -> Action {
        self.access = Access::Public;
        self
    }

    /// Admits every signed-in user, for data of their own.
    pub const fn signed_in(mut self) -> Action {
        self.access = Access::SignedIn;
        self
    }

    /// Admits the roles that have the verb on the resource in the access table.
    pub const fn granted(mut self, resource: &'static str, verb: Verb) -> Action {
        self.access = Access::Granted { resource, verb };
        self
    }

    /// Declares the fields of the body.
    pub const fn body(mut self, fields: &'static [Field]) -> Action {
        self.body = Some(fields);
        self
    }

    /// Declares the parameters of the query.
    pub const fn query(mut self, parameters: &'static [Field]) -> Action {
        self.query = parameters;
        self
    }

    /// Declares the response on success.
    pub const fn responds(mut self, response: ResponseSpec) -> Action {
        self.response = response;
        self
    }

    /// Runs this one statement.
    pub const fn sql(self, text: &'static str) -> Action {
        self.statement(StatementText::Fixed(text))
    }

    /// Runs one statement, which is composed of parts.
    pub const fn sql_from(self, build: fn() -> Sql) -> Action {
        self.statement(StatementText::Built(build))
    }

    /// Runs one statement, whose text depends on the caller's grant.
    pub const fn sql_for_grant(self, build: fn(&Grant) -> Sql) -> Action {
        self.statement(StatementText::ForGrant(build))
    }

    const fn statement(mut self, new: StatementText) -> Action {
        if let Handler::Statement { text, .. } = &mut self.handler {
            *text = new;
        }
        self
    }

    /// Computes the arguments of the statement first: hashes, tokens, times.
    pub const fn prepared_by(self, prepare: Prepare) -> Action {
        self.arguments(Arguments::Prepared(prepare))
    }

    /// Computes the arguments of the statement first, with the response of another component.
    pub const fn prepared_by_async(self, prepare: PrepareAsync) -> Action {
        self.arguments(Arguments::PreparedAsync(prepare))
    }

    const fn arguments(mut self, new: Arguments) -> Action {
        if let Handler::Statement { arguments, .. } = &mut self.handler {
            *arguments = new;
        }
        self
    }

    /// Allows the statement as much time as an import's.
    pub const fn long_running(mut self) -> Action {
        if let Handler::Statement {
            is_long_running, ..
        } = &mut self.handler
        {
            *is_long_running = true;
        }
        self
    }

    /// Runs a custom handler, with several statements or none. Its response is not stored for an
    /// idempotency key, which covers one statement only, so the request must be safe to repeat.
    pub const fn custom(mut self, handle: Custom) -> Action {
        self.handler = Handler::Custom(handle);
        self
    }

    /// Returns the action's one statement, named by the action's id. It is none for a custom
    /// handler, and where the text depends on a grant and there is none.
    pub fn query_statement(&self, grant: Option<&Grant>) -> Option<Statement> {
        let Handler::Statement { text, .. } = self.handler else {
            return None;
        };
        let sql = match text {
            StatementText::Fixed(text) => Sql::from(text.trim_end()),
            StatementText::Built(build) => build(),
            StatementText::ForGrant(build) => build(grant?),
        };
        Some(Statement::named(self.id, sql))
    }

    /// Returns true if the text of the statement depends on the caller's grant.
    pub const fn depends_on_grant(&self) -> bool {
        matches!(
            self.handler,
            Handler::Statement {
                text: StatementText::ForGrant(_),
                ..
            }
        )
    }

    /// Returns true if the declaration is complete: it has an id, a summary, a response and an
    /// implementation.
    pub(crate) const fn is_whole(&self) -> bool {
        let has_handler = match self.handler {
            Handler::Statement {
                text: StatementText::Fixed(text),
                ..
            } => !text.is_empty(),
            _ => true,
        };
        has_handler
            && !self.id.is_empty()
            && !self.summary.is_empty()
            && !self.response.description.is_empty()
    }
}

/// The implementation of an action.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Runs one statement.
    Statement {
        /// The text of the statement.
        text: StatementText,
        /// The source of its arguments.
        arguments: Arguments,
        /// True if it may take as long as an import's.
        is_long_running: bool,
    },
    /// Runs a custom handler.
    Custom(Custom),
}

/// The text of a statement.
#[derive(Clone, Copy)]
pub enum StatementText {
    /// This text.
    Fixed(&'static str),
    /// A text composed of parts.
    Built(fn() -> Sql),
    /// A text composed for the caller's grant.
    ForGrant(fn(&Grant) -> Sql),
}

/// The source of a statement's arguments.
#[derive(Clone, Copy)]
pub enum Arguments {
    /// The checked path, query and body.
    Input,
    /// A function of these.
    Prepared(Prepare),
    /// A function of these and of the response of another component.
    PreparedAsync(PrepareAsync),
}

/// Computes the arguments of a statement.
pub type Prepare = fn(&ActionContext<'_>) -> Result<Map<String, Value>, Problem>;

/// Computes the arguments of a statement with the response of another component.
pub type PrepareAsync = for<'a> fn(&'a ActionContext<'a>) -> ArgumentsFuture<'a>;

/// Handles the whole request.
pub type Custom = for<'a> fn(&'a ActionContext<'a>) -> ResponseFuture<'a>;

/// The arguments of a statement, once the other component has responded.
pub type ArgumentsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Map<String, Value>, Problem>> + 'a>>;

/// The response of a custom handler.
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + 'a>>;
