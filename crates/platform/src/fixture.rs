//! The fixture that the unit tests share: a component that exists nowhere else, settings, requests,
//! and a database that only records its calls. The tests themselves are beside the code that they
//! test.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::claims::Claims;
use crate::auth::policy::{Grant, Policy, Verb};
use crate::auth::role::Role;
use crate::auth::verbs::PLAIN;
use crate::declare::action::{Action, ResponseFuture};
use crate::declare::action_context::ActionContext;
use crate::declare::component::{Application, Component};
use crate::declare::field::{Field, Kind};
use crate::declare::resource::Resource;
use crate::declare::response_spec::{Representation, ResponseSchema, ResponseSpec};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::settings::Settings;
use crate::sql::database::{Database, Pause, Pending};
use crate::sql::error::QueryError;
use crate::sql::sqlstate;
use crate::sql::statement::{Sql, Statement};

/// The roles of a house with lamps.
pub(crate) mod role {
    use crate::auth::role::Role;

    pub(crate) const ADMIN: Role = Role::new("admin").reading_history();
    pub(crate) const KEEPER: Role = Role::new("keeper");
    pub(crate) const GUEST: Role = Role::new("guest");
    pub(crate) const VISITOR: Role = Role::new("visitor");
}

/// A resource with a field of each kind that matters.
pub(crate) const LAMPS: Resource = Resource {
    name: "lamps",
    table: "lamps",
    singular: "lamp",
    plural: "lamps",
    description: "A lamp.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 20 }, "What it is called.")
            .required()
            .sortable(),
        Field::new("owner_id", Kind::Reference("users"), "Whose it is.")
            .nullable()
            .filterable(),
        Field::new(
            "kind",
            Kind::OneOf(&["desk", "floor"]),
            "What it stands on.",
        )
        .on_create()
        .default("'desk'")
        .filterable(),
        Field::new(
            "watts",
            Kind::Integer { min: 1, max: 100 },
            "How bright it is.",
        )
        .default("10")
        .sortable(),
        Field::new("bought_on", Kind::Date, "When it was bought.")
            .nullable()
            .filterable(),
        Field::new(
            "tags",
            Kind::TextList { items: 3, max: 10 },
            "Words about it.",
        )
        .default("'[]'::jsonb"),
        Field::new("is_on", Kind::Boolean, "Whether it shines.")
            .read_only()
            .filterable(),
        Field::new("code", Kind::Secret { min: 1, max: 10 }, "What unlocks it.").nullable(),
    ],
    owner: Some("owner_id"),
    verbs: PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// A resource that is about money.
pub(crate) const BILLS: Resource = Resource {
    name: "bills",
    table: "bills",
    singular: "electric bill",
    plural: "electric bills",
    description: "A bill.",
    fields: &[Field::new("note", Kind::Text { min: 0, max: 20 }, "A note.").required()],
    owner: None,
    verbs: &[Verb::List, Verb::Create, Verb::Update],
    validate: None,
    requires_match: true,
    requires_key: true,
};

const ALL: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
    Verb::Import,
    Verb::Export,
    Verb::Action("switch"),
];

/// All verbs and all fields.
pub(crate) static ADMIN: Grant = Grant::new(role::ADMIN, ALL);
/// All fields of its own rows, and few of others' rows.
pub(crate) static KEEPER: Grant = Grant::new(role::KEEPER, &[Verb::List, Verb::Get, Verb::Update])
    .shared_fields(&["name", "kind"])
    .writing(&["name", "tags"]);
/// Few fields.
pub(crate) static GUEST: Grant =
    Grant::new(role::GUEST, &[Verb::List, Verb::Get]).reading(&["name", "watts"]);

const SWITCH: Action = Action::post("/v1/lamps/{id}/switch")
    .id("lamps.switch")
    .summary("Switch a lamp")
    .granted("lamps", Verb::Action("switch"))
    .query(&[Field::new(
        "minutes",
        Kind::Integer { min: 1, max: 60 },
        "For how long.",
    )])
    .responds(ResponseSpec::resource(&LAMPS, "The lamp."))
    .sql("select 1");

const SETTLE: Action = Action::post("/v1/bills/{id}/settle")
    .id("bills.settle")
    .summary("Settle a bill")
    .granted("bills", Verb::Action("settle"))
    .responds(ResponseSpec::none("Nothing."))
    .sql("select 1");

/// An action whose path has a time and a word in it.
pub(crate) const PLAN: Action = Action::put("/v1/lamps/{id}/nights/{start}/{phase}")
    .id("lamps.plan")
    .segments(&[
        Field::new("start", Kind::Time, "When the night begins."),
        Field::new("phase", Kind::OneOf(&["dusk", "dawn"]), "Which end."),
    ])
    .summary("Plan a night")
    .signed_in()
    .responds(ResponseSpec::none("Nothing."))
    .sql("select 1");

/// An action that has other representations than JSON.
pub(crate) const REPORT: Action = Action::get("/v1/lamps/report")
    .id("lamps.report")
    .summary("Report on lamps")
    .signed_in()
    .responds(
        ResponseSpec::of(
            ResponseSchema::Representations(
                &[Field::new("lamps", Kind::Integer { min: 0, max: 9 }, "How many.").required()],
                &[Representation {
                    media: "text/plain",
                    headers: &[("content-language", "en")],
                    write: shout,
                }],
            ),
            "The report.",
        )
        .problems(&[404]),
    )
    .sql("select 1");

fn shout(json: &str) -> Result<String, Problem> {
    Ok(json.to_uppercase())
}

const ASK: Action = Action::post("/v1/ask")
    .id("oracle.ask")
    .summary("Ask")
    .signed_in()
    .body(&[Field::new("question", Kind::Text { min: 1, max: 20 }, "What.").required()])
    .responds(ResponseSpec::none("Nothing."))
    .custom(ask);

const PING: Action = Action::get("/ping")
    .id("ping")
    .summary("Ping")
    .public()
    .responds(ResponseSpec::none("Pong.").status(200))
    .custom(ping);

fn ask<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let statement = Sql::from("-- oracle.ask").unprepared();
        match context.run(&statement, context.arguments()).await {
            Ok(_) => Ok(Response::empty(204)),
            Err(error) => sqlstate::into_response(error),
        }
    })
}

fn ping<'a>(_: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async { Ok(Response::json(200, "{}")) })
}

static ACTIONS: &[Action] = &[SWITCH, SETTLE, PLAN, REPORT, ASK, PING];

/// The application.
pub(crate) static HOUSE: Application = Application {
    title: "A house with lamps",
    roles: &[role::GUEST, role::VISITOR, role::KEEPER, role::ADMIN],
    regions: &["eu", "au", "us"],
    groups: &[],
};

/// The component.
pub(crate) static COMPONENT: Component = Component {
    name: "light",
    resources: &[LAMPS, BILLS],
    actions: ACTIONS,
    policies: &[
        Policy {
            resource: "lamps",
            grants: &[ADMIN, KEEPER, GUEST],
        },
        Policy {
            resource: "bills",
            grants: &[Grant::new(
                role::ADMIN,
                &[
                    Verb::List,
                    Verb::Create,
                    Verb::Update,
                    Verb::Action("settle"),
                ],
            )],
        },
    ],
    application: &HOUSE,
}
.checked();

/// Settings of the region `eu`.
pub(crate) fn settings() -> Settings {
    settings_with(&[])
}

/// Settings of the region `eu` with other values of some variables.
pub(crate) fn settings_with(others: &[(&str, &str)]) -> Settings {
    let mut values = variables();
    values.extend(others.iter().copied());
    Settings::read(HOUSE.regions, |name| Ok(values[name].to_owned()))
        .expect("the settings can be read")
}

/// The variables of a component.
pub(crate) fn variables() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("cell", "eu-standard"),
        ("region", "eu"),
        (
            "base_urls",
            r#"{"eu": "https://eu.example.org", "au": "https://au.example.org"}"#,
        ),
        (
            "signing_keys",
            "one:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
        ),
        ("database_url", "postgres://lms@db.example.org/lms"),
        ("database_ca", ""),
        ("allowed_origins", ""),
        ("webhook_networks", ""),
        ("trusted_proxies", ""),
        ("client_address_header", ""),
    ])
}

/// Returns claims of a role in the region `eu` that are valid for a minute.
pub(crate) fn claims(role: Role) -> Claims {
    let now = chrono::Utc::now().timestamp();
    Claims {
        aud: "eu".to_owned(),
        sub: Uuid::from_u128(1),
        tid: Uuid::from_u128(2),
        sid: Uuid::from_u128(3),
        role: role.name().to_owned(),
        lang: None,
        iat: now,
        exp: now + 60,
    }
}

/// A request without headers and body.
pub(crate) fn request(method: Method, target: &str) -> Request {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    Request {
        method,
        path: path.to_owned(),
        query,
        headers: HeaderMap::new(),
        body: Vec::new(),
    }
}

impl Request {
    /// Adds a line of a header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Request {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Signs the request in as the role.
    pub(crate) fn signed_in(self, settings: &Settings, role: Role) -> Request {
        let token = settings.keys.sign(&claims(role)).expect("a token");
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// Adds a body of the media type.
    pub(crate) fn body(mut self, media: &str, body: &str) -> Request {
        self.body = body.as_bytes().to_vec();
        self.with("content-type", media)
    }
}

/// A database that is unavailable and records its calls.
#[derive(Default)]
pub(crate) struct Recorder {
    /// The context, statement and arguments of each call.
    pub(crate) calls: RefCell<Vec<(Value, Statement, Value)>>,
}

impl Database for Recorder {
    fn run<'a>(
        &'a self,
        context: String,
        statement: &'a Statement,
        arguments: String,
    ) -> Pending<'a> {
        let json = |text: &str| serde_json::from_str(text).expect("JSON");
        self.calls
            .borrow_mut()
            .push((json(&context), statement.clone(), json(&arguments)));
        Box::pin(std::future::ready(Err(QueryError::Unavailable(
            "recorded".to_owned(),
        ))))
    }

    fn pause<'a>(&'a self, _: Duration) -> Pause<'a> {
        Box::pin(std::future::ready(()))
    }
}

/// Returns the output of a future that never waits.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}
