//! Actions: endpoints that a component declares by hand, because they are not one of the plain verbs.
//!
//! An action states its types, its checks and its SQL; the pipeline does everything else.

use std::pin::Pin;

use http::Method;
use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::policy::{Access, Grant, Verb};
use crate::declare::field::Field;
use crate::declare::resource::Resource;
use crate::http::asker::Asker;
use crate::http::client_address;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::settings::Settings;
use crate::sql::database::{Client, QueryResult};
use crate::sql::error::QueryError;
use crate::sql::statement::{Sql, Statement};

const JSON: &str = "application/json";

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
    /// What it does.
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

/// The response of an action that succeeds.
#[derive(Debug, Clone, Copy)]
pub struct ResponseSpec {
    /// The HTTP status.
    pub status: u16,
    /// What the body is; none when it is empty.
    pub schema: Option<ResponseSchema>,
    /// What it is, for the reference.
    pub description: &'static str,
    /// The statuses that its own statement or checks answer, besides those that follow from access, path and body: problems,
    /// and 304 where the response has a version that is no resource's.
    pub problems: &'static [u16],
}

/// What the body of a response is.
#[derive(Debug, Clone, Copy)]
pub enum ResponseSchema {
    /// An object with these fields.
    Fields(&'static [Field]),
    /// One of this resource.
    Resource(&'static Resource),
    /// An object with these fields, or one of its other representations for who asks for that.
    Representations(&'static [Field], &'static [Representation]),
    /// Text of this media type, written by a [`Handler::Custom`].
    Document(&'static str),
}

/// Another representation of what a statement answers as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Representation {
    /// Its media type, such as `text/html`.
    pub media: &'static str,
    /// The headers that go with it, besides `Content-Type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Writes it from the JSON text.
    pub write: fn(&str) -> Result<String, Problem>,
}

impl ResponseSpec {
    /// 200 with a body.
    pub const fn of(schema: ResponseSchema, description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 200,
            schema: Some(schema),
            description,
            problems: &[],
        }
    }

    /// 200 with an object of these fields.
    pub const fn fields(fields: &'static [Field], description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Fields(fields), description)
    }

    /// 200 with one of the resource.
    pub const fn resource(resource: &'static Resource, description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Resource(resource), description)
    }

    /// 204 without a body.
    pub const fn none(description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 204,
            schema: None,
            description,
            problems: &[],
        }
    }

    /// The same with another status.
    pub const fn status(mut self, status: u16) -> ResponseSpec {
        self.status = status;
        self
    }

    /// The same with the statuses of its own besides success.
    pub const fn problems(mut self, problems: &'static [u16]) -> ResponseSpec {
        self.problems = problems;
        self
    }

    /// The media types that there are, our own favourite first.
    pub fn media(&self) -> Vec<&'static str> {
        match self.schema {
            Some(ResponseSchema::Document(media)) => vec![media],
            Some(ResponseSchema::Representations(_, others)) => std::iter::once(JSON)
                .chain(others.iter().map(|other| other.media))
                .collect(),
            _ => vec![JSON],
        }
    }

    /// What a statement answered, in one of the media types.
    ///
    /// # Errors
    ///
    /// When another representation can't be written from it.
    pub fn render(&self, media: &str, body: String) -> Result<Response, Problem> {
        let other = match self.schema {
            None => return Ok(Response::empty(self.status)),
            Some(ResponseSchema::Representations(_, others)) => {
                others.iter().find(|other| other.media == media)
            }
            Some(_) => None,
        };
        let Some(other) = other else {
            return Ok(Response::json(self.status, body));
        };
        let headers = other
            .headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Ok(Response {
            status: self.status,
            headers: std::iter::once(("content-type", format!("{media}; charset=utf-8")))
                .chain(headers)
                .collect(),
            body: (other.write)(&body)?.into_bytes(),
        })
    }
}

/// What an action does.
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

/// The context of an action: everything that it can know of its request.
pub struct ActionContext<'a> {
    /// The request.
    pub request: &'a Request,
    /// The values of the path's parameters, by name.
    pub path: &'a Map<String, Value>,
    /// The checked body.
    pub body: Map<String, Value>,
    /// The checked query.
    pub query: Map<String, Value>,
    /// Who calls, unless anybody may.
    pub caller: Option<&'a Caller>,
    /// The component's settings.
    pub settings: &'a Settings,
    /// The database in the call's context.
    pub client: &'a Client<'a>,
}

impl ActionContext<'_> {
    /// A text of the checked body; empty when it was left out.
    pub fn text(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Path, query and body as one object: the arguments of a statement.
    pub fn arguments(&self) -> Map<String, Value> {
        let mut arguments = self.path.clone();
        arguments.extend(self.query.clone());
        arguments.insert("input".to_owned(), Value::Object(self.body.clone()));
        arguments
    }

    /// Runs a statement in the call's context.
    ///
    /// # Errors
    ///
    /// When the database refuses it or can't be reached.
    pub async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<QueryResult, QueryError> {
        self.client.run(statement, arguments).await
    }

    /// On whose behalf another component is asked: the client's network, and the caller or whoever else the call is about.
    pub fn asker(&self, who: &str) -> Asker {
        let caller = self.caller.map(|caller| caller.user.to_string());
        Asker {
            group: client_address::network(&self.address()),
            member: caller.unwrap_or_else(|| who.to_owned()),
        }
    }

    /// The address of the client, for limits on attempts: see [`crate::http::client_address`].
    pub fn address(&self) -> String {
        self.settings.trusted_proxies.client(self.request)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{PLAN, REPORT, Recorder, request, settings};
    use crate::sql::database::Client;

    /// Hands a call with the header to `check`.
    fn with_call(address: Option<&str>, check: impl Fn(&ActionContext<'_>)) {
        let given = request(Method::POST, "/v1/lamps");
        let given = match address {
            Some(address) => given.with("spin-client-addr", address),
            None => given,
        };
        let (settings, recorder) = (settings(), Recorder::default());
        let path = Map::from_iter([("id".to_owned(), json!("7"))]);
        check(&ActionContext {
            request: &given,
            path: &path,
            body: Map::from_iter([
                ("name".to_owned(), json!("A")),
                ("watts".to_owned(), json!(3)),
            ]),
            query: Map::from_iter([("minutes".to_owned(), json!("5"))]),
            caller: None,
            settings: &settings,
            client: &Client::new(
                &recorder,
                crate::sql::context::DatabaseContext::new("eu-standard", "eu", None, "r-1"),
            ),
        });
    }

    #[test]
    fn an_answer_has_the_form_that_is_asked_for() {
        let spec = REPORT.response;
        assert_eq!(spec.media(), ["application/json", "text/plain"]);
        let json = spec
            .render("application/json", "{\"lamps\":2}".to_owned())
            .unwrap();
        assert_eq!(json, Response::json(200, "{\"lamps\":2}"));
        let text = spec
            .render("text/plain", "{\"lamps\":2}".to_owned())
            .unwrap();
        assert_eq!(
            text,
            Response {
                status: 200,
                headers: vec![
                    ("content-type", "text/plain; charset=utf-8".to_owned()),
                    ("content-language", "en".to_owned()),
                ],
                body: b"{\"LAMPS\":2}".to_vec(),
            }
        );
    }

    #[test]
    fn an_answer_without_a_schema_has_no_body() {
        assert_eq!(PLAN.response.media(), ["application/json"]);
        let response = PLAN.response.render("application/json", "x".to_owned());
        assert_eq!(response, Ok(Response::empty(204)));
    }

    #[test]
    fn path_query_and_body_are_the_arguments() {
        with_call(None, |context| {
            assert_eq!(
                Value::Object(context.arguments()),
                json!({"id": "7", "minutes": "5", "input": {"name": "A", "watts": 3}})
            );
            assert_eq!(context.text("name"), "A");
            assert_eq!((context.text("watts"), context.text("other")), ("", ""));
        });
    }

    #[test]
    fn the_address_is_without_its_port() {
        for (header, expected) in [
            (Some("192.0.2.7:51234"), "192.0.2.7"),
            (Some("[2001:db8::1]:51234"), "2001:db8::1"),
            (Some("192.0.2.7"), "192.0.2.7"),
            (None, "unknown"),
        ] {
            with_call(header, |context| assert_eq!(context.address(), expected));
        }
    }
}
