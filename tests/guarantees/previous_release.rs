//! Tests that the previous release's components work on this release's schema, alone and next to this release's.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use http::Method;
use platform::auth::policy::Verb;
use platform::declare::endpoint::{Endpoint, Operation};
use serde_json::{Value, json};
use tests::{
    Application, COMPONENTS, Releases, Reply, Session,
    random_requests::{RandomClient, RandomRequest, write_endpoints},
    role, run_with_previous_release,
};
use uuid::Uuid;

/// The number of attempts at each write on both schemas.
const TRIES: usize = 3;

/// Returns method and path of every endpoint of the previous release.
async fn operations(previous: &Application) -> Result<BTreeSet<(String, String)>> {
    let document = previous
        .call(None, Method::GET, "/v1/openapi.json", None)
        .await?
        .expect(200)
        .json();
    let paths = document["paths"].as_object().context("paths")?;
    Ok(paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, _)| (method.to_uppercase(), path.clone()))
        })
        .collect())
}

fn is_known(known: &BTreeSet<(String, String)>, endpoint: &Endpoint) -> bool {
    known.contains(&(endpoint.method.to_string(), endpoint.template()))
}

#[test]
fn the_previous_release_is_ready_on_the_new_schema_and_reads_the_same_data() {
    run_with_previous_release(async |releases| {
        let Releases {
            old_on_old_schema,
            old_on_new_schema,
            new,
        } = releases;
        for app in [old_on_new_schema, new] {
            app.call(None, Method::GET, "/readyz", None)
                .await?
                .expect(200);
        }
        let known = operations(old_on_new_schema).await?;
        let mut read = 0;
        for role in role::ALL {
            let sessions = (
                old_on_old_schema.session(0, role).await?,
                old_on_new_schema.session(0, role).await?,
            );
            for path in lists(&known) {
                let now =
                    reads_alike(&sessions, (old_on_old_schema, old_on_new_schema), &path).await?;
                read += usize::from(now.status == 200);
                for row in now.json()["data"].as_array().into_iter().flatten().take(2) {
                    let path = format!("{path}/{}", row["id"].as_str().unwrap_or_default());
                    reads_alike(&sessions, (old_on_old_schema, old_on_new_schema), &path).await?;
                }
            }
        }
        assert!(read > 50, "{read}");
        Ok(())
    });
}

/// Returns the paths of all lists that both releases have.
fn lists(known: &BTreeSet<(String, String)>) -> Vec<String> {
    COMPONENTS
        .iter()
        .flat_map(|component| component.endpoints())
        .filter(|endpoint| matches!(endpoint.operation, Operation::Verb(_, Verb::List)))
        .filter(|endpoint| is_known(known, endpoint))
        .map(|endpoint| endpoint.template())
        .collect()
}

/// Reads a path on both schemas and asserts that the responses are identical.
async fn reads_alike(
    sessions: &(Session, Session),
    apps: (&Application, &Application),
    path: &str,
) -> Result<Reply> {
    let then = apps.0.get(&sessions.0, path).await?;
    let now = apps.1.get(&sessions.1, path).await?;
    assert_eq!(then.status, now.status, "{path}: {}", now.text);
    if now.status == 200 {
        assert_eq!(then.text, now.text, "{path}");
    }
    Ok(now)
}

/// Two databases that started as copies, with the ids that differ between them.
struct Mirror<'a> {
    releases: (&'a Application, &'a Application),
    /// The ids that both databases have.
    common: BTreeSet<Uuid>,
    /// The id in the second database for an id in the first.
    pairs: BTreeMap<String, String>,
}

impl<'a> Mirror<'a> {
    async fn new(
        old_on_old_schema: &'a Application,
        old_on_new_schema: &'a Application,
    ) -> Result<Self> {
        let client = old_on_old_schema.superuser().await?;
        let tables = client
            .query(
                "select c.table_name::text from information_schema.columns as c
                join information_schema.tables as t using (table_schema, table_name)
                where c.table_schema = 'lms' and c.column_name = 'id' and c.data_type = 'uuid'
                and t.table_type = 'BASE TABLE'",
                &[],
            )
            .await?;
        let mut common = BTreeSet::new();
        for table in tables {
            let sql = format!("select id from lms.{}", table.get::<_, String>(0));
            common.extend(
                client
                    .query(&sql, &[])
                    .await?
                    .iter()
                    .map(|row| row.get::<_, Uuid>(0)),
            );
        }
        Ok(Self {
            releases: (old_on_old_schema, old_on_new_schema),
            common,
            pairs: BTreeMap::new(),
        })
    }

    /// Returns whether each id in the request is known in both databases.
    fn is_common(&self, drawn: &RandomRequest) -> bool {
        let body = drawn.content.as_ref().map_or("", |(_, text)| text.as_str());
        ids(&drawn.path)
            .chain(ids(body))
            .all(|id| self.common.contains(&id) || self.pairs.contains_key(&id.to_string()))
    }

    fn translate(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (one, other)| {
                text.replace(one, other)
            })
    }

    /// Sends a request to both and asserts equal responses. Returns whether it succeeded.
    async fn send(&mut self, mut drawn: RandomRequest) -> Result<bool> {
        let (old_on_old_schema, old_on_new_schema) = self.releases;
        let sessions: (Session, Session) = (
            old_on_old_schema.session(0, drawn.role).await?,
            old_on_new_schema.session(0, drawn.role).await?,
        );
        let then = drawn.send(old_on_old_schema, &sessions.0).await?;
        drawn.path = self.translate(&drawn.path);
        drawn.content = drawn
            .content
            .map(|(kind, text)| (kind, self.translate(&text)));
        let now = drawn.send(old_on_new_schema, &sessions.1).await?;
        if now.status == 422
            && EXPECTED_NEW_ERRORS
                .iter()
                .any(|words| now.text.contains(words))
        {
            return Ok(false);
        }
        // An expanded schema may return additional columns.
        let (expected, seen) = (shape(&then.json()), shape(&now.json()));
        assert_eq!(
            (then.status, &expected),
            (now.status, &keep_known(&expected, seen)),
            "{} {}: {} {}",
            drawn.operation,
            drawn.path,
            then.text,
            now.text
        );
        self.pair(&then.json(), &now.json());
        Ok(now.status < 300)
    }

    /// Records the ids that differ between two responses.
    fn pair(&mut self, one: &Value, other: &Value) {
        match (one, other) {
            (Value::String(one), Value::String(other))
                if one != other
                    && Uuid::parse_str(one).is_ok()
                    && Uuid::parse_str(other).is_ok() =>
            {
                self.pairs.insert(one.clone(), other.clone());
            }
            (Value::Array(one), Value::Array(other)) => {
                for (one, other) in one.iter().zip(other) {
                    self.pair(one, other);
                }
            }
            (Value::Object(one), Value::Object(other)) => {
                for (name, value) in one {
                    self.pair(value, &other[name]);
                }
            }
            _ => {}
        }
    }
}

fn ids(text: &str) -> impl Iterator<Item = Uuid> {
    text.split(|character: char| !character.is_ascii_hexdigit() && character != '-')
        .filter(|word| word.len() == 36)
        .filter_map(|word| Uuid::parse_str(word).ok())
}

/// Replaces every text and every number in a response, so that only the names and the JSON types of
/// its content are compared.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => json!("text"),
        Value::Number(_) => json!(0),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Removes members and exported columns that only the second response has, because they are new. A class may have additional
/// warnings, too.
fn keep_known(known: &Value, seen: Value) -> Value {
    match (known, seen) {
        (Value::Array(known), Value::Array(seen)) => seen
            .into_iter()
            .enumerate()
            .map(|(index, item)| keep_known(known.get(index).unwrap_or(&Value::Null), item))
            .collect(),
        (Value::Object(known), Value::Object(seen)) => seen
            .into_iter()
            .filter_map(|(name, item)| {
                let known = known.get(&name)?;
                let mut item = keep_known(known, item);
                if let ("withheld" | "warnings", Some(known), Some(items)) =
                    (name.as_str(), known.as_array(), item.as_array_mut())
                {
                    items.truncate(known.len());
                }
                Some((name, item))
            })
            .collect(),
        (_, seen) => seen,
    }
}

/// Operations that the present schema rejects more often than the previous release's, or that do more on it, each with the
/// reason, until the release is pinned anew.
const EXPECTED_DIFFERENCES: [&str; 0] = [];

/// Texts of errors that only the present schema returns.
const EXPECTED_NEW_ERRORS: [&str; 0] = [];

#[test]
fn the_previous_release_writes_on_the_new_schema_as_on_its_own() {
    run_with_previous_release(async |releases| {
        let Releases {
            old_on_old_schema,
            old_on_new_schema,
            ..
        } = releases;
        let known = operations(old_on_new_schema).await?;
        let mut mirror = Mirror::new(old_on_old_schema, old_on_new_schema).await?;
        let mut worker = RandomClient::new(old_on_old_schema, 41).await?;
        let mut succeeded = BTreeSet::new();
        for _ in 0..TRIES {
            for endpoint in write_endpoints()
                .iter()
                .filter(|endpoint| is_known(&known, endpoint))
                .filter(|endpoint| {
                    !EXPECTED_DIFFERENCES.contains(&endpoint.operation_id().as_str())
                })
            {
                for _ in 0..5 {
                    let Some(drawn) = worker.random_request(endpoint).await? else {
                        break;
                    };
                    if mirror.is_common(&drawn) {
                        if mirror.send(drawn).await? {
                            succeeded.insert(endpoint.operation_id());
                        }
                        break;
                    }
                }
            }
        }
        assert!(succeeded.len() > 40, "{succeeded:?}");
        Ok(())
    });
}

#[test]
fn both_releases_serve_one_database_concurrently() {
    run_with_previous_release(async |releases| {
        let Releases {
            old_on_new_schema,
            new,
            ..
        } = releases;
        let known = operations(old_on_new_schema).await?;
        let (mut old_client, mut new_client) = (
            RandomClient::new(old_on_new_schema, 51).await?,
            RandomClient::new(new, 52).await?,
        );
        let work = async {
            for endpoint in write_endpoints()
                .iter()
                .filter(|endpoint| is_known(&known, endpoint))
            {
                old_client.call(endpoint).await?;
            }
            anyhow::Ok(())
        };
        tokio::try_join!(work, new_client.run_rounds(1))?;
        for worker in [&old_client, &new_client] {
            let statuses = worker.status_counts.values().flat_map(BTreeMap::keys);
            assert!(
                statuses.filter(|status| **status < 300).count() > 30,
                "{:?}",
                worker.status_counts
            );
        }
        let session = old_on_new_schema.session(0, role::ADMIN).await?;
        for (writer, reader, code) in [
            (old_on_new_schema, new, "one"),
            (new, old_on_new_schema, "two"),
        ] {
            let centre =
                json!({"name": "Lakeside", "code": code, "time_zone": "UTC", "currency": "EUR"});
            let created = writer
                .post(&session, "/v1/centres", centre)
                .await?
                .expect(201)
                .json();
            let path = format!("/v1/centres/{}", created["id"].as_str().context("an id")?);
            assert_eq!(
                reader.get(&session, &path).await?.expect(200).json()["code"],
                code
            );
        }
        Ok(())
    });
}
