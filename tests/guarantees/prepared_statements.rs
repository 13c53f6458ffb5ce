//! Tests the statements that `lms.run` keeps prepared on a connection.

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, Method};
use platform::auth::policy::{Grant, Verb};
use platform::declare::endpoint::Endpoint;
use platform::declare::field::Kind;
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::single_row;
use platform::http::request::Request;
use platform::sql::database::CALL;
use platform::sql::statement::{Sql, Statement};
use serde_json::{Value, json};
use tests::{Application, COMPONENTS, role, run};
use tokio_postgres::Client;
use uuid::Uuid;

/// A connection of the components' role, with the context of an admin.
struct Connection {
    client: Client,
    context: String,
}

/// The result row of `lms.run`.
#[derive(Debug)]
struct QueryResult {
    body: Option<String>,
    refusal: Option<Value>,
}

impl Connection {
    async fn open(app: &Application) -> Result<Connection> {
        let session = app.session(0, role::ADMIN).await?;
        let context = json!({
            "region": "eu",
            "tenant": session.tenant,
            "user": session.user,
            "session": session.id,
            "role": "admin",
            "request_id": "r-1",
        });
        Ok(Connection {
            client: database::connect(&app.application_url).await?,
            context: context.to_string(),
        })
    }

    async fn call(&self, statement: &Statement, arguments: &Value) -> Result<QueryResult> {
        let arguments = arguments.to_string();
        let row = self
            .client
            .query_one(
                CALL,
                &[&self.context, &statement.name, &statement.text, &arguments],
            )
            .await?;
        let refusal: Option<String> = row.get(3);
        Ok(QueryResult {
            body: row.get(0),
            refusal: refusal
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
        })
    }

    /// Counts the prepared statements whose names match.
    async fn count_statements(&self, like: &str) -> Result<i64> {
        let row = self
            .client
            .query_one(
                "select count(*) from pg_prepared_statements where from_sql and name like $1",
                &[&like],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// Returns every resource that can be listed, with each grant.
fn lists() -> impl Iterator<Item = (&'static Resource, &'static Grant)> {
    COMPONENTS.iter().flat_map(|component| {
        component.resources.iter().flat_map(|resource| {
            role::ALL
                .into_iter()
                .filter_map(|role| component.grant(resource.name, role, Verb::List))
                .map(move |grant| (resource, grant))
        })
    })
}

fn value(kind: Kind) -> Option<String> {
    Some(match kind {
        Kind::Text { .. } => "ab".to_owned(),
        Kind::Slug => "ab".to_owned(),
        Kind::Email => "ada@aurora.example".to_owned(),
        Kind::Id | Kind::Reference(_) => Uuid::nil().to_string(),
        Kind::OneOf(words) => words[0].to_owned(),
        Kind::Boolean => "true".to_owned(),
        Kind::Date => "2026-03-29".to_owned(),
        Kind::Time => "2026-03-29T16:00:00Z".to_owned(),
        Kind::Integer { min, .. } => min.to_string(),
        _ => return None,
    })
}

fn list(resource: &Resource, grant: &Grant, query: &str) -> Option<(Statement, Value)> {
    let request = Request {
        method: Method::GET,
        path: "/v1/x".to_owned(),
        query: Some(query.to_owned()),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let listing = Listing::parse(&request, resource, grant).ok()?;
    let statement = listing.statement(resource, grant);
    Some((statement, Value::Object(listing.arguments())))
}

/// Returns the statements of lists filtered by one field, which stay prepared only while in use.
fn filtered_lists() -> Vec<(Statement, Value)> {
    let mut found: Vec<(Statement, Value)> = Vec::new();
    for (resource, grant) in lists() {
        let fields = resource.all_fields().filter(|field| field.filterable);
        for field in fields {
            let Some(value) = value(field.kind) else {
                continue;
            };
            let Some(new) = list(resource, grant, &format!("{}={value}", field.name)) else {
                continue;
            };
            if new.0.name.contains('~') && found.iter().all(|(old, _)| old.name != new.0.name) {
                found.push(new);
            }
        }
    }
    found
}

/// Returns the statements that read one row of each resource by id.
fn fixed() -> Vec<Statement> {
    let endpoints = COMPONENTS
        .iter()
        .flat_map(|component| component.endpoints());
    let resources: Vec<&Resource> = endpoints
        .filter_map(|endpoint: Endpoint| match endpoint.operation {
            platform::declare::endpoint::Operation::Verb(resource, Verb::Get) => Some(resource),
            _ => None,
        })
        .collect();
    lists()
        .filter(|(resource, grant)| {
            grant.role == role::ADMIN && resources.iter().any(|one| one.name == resource.name)
        })
        .map(|(resource, grant)| single_row::get(resource, grant))
        .collect()
}

#[test]
fn variable_statements_are_limited_and_do_not_evict_fixed_ones() {
    run(async |app| {
        let connection = Connection::open(app).await?;
        let fixed = fixed();
        ensure!(fixed.len() >= 15, "{} resources", fixed.len());
        for statement in &fixed {
            let answer = connection
                .call(statement, &json!({"id": Uuid::nil()}))
                .await?;
            assert_eq!(
                (answer.body, answer.refusal),
                (None, None),
                "{}",
                statement.name
            );
        }
        let filtered = filtered_lists();
        ensure!(filtered.len() > 100, "{} lists", filtered.len());
        let (usual, arguments) = filtered.first().context("a list")?;
        for (statement, with) in &filtered {
            for (statement, arguments) in
                [(statement, with), (usual, arguments), (usual, arguments)]
            {
                let answer = connection.call(statement, arguments).await?;
                assert!(
                    answer.body.is_some(),
                    "{}: {:?}",
                    statement.name,
                    answer.refusal
                );
            }
            assert!(connection.count_statements("%~%").await? <= 32);
        }
        // The maximum is reached, and the statement that is used continuously is among them.
        assert_eq!(connection.count_statements("%~%").await?, 32);
        assert_eq!(
            connection
                .count_statements(&format!("{}@%", usual.name))
                .await?,
            1
        );
        for statement in &fixed {
            let statement_count = connection
                .count_statements(&format!("{}@%", statement.name))
                .await?;
            assert_eq!(statement_count, 1, "{}", statement.name);
        }
        // An evicted statement is prepared again.
        let (evicted, arguments) = &filtered[1];
        assert!(connection.call(evicted, arguments).await?.body.is_some());
        Ok(())
    });
}

#[test]
fn fixed_statements_are_limited() {
    run(async |app| {
        let connection = Connection::open(app).await?;
        const WORDS: [&str; 2] = ["no ", "yes "];
        for number in 0..300_u32 {
            // These are 300 different texts.
            let mut sql = Sql::from("-- ");
            for place in 0..9 {
                sql.push(WORDS[usize::from((number >> place) & 1 == 1)]);
            }
            sql.push("\nselect 'body', 'tag'");
            let answer = connection.call(&sql.prepared("tries"), &json!({})).await?;
            assert_eq!(answer.body.as_deref(), Some("body"));
        }
        assert_eq!(connection.count_statements("tries#%").await?, 256);
        Ok(())
    });
}

#[test]
fn a_statement_prepared_by_another_client_is_not_executed() {
    run(async |app| {
        let connection = Connection::open(app).await?;
        let ours = Sql::from("select 'ours', null").prepared("tries");
        connection
            .client
            .batch_execute(&format!(
                "prepare \"{}\" (jsonb) as select 'theirs', null",
                ours.name
            ))
            .await?;
        for _ in 0..2 {
            let answer = connection.call(&ours, &json!({})).await?;
            assert_eq!(answer.body.as_deref(), Some("ours"));
        }
        // A text with another statement's name is not executed either.
        let other = Statement {
            name: Sql::from("select 'other', null").prepared("tries").name,
            text: "select 'theirs', null".to_owned(),
        };
        for _ in 0..2 {
            let answer = connection.call(&other, &json!({})).await?;
            assert_eq!(answer.body, None);
            assert_eq!(answer.refusal.context("a refusal")?["code"], "LM503");
        }
        Ok(())
    });
}

#[test]
fn deferred_constraints_are_reported_as_errors() {
    run(async |app| {
        let connection = Connection::open(app).await?;
        // The deferred constraint is on a table that only this test creates.
        app.superuser()
            .await?
            .batch_execute(
                "create table lms.late (name text constraint late_name_key unique deferrable initially deferred);
                grant select, insert on lms.late to lms_application",
            )
            .await?;
        let statement =
            Sql::from("insert into lms.late values ($1->>'name') returning 'made', null")
                .prepared("tries");
        let first = connection.call(&statement, &json!({"name": "a"})).await?;
        assert_eq!(first.body.as_deref(), Some("made"));
        let second = connection.call(&statement, &json!({"name": "a"})).await?;
        assert_eq!(second.body, None);
        let refusal = second.refusal.context("a refusal")?;
        assert_eq!(
            (&refusal["code"], &refusal["constraint"]),
            (&json!("23505"), &json!("late_name_key"))
        );
        Ok(())
    });
}
