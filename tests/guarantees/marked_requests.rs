//! Sends requests to every operation with a marker in every text, for tests that search for the marker elsewhere.

use std::collections::BTreeMap;

use anyhow::Result;
use http::Method;
use platform::auth::policy::Verb;
use platform::declare::endpoint::{Endpoint, Operation};
use platform::declare::field::{Field, Kind, Writable};
use serde_json::{Map, Value, json};
use tests::{
    Application, COMPONENTS, Session, endpoint_path,
    random_requests::{RandomClient, RandomRequest},
    random_values, role, send,
};
use uuid::Uuid;

/// The prefix of every marked text.
pub(crate) const MARK: &str = "zqmk";
/// The digits of every marked telephone number.
pub(crate) const DIGITS: &str = "1632960987";

/// The number of responses by status.
pub(crate) type Statuses = BTreeMap<u16, usize>;

/// Operations that are not sent at random: an erasure needs a person of its own, and no id of a
/// session can be drawn, because no table has the name of its resource.
const EXCLUDED_OPERATIONS: &[&str] = &["privacy.erase", "auth.sessions.delete"];

/// Returns a marked value of a kind that accepts text.
fn marked(kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text { min, max } | Kind::Multiline { min, max } if max >= 2 * MARK.len() => {
            let text = format!("{MARK} Byron {}", "y".repeat(min));
            json!(text.chars().take(max).collect::<String>().trim_end())
        }
        Kind::Secret { min, max } | Kind::Password { min, max } => {
            let text = format!("{MARK}-{}-{}", Uuid::now_v7(), "x".repeat(min));
            json!(text.chars().take(max).collect::<String>())
        }
        Kind::Email => json!(format!("{MARK}.byron@work.example")),
        Kind::Phone => json!(format!("+44{DIGITS}")),
        Kind::Slug => json!(format!("{MARK}-byron")),
        Kind::TextList { .. } => json!([format!("{MARK} dyslexia")]),
        Kind::Json { .. } => json!({MARK: MARK}),
        _ => return None,
    })
}

/// Marks the text fields that a body has and, with `all`, adds the missing ones.
fn mark(body: &mut Map<String, Value>, fields: &[&Field], all: bool) {
    for field in fields {
        match (field.kind, body.get_mut(field.name)) {
            (_, None) if !all => {}
            (Kind::Object(members), Some(Value::Object(inner))) => {
                mark(inner, &members.iter().collect::<Vec<_>>(), all);
            }
            (Kind::Object(members), _) if all => {
                let mut inner = Map::new();
                mark(&mut inner, &members.iter().collect::<Vec<_>>(), all);
                body.insert(field.name.to_owned(), Value::Object(inner));
            }
            (Kind::Rows(members), Some(Value::Array(rows))) => {
                let members: Vec<&Field> = members.iter().collect();
                for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                    mark(row, &members, all);
                }
            }
            (_, Some(Value::String(url))) if url.starts_with("https://") => {
                url.push_str(&format!("/{MARK}"));
            }
            (kind, _) => {
                if let Some(value) = marked(kind) {
                    body.insert(field.name.to_owned(), value);
                }
            }
        }
    }
}

/// Returns the fields that the body of an endpoint may have.
fn fields(endpoint: &Endpoint) -> Vec<&'static Field> {
    match endpoint.operation {
        Operation::Verb(resource, _) => resource
            .fields
            .iter()
            .filter(|field| matches!(field.writable, Writable::Always | Writable::OnCreate))
            .collect(),
        Operation::Action(action) => action.body.unwrap_or_default().iter().collect(),
    }
}

/// Returns the bodies to send: random, with all texts, with marks of the wrong type, with unknown references, and with a
/// character that PostgreSQL cannot store.
fn bodies(endpoint: &Endpoint, drawn: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let operation = endpoint.operation_id();
    let fields = fields(endpoint);
    let mut some = drawn.clone();
    mark(&mut some, &fields, false);
    let mut all = drawn.clone();
    mark(&mut all, &fields, true);
    random_values::remove_conflicts(&operation, &mut all);
    let (mut wrong_types, mut unknown_references, mut nul_characters) =
        (some.clone(), some.clone(), some.clone());
    for field in &fields {
        if marked(field.kind).is_none() && drawn.contains_key(field.name) {
            wrong_types.insert(field.name.to_owned(), json!(MARK));
        }
        if let Kind::Reference(_) = field.kind {
            unknown_references.insert(field.name.to_owned(), json!(Uuid::now_v7()));
        }
        if let Kind::Json { .. } = field.kind {
            nul_characters.insert(field.name.to_owned(), json!({MARK: format!("{MARK}\0")}));
        }
        if let (Kind::Text { .. }, Some(Value::String(text))) =
            (field.kind, nul_characters.get_mut(field.name))
        {
            text.push('\0');
        }
    }
    vec![
        some.clone(),
        some,
        all,
        wrong_types,
        unknown_references,
        nul_characters,
    ]
}

/// A client that sends marked requests.
pub(crate) struct Sender<'a> {
    app: &'a Application,
    session: Session,
    /// The responses so far, by status.
    pub(crate) statuses: Statuses,
}

impl<'a> Sender<'a> {
    pub(crate) async fn new(app: &'a Application) -> Result<Self> {
        Ok(Self {
            app,
            session: app.session(0, role::ADMIN).await?,
            statuses: Statuses::new(),
        })
    }

    /// Sends every write with every body, then reads every list and every path with marks.
    pub(crate) async fn send_all(&mut self) -> Result<()> {
        let mut worker = RandomClient::new(self.app, 11).await?;
        let endpoints = || {
            COMPONENTS
                .iter()
                .flat_map(|component| component.endpoints())
        };
        for endpoint in endpoints().filter(|endpoint| endpoint.method != Method::GET) {
            if EXCLUDED_OPERATIONS.contains(&endpoint.operation_id().as_str()) {
                continue;
            }
            if let Some(drawn) = worker.random_request(&endpoint).await? {
                self.write(&endpoint, drawn).await?;
            }
        }
        for endpoint in endpoints().filter(|endpoint| endpoint.method == Method::GET) {
            self.read(&endpoint).await?;
        }
        Ok(())
    }

    async fn write(&mut self, endpoint: &Endpoint, drawn: RandomRequest) -> Result<()> {
        let mut requests = Vec::new();
        match drawn.content.as_ref() {
            Some(("application/json", text)) => {
                let body: Map<String, Value> = serde_json::from_str(text)?;
                for body in bodies(endpoint, &body) {
                    requests.push(RandomRequest {
                        content: Some(("application/json", Value::Object(body).to_string())),
                        ..drawn.clone()
                    });
                }
            }
            Some((kind, text)) => {
                let text = marked_file(endpoint, text);
                for path in [
                    format!("{}?dry_run=true", drawn.path),
                    drawn.path.clone(),
                    drawn.path.clone(),
                ] {
                    requests.push(RandomRequest {
                        path,
                        content: Some((kind, text.clone())),
                        ..drawn.clone()
                    });
                }
            }
            None => requests.push(drawn.clone()),
        }
        if [Method::PATCH, Method::DELETE].contains(&drawn.method)
            && let Some(request) = requests.first().cloned()
        {
            // The request with a stale version comes first, because the others may delete the row.
            requests.insert(
                0,
                RandomRequest {
                    stale: true,
                    ..request
                },
            );
        }
        for request in requests {
            self.send(&request).await?;
        }
        // The request is repeated without a session and with a limited role.
        let nobody = self
            .app
            .request(drawn.method.clone(), &drawn.path)
            .json(&json!({"name": MARK}));
        self.note(send(nobody).await?.status);
        let student = self.app.session(0, role::STUDENT).await?;
        let reply = drawn.send(self.app, &student).await?;
        self.note(reply.status);
        Ok(())
    }

    async fn send(&mut self, request: &RandomRequest) -> Result<()> {
        let reply = request.send(self.app, &self.session).await?;
        if reply.status == 401 {
            // Some operations end the session.
            self.session = self.app.session(0, role::ADMIN).await?;
        }
        self.note(reply.status);
        Ok(())
    }

    async fn read(&mut self, endpoint: &Endpoint) -> Result<()> {
        let template = endpoint.template();
        let bare = endpoint_path(endpoint, Uuid::now_v7());
        let mut targets = vec![bare.clone(), template.replace("{id}", MARK)];
        if let Operation::Verb(resource, Verb::List) = endpoint.operation {
            let filters = resource
                .all_fields()
                .map(|field| format!("{}={MARK}", field.name));
            let others = ["sort", "cursor", "limit", "colour"].map(|name| format!("{name}={MARK}"));
            targets.extend(filters.chain(others).map(|query| format!("{bare}?{query}")));
        }
        if let Operation::Action(action) = endpoint.operation {
            let stem = bare.split('?').next().unwrap_or_default().to_owned();
            targets.extend(
                action
                    .query
                    .iter()
                    .map(|field| format!("{stem}?{}={MARK}", field.name)),
            );
        }
        for target in targets {
            let request = self
                .app
                .request(Method::GET, &target)
                .bearer_auth(&self.session.token);
            let reply = send(request).await?;
            assert!(reply.status < 500, "{target}: {}", reply.text);
            self.note(reply.status);
        }
        Ok(())
    }

    fn note(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }
}

/// Marks the texts of a file, and repeats each row.
fn marked_file(endpoint: &Endpoint, text: &str) -> String {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let mut row: Vec<String> = Vec::new();
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    if let Some(Ok(record)) = reader.records().next() {
        for (name, cell) in header.split(',').zip(record.iter()) {
            let kind = fields(endpoint)
                .into_iter()
                .find(|field| field.name == name)
                .and_then(|field| marked(field.kind));
            let value = kind.unwrap_or_else(|| json!(cell));
            row.push(random_values::csv_field(&value));
        }
    }
    let row = row.join(",");
    format!("{header}\n{row}\n{row}\n")
}
