//! Sends random writes to the first tenant, built from the components' declarations, with valid and invalid input.
//! The values of the fields are in `random_values`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Application, COMPONENTS, Reply, Role, Session, random_values as values, role, send};
use anyhow::{Context, Result};
use http::Method;
use platform::auth::policy::Verb;
use platform::declare::endpoint::{Endpoint, Operation};
use platform::declare::field::{Field, Kind, Writable};
use platform::declare::resource::Resource;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

/// Operations that would end the workload itself or slow it down, such as signing in and out.
const EXCLUDED_OPERATIONS: &[&str] = &[
    // An erasure changes past events by design, and each demo tenant has an erased person already.
    "privacy.erase",
    "auth.login",
    "auth.refresh",
    "auth.password.change",
    "auth.password.reset",
    "auth.password.confirm",
    "auth.sessions.delete",
];

/// The number of responses by operation and status.
pub type StatusCounts = BTreeMap<String, BTreeMap<u16, usize>>;

/// Returns every endpoint that writes.
pub fn write_endpoints() -> Vec<Endpoint> {
    COMPONENTS
        .iter()
        .flat_map(|component| component.endpoints())
        .filter(|endpoint| endpoint.method != Method::GET)
        .filter(|endpoint| !EXCLUDED_OPERATIONS.contains(&endpoint.operation_id().as_str()))
        .collect()
}

/// A random request.
#[derive(Clone)]
pub struct RandomRequest {
    /// The id of the operation.
    pub operation: String,
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The role of the account that sends it.
    pub role: Role,
    /// True when its `If-Match` names a version that the row does not have.
    pub stale: bool,
    /// The media type and the text of the body.
    pub content: Option<(&'static str, String)>,
}

impl RandomRequest {
    /// Sends the request and asserts that the response is no server error other than 503.
    pub async fn send(&self, app: &Application, session: &Session) -> Result<Reply> {
        let mut request = app
            .request(self.method.clone(), &self.path)
            .bearer_auth(&session.token);
        if self.method == Method::POST {
            request = request.header("idempotency-key", Uuid::now_v7().to_string());
        }
        if [Method::PATCH, Method::DELETE].contains(&self.method) {
            request = request.header("if-match", if self.stale { "\"0\"" } else { "*" });
        }
        if let Some((kind, text)) = &self.content {
            request = request.header("content-type", *kind).body(text.clone());
        }
        let reply = send(request).await?;
        assert!(
            reply.status < 500 || reply.status == 503,
            "{}: {} {}",
            self.operation,
            reply.status,
            reply.text
        );
        Ok(reply)
    }
}

/// A client that sends random requests.
pub struct RandomClient<'a> {
    app: &'a Application,
    database: Client,
    random: ChaCha8Rng,
    tenant: Uuid,
    /// The responses so far.
    pub status_counts: StatusCounts,
}

impl<'a> RandomClient<'a> {
    /// Returns a client whose random choices follow from a seed.
    pub async fn new(app: &'a Application, seed: u64) -> Result<Self> {
        let database = app.superuser().await?;
        // The database chooses rows at random, too.
        let seeded = f64::from(u32::try_from(seed)?) / 1e6;
        database.execute("select setseed($1)", &[&seeded]).await?;
        Ok(Self {
            app,
            database,
            random: ChaCha8Rng::seed_from_u64(seed),
            tenant: app.demo.tenants[0].id,
            status_counts: StatusCounts::new(),
        })
    }

    /// Calls every endpoint that writes this many times, in random order.
    pub async fn run_rounds(&mut self, rounds: usize) -> Result<()> {
        for _ in 0..rounds {
            let mut writes = write_endpoints();
            while !writes.is_empty() {
                let endpoint = writes.swap_remove(self.random.random_range(0..writes.len()));
                self.call(&endpoint).await?;
            }
        }
        Ok(())
    }

    /// Sends one random request to an endpoint.
    pub async fn call(&mut self, endpoint: &Endpoint) -> Result<()> {
        let Some(request) = self.random_request(endpoint).await? else {
            return Ok(());
        };
        let session = self.session(request.role).await?;
        let reply = request.send(self.app, &session).await?;
        *self
            .status_counts
            .entry(endpoint.operation_id())
            .or_default()
            .entry(reply.status)
            .or_default() += 1;
        Ok(())
    }

    /// Returns a random request to an endpoint, or none if there is no row to send it for.
    pub async fn random_request(&mut self, endpoint: &Endpoint) -> Result<Option<RandomRequest>> {
        let role = if self.random.random_bool(0.9) {
            role::ADMIN
        } else {
            role::ALL[self.random.random_range(0..role::ALL.len())]
        };
        let Some(path) = self.path(endpoint).await? else {
            return Ok(None);
        };
        let stale = self.random.random_bool(0.05);
        let content = match endpoint.operation {
            Operation::Verb(resource, Verb::Import) => {
                Some(("text/csv", self.file(resource).await?))
            }
            _ => self
                .body(endpoint)
                .await?
                .map(|body| ("application/json", body.to_string())),
        };
        Ok(Some(RandomRequest {
            operation: endpoint.operation_id(),
            method: endpoint.method.clone(),
            path,
            role,
            stale,
            content,
        }))
    }

    /// Creates a session for one request, because some operations end it.
    async fn session(&self, role: Role) -> Result<Session> {
        let user = self.app.user(0, role).id;
        let id = Uuid::now_v7();
        self.database
            .execute(
                "insert into lms.sessions (tenant_id, id, user_id, expires_at)
                values ($1, $2, $3, now() + interval '1 hour')",
                &[&self.tenant, &id, &user],
            )
            .await?;
        let mut session = Session {
            token: String::new(),
            refresh_token: String::new(),
            user,
            tenant: self.tenant,
            id,
        };
        session.token = self.app.token(&session, role, 60)?;
        Ok(session)
    }

    /// Returns the path of a row that the operation accepts, if there is one.
    async fn path(&mut self, endpoint: &Endpoint) -> Result<Option<String>> {
        let template = endpoint.template();
        if !template.contains('{') {
            return Ok(Some(template));
        }
        let noun = template
            .split('/')
            .nth(2)
            .context("the path names no resource")?;
        let table = noun.replace('-', "_");
        let sql = match values::row_query(&endpoint.operation_id()) {
            Some(sql) => sql.to_owned(),
            None => {
                let deleted = matches!(endpoint.operation, Operation::Verb(_, Verb::Restore));
                let condition = if deleted { "is not null" } else { "is null" };
                format!(
                    "select id, null from lms.{table}
                    where tenant_id = $1 and deleted_at {condition} order by random() limit 1"
                )
            }
        };
        let Some(row) = self.database.query_opt(&sql, &[&self.tenant]).await? else {
            return Ok(None);
        };
        let id: Uuid = row.get(0);
        let start: Option<String> = row.get(1);
        Ok(Some(
            template
                .replace("{id}", &id.to_string())
                .replace("{start}", &start.unwrap_or_default()),
        ))
    }

    async fn body(&mut self, endpoint: &Endpoint) -> Result<Option<Value>> {
        let operation = endpoint.operation_id();
        let mut body = match endpoint.operation {
            Operation::Verb(resource, Verb::Create) => {
                let fields = resource.fields.iter();
                let settable = fields.filter(|field| {
                    matches!(field.writable, Writable::Always | Writable::OnCreate)
                });
                self.object(&operation, settable, 0.4).await?
            }
            Operation::Verb(resource, Verb::Update) => {
                let fields = resource.fields.iter();
                let settable: Vec<&Field> = fields
                    .filter(|field| field.writable == Writable::Always)
                    .collect();
                if settable.is_empty() {
                    return Ok(Some(json!({})));
                }
                let chosen = settable[self.random.random_range(0..settable.len())];
                self.object(&operation, [chosen].into_iter(), 1.0).await?
            }
            Operation::Verb(..) => return Ok(None),
            Operation::Action(action) => match action.body {
                Some(fields) => self.object(&operation, fields.iter(), 0.3).await?,
                None => return Ok(None),
            },
        };
        values::remove_conflicts(&operation, &mut body);
        if self.random.random_bool(0.05) {
            body.insert("no_such_field".to_owned(), json!(1));
        }
        Ok(Some(Value::Object(body)))
    }

    /// Returns a CSV file of one row.
    async fn file(&mut self, resource: &'static Resource) -> Result<String> {
        let settable: Vec<&Field> = resource
            .fields
            .iter()
            .filter(|field| matches!(field.writable, Writable::Always | Writable::OnCreate))
            .filter(|field| !matches!(field.kind, Kind::Secret { .. }))
            .collect();
        let operation = format!("{}.create", resource.name);
        let mut body = self.object(&operation, settable.into_iter(), 0.4).await?;
        values::remove_conflicts(&operation, &mut body);
        let names: Vec<&str> = body.keys().map(String::as_str).collect();
        let cells: Vec<String> = body.values().map(values::csv_field).collect();
        Ok(format!("{}\n{}\n", names.join(","), cells.join(",")))
    }

    async fn object(
        &mut self,
        operation: &str,
        fields: impl Iterator<Item = &'static Field>,
        optional: f64,
    ) -> Result<Map<String, Value>> {
        let mut object = Map::new();
        for field in fields {
            if field.required || self.random.random_bool(optional) {
                let value = self.value(operation, field).await?;
                object.insert(field.name.to_owned(), value);
            }
        }
        Ok(object)
    }

    async fn value(&mut self, operation: &str, field: &'static Field) -> Result<Value> {
        if field.nullable && self.random.random_bool(0.1) {
            return Ok(Value::Null);
        }
        if let Some(value) = values::required_value(operation, field.name, &mut self.random) {
            return Ok(value);
        }
        if let Some(sql) = values::reference_query(operation, field.name) {
            return self.pick(sql).await;
        }
        Ok(match field.kind {
            Kind::Reference(table) => self.any_of(table).await?,
            Kind::References { table, items } => {
                let mut ids = BTreeSet::new();
                for _ in 0..self.random.random_range(0..=items.min(2)) {
                    ids.extend(self.any_of(table).await?.as_str().map(str::to_owned));
                }
                json!(ids)
            }
            Kind::Object(fields) => {
                Value::Object(Box::pin(self.object(operation, fields.iter(), 0.3)).await?)
            }
            Kind::Rows(fields) => {
                let mut rows = Vec::new();
                for _ in 0..self.random.random_range(0..=1) {
                    let row = Box::pin(self.object(operation, fields.iter(), 0.5)).await?;
                    rows.push(Value::Object(row));
                }
                Value::Array(rows)
            }
            kind => values::random_scalar(kind, &mut self.random),
        })
    }

    async fn any_of(&self, table: &str) -> Result<Value> {
        self.pick(&format!(
            "select id from lms.{table}
            where tenant_id = $1 and deleted_at is null order by random() limit 1"
        ))
        .await
    }

    /// Returns an id that a query finds, or an unused one.
    async fn pick(&self, sql: &str) -> Result<Value> {
        let row = self.database.query_opt(sql, &[&self.tenant]).await?;
        Ok(json!(row.map_or_else(Uuid::now_v7, |row| row.get(0))))
    }
}
