//! The context of an action: everything that it can know of its request. The pipeline creates it
//! from a resolved request (`pipeline::request_context`).

use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::http::client_address;
use crate::http::headers;
use crate::http::request::Request;
use crate::http::requester::Requester;
use crate::settings::Settings;
use crate::sql::database::{Client, QueryResult};
use crate::sql::error::QueryError;
use crate::sql::statement::Statement;

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
    /// The caller; none if the endpoint is public.
    pub caller: Option<&'a Caller>,
    /// The component's settings.
    pub settings: &'a Settings,
    /// The database in the context of the request.
    pub client: &'a Client<'a>,
}

impl ActionContext<'_> {
    /// Returns a text of the checked body, which is empty if it was left out.
    pub fn text(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns path, query and body as one object: the arguments of a statement.
    pub fn arguments(&self) -> Map<String, Value> {
        let mut arguments = self.path.clone();
        arguments.extend(self.query.clone());
        arguments.insert("input".to_owned(), Value::Object(self.body.clone()));
        arguments
    }

    /// Runs a statement in the context of the request.
    ///
    /// # Errors
    ///
    /// When the database refuses it or cannot be reached.
    pub async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<QueryResult, QueryError> {
        self.client.run(statement, arguments).await
    }

    /// Returns the client on whose behalf another component is asked, whose requests are queued
    /// fairly: the client's network, and the caller or another name for the account.
    pub fn requester(&self, account: &str) -> Requester {
        let caller = self.caller.map(|caller| caller.user.to_string());
        Requester {
            group: client_address::network(&self.address()),
            member: caller.unwrap_or_else(|| account.to_owned()),
            traceparent: headers::traceparent(self.request).map(str::to_owned),
        }
    }

    /// Returns the address of the client, for limits on attempts; see
    /// [`crate::http::client_address`].
    pub fn address(&self) -> String {
        self.settings.trusted_proxies.client(self.request)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::fixture::{Recorder, request, settings};
    use crate::sql::database::Client;

    /// Passes a context with the header to `check`.
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
