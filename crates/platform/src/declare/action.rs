//! Actions: endpoints that a component writes by hand, because they are not one of the plain verbs.
//!
//! An action states its types, its rule and its SQL; the pipeline does everything else.

use std::pin::Pin;

use http::Method;
use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::policy::{Access, Grant};
use crate::declare::field::Field;
use crate::declare::resource::Resource;
use crate::http::asker::Asker;
use crate::http::client_address;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::settings::Settings;
use crate::sql::database::{Answer, Client};
use crate::sql::error::Failure;
use crate::sql::statement::Statement;

const JSON: &str = "application/json";

/// One endpoint written by hand.
pub struct Action {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces, such as `/v1/users/{id}/deactivate`.
    pub path: &'static str,
    /// The path's parameters that are no UUIDs: what values they take.
    pub segments: &'static [Field],
    /// The operation's id in the reference, such as `users.deactivate`.
    pub operation: &'static str,
    /// A few words for the reference page.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The body's fields; none when it takes no body.
    pub body: Option<&'static [Field]>,
    /// The query's parameters.
    pub query: &'static [Field],
    /// What it answers.
    pub answers: Answers,
    /// What it does.
    pub run: Run,
}

/// What an action answers.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// The HTTP status.
    pub status: u16,
    /// What the body is; none when it is empty.
    pub schema: Option<Shape>,
    /// What it is, for the reference.
    pub description: &'static str,
    /// The statuses that its own statement or rule answers, besides those that follow from access, path and body: problems, and 304 where
    /// the answer has a version that is no resource's.
    pub problems: &'static [u16],
}

/// What the body of an answer is.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// An object with these fields.
    Fields(&'static [Field]),
    /// One of this resource.
    Resource(&'static Resource),
    /// An object with these fields, or one of its other forms for who asks for that.
    Forms(&'static [Field], &'static [Form]),
    /// Text of this media type, written by a [`Run::Custom`].
    Document(&'static str),
}

/// Another form of what a statement answers as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Its media type, such as `text/html`.
    pub media: &'static str,
    /// The headers that go with it, besides `Content-Type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Writes it from the JSON text.
    pub write: fn(&str) -> Result<String, Problem>,
}

impl Answers {
    /// The media types that there are, our own favourite first.
    pub fn media(&self) -> Vec<&'static str> {
        match self.schema {
            Some(Shape::Document(media)) => vec![media],
            Some(Shape::Forms(_, forms)) => std::iter::once(JSON)
                .chain(forms.iter().map(|form| form.media))
                .collect(),
            _ => vec![JSON],
        }
    }

    /// What a statement answered, in one of the media types.
    ///
    /// # Errors
    ///
    /// When another form can't be written from it.
    pub fn respond(&self, media: &str, body: String) -> Result<Response, Problem> {
        let form = match self.schema {
            None => return Ok(Response::empty(self.status)),
            Some(Shape::Forms(_, forms)) => forms.iter().find(|form| form.media == media),
            Some(_) => None,
        };
        let Some(form) = form else {
            return Ok(Response::json(self.status, body));
        };
        let headers = form
            .headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Ok(Response {
            status: self.status,
            headers: std::iter::once(("content-type", format!("{media}; charset=utf-8")))
                .chain(headers)
                .collect(),
            body: (form.write)(&body)?.into_bytes(),
        })
    }
}

/// What an action does.
pub enum Run {
    /// Runs one statement with the checked input as its arguments.
    Statement(fn() -> Statement),
    /// The same, for a statement that may take as long as an import's.
    Lengthy(fn() -> Statement),
    /// Runs one statement whose text depends on what the caller may see.
    View(fn(&Grant) -> Statement),
    /// Computes arguments first (hashes, tokens), then runs one statement.
    Prepared(
        fn(&Call<'_>) -> Result<Map<String, Value>, Problem>,
        fn(&Grant) -> Statement,
    ),
    /// Asks another component for what the arguments need, then runs one statement.
    Asking(
        for<'a> fn(&'a Call<'a>) -> Arguments<'a>,
        fn(&Grant) -> Statement,
    ),
    /// Does all by itself, with several statements or none. Answers of it are not kept for an idempotency
    /// key, under which one statement alone can be kept: it must be safe to repeat.
    Custom(for<'a> fn(&'a Call<'a>) -> Done<'a>),
}

/// The arguments of a statement, when what was asked for them is there.
pub type Arguments<'a> = Pin<Box<dyn Future<Output = Result<Map<String, Value>, Problem>> + 'a>>;

/// The response of an action that does all by itself.
pub type Done<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + 'a>>;

/// An action's call: everything that it can know.
pub struct Call<'a> {
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

impl Call<'_> {
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
    ) -> Result<Answer, Failure> {
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
    fn with_call(address: Option<&str>, check: impl Fn(&Call<'_>)) {
        let given = request(Method::POST, "/v1/lamps");
        let given = match address {
            Some(address) => given.with("spin-client-addr", address),
            None => given,
        };
        let (settings, recorder) = (settings(), Recorder::default());
        let path = Map::from_iter([("id".to_owned(), json!("7"))]);
        check(&Call {
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
                crate::sql::context::Context::new("eu-standard", "eu", None, "r-1"),
            ),
        });
    }

    #[test]
    fn an_answer_has_the_form_that_is_asked_for() {
        let answers = REPORT.answers;
        assert_eq!(answers.media(), ["application/json", "text/plain"]);
        let json = answers
            .respond("application/json", "{\"lamps\":2}".to_owned())
            .unwrap();
        assert_eq!(json, Response::json(200, "{\"lamps\":2}"));
        let text = answers
            .respond("text/plain", "{\"lamps\":2}".to_owned())
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
        assert_eq!(PLAN.answers.media(), ["application/json"]);
        let response = PLAN.answers.respond("application/json", "x".to_owned());
        assert_eq!(response, Ok(Response::empty(204)));
    }

    #[test]
    fn path_query_and_body_are_the_arguments() {
        with_call(None, |call| {
            assert_eq!(
                Value::Object(call.arguments()),
                json!({"id": "7", "minutes": "5", "input": {"name": "A", "watts": 3}})
            );
            assert_eq!(call.text("name"), "A");
            assert_eq!((call.text("watts"), call.text("other")), ("", ""));
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
            with_call(header, |call| assert_eq!(call.address(), expected));
        }
    }
}
