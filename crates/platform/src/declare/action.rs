//! Actions: endpoints that a component declares by hand, because they are not one of the plain verbs.
//!
//! An action states its types, its checks and its SQL; the pipeline does everything else.

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

/// One endpoint declared by hand. It is built by [`Action::get`] and its siblings; what is not said is empty.
pub struct Action {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces, such as `/v1/users/{id}/deactivate`.
    pub path: &'static str,
    /// The operation's id in the reference, such as `users.deactivate`.
    pub id: &'static str,
    /// The path's parameters that are no UUIDs: what values they take.
    pub segments: &'static [Field],
    /// A few words for the reference page.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The body's fields; none when it takes no body.
    pub body: Option<&'static [Field]>,
    /// The query's parameters.
    pub query: &'static [Field],
    /// Its response when it succeeds.
    pub response: ResponseSpec,
    /// The work that it does.
    pub handler: Handler,
}

impl Action {
    /// A `GET` of the path.
    pub const fn get(path: &'static str) -> Action {
        Action::new(Method::GET, path)
    }

    /// A `POST` to the path.
    pub const fn post(path: &'static str) -> Action {
        Action::new(Method::POST, path)
    }

    /// A `PUT` to the path.
    pub const fn put(path: &'static str) -> Action {
        Action::new(Method::PUT, path)
    }

    /// A `DELETE` of the path.
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
            // No role has it, so that an action that does not say who may call it is no part of a component.
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

    /// The operation's id in the reference, by which its statement is named too.
    pub const fn id(mut self, id: &'static str) -> Action {
        self.id = id;
        self
    }

    /// The path's parameters that are no UUIDs.
    pub const fn segments(mut self, segments: &'static [Field]) -> Action {
        self.segments = segments;
        self
    }

    /// A few words for the reference page.
    pub const fn summary(mut self, summary: &'static str) -> Action {
        self.summary = summary;
        self
    }

    /// Anybody may call it, without a token.
    pub const fn public(mut self) -> Action {
        self.access = Access::Public;
        self
    }

    /// Whoever is signed in may call it, for what is the caller's own.
    pub const fn signed_in(mut self) -> Action {
        self.access = Access::SignedIn;
        self
    }

    /// The roles may call it that have the verb on the resource in the access table.
    pub const fn granted(mut self, resource: &'static str, verb: Verb) -> Action {
        self.access = Access::Granted { resource, verb };
        self
    }

    /// The fields of its body.
    pub const fn body(mut self, fields: &'static [Field]) -> Action {
        self.body = Some(fields);
        self
    }

    /// The parameters of its query.
    pub const fn query(mut self, parameters: &'static [Field]) -> Action {
        self.query = parameters;
        self
    }

    /// Its response when it succeeds.
    pub const fn responds(mut self, response: ResponseSpec) -> Action {
        self.response = response;
        self
    }

    /// It runs this one statement.
    pub const fn sql(self, text: &'static str) -> Action {
        self.statement(StatementText::Fixed(text))
    }

    /// It runs one statement, which is put together of parts.
    pub const fn sql_from(self, build: fn() -> Sql) -> Action {
        self.statement(StatementText::Built(build))
    }

    /// It runs one statement, whose text depends on what the caller may see.
    pub const fn sql_for_grant(self, build: fn(&Grant) -> Sql) -> Action {
        self.statement(StatementText::ForGrant(build))
    }

    const fn statement(mut self, new: StatementText) -> Action {
        if let Handler::Statement { text, .. } = &mut self.handler {
            *text = new;
        }
        self
    }

    /// The arguments of its statement are computed first: hashes, tokens, times.
    pub const fn prepared_by(self, prepare: Prepare) -> Action {
        self.arguments(Arguments::Prepared(prepare))
    }

    /// The arguments of its statement need an answer of another component.
    pub const fn asked_by(self, ask: Ask) -> Action {
        self.arguments(Arguments::Asked(ask))
    }

    const fn arguments(mut self, new: Arguments) -> Action {
        if let Handler::Statement { arguments, .. } = &mut self.handler {
            *arguments = new;
        }
        self
    }

    /// Its statement may take as long as an import's.
    pub const fn long_running(mut self) -> Action {
        if let Handler::Statement {
            is_long_running, ..
        } = &mut self.handler
        {
            *is_long_running = true;
        }
        self
    }

    /// It does all by itself, with several statements or none. Its responses are not kept for an idempotency key, under
    /// which one statement alone can be kept: it must be safe to repeat.
    pub const fn custom(mut self, handle: Custom) -> Action {
        self.handler = Handler::Custom(handle);
        self
    }

    /// Its one statement, named by its id; none where it does all by itself, or where the text depends on a grant and
    /// there is none.
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

    /// Returns whether the text of its statement depends on what the caller may see.
    pub const fn depends_on_grant(&self) -> bool {
        matches!(
            self.handler,
            Handler::Statement {
                text: StatementText::ForGrant(_),
                ..
            }
        )
    }

    /// Returns whether the declaration is whole: it has a name, and says what it does and what it is for.
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

/// The work of an action.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Runs one statement.
    Statement {
        /// Its text.
        text: StatementText,
        /// Where its arguments come from.
        arguments: Arguments,
        /// Whether it may take as long as an import's.
        is_long_running: bool,
    },
    /// Does all by itself.
    Custom(Custom),
}

/// The text of a statement.
#[derive(Clone, Copy)]
pub enum StatementText {
    /// This one.
    Fixed(&'static str),
    /// Put together of parts.
    Built(fn() -> Sql),
    /// Put together for what the caller may see.
    ForGrant(fn(&Grant) -> Sql),
}

/// Where the arguments of a statement come from.
#[derive(Clone, Copy)]
pub enum Arguments {
    /// From the checked path, query and body.
    Input,
    /// Computed from these.
    Prepared(Prepare),
    /// Computed from these and an answer of another component.
    Asked(Ask),
}

/// Computes the arguments of a statement.
pub type Prepare = fn(&ActionContext<'_>) -> Result<Map<String, Value>, Problem>;

/// Computes the arguments of a statement with the help of another component.
pub type Ask = for<'a> fn(&'a ActionContext<'a>) -> ArgumentsFuture<'a>;

/// Does all that an action does.
pub type Custom = for<'a> fn(&'a ActionContext<'a>) -> ResponseFuture<'a>;

/// The arguments of a statement, when what was asked for them is there.
pub type ArgumentsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Map<String, Value>, Problem>> + 'a>>;

/// The response of an action that does all by itself.
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + 'a>>;
