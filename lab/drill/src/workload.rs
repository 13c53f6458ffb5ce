//! Who writes during a drill: an administrator of each tenant, over HTTP, several requests at a time. What was acknowledged is counted.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use database::explain;
use futures::{StreamExt, TryStreamExt};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::cell::Cell;

/// How many requests are under way at a time.
const CONCURRENT: usize = 4;

/// People who are signed in.
pub(super) struct Workload {
    client: Client,
    base_url: String,
    people: Vec<Person>,
}

struct Person {
    token: String,
    centre: Uuid,
}

/// Writes that the service has acknowledged.
pub(super) struct Acknowledged {
    pub(super) ids: Vec<Uuid>,
    /// When the last answer came.
    pub(super) last: DateTime<Utc>,
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

impl Workload {
    pub(super) async fn sign_in(cell: &Cell) -> Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        let rows = database::connect(&cell.address).await?;
        let mut people = Vec::new();
        for tenant in &cell.demo.tenants {
            let admin = tenant
                .users
                .iter()
                .find(|user| user.role == "admin")
                .context("a demo tenant has no admin")?;
            let answer = client
                .post(format!("{}/v1/auth/login", cell.demo.base_url))
                .json(&json!({"tenant": tenant.slug, "email": admin.email, "password": admin.password}))
                .send()
                .await
                .context("the application does not answer")?;
            let signed_in: SignedIn = expect(answer, StatusCode::OK).await?;
            let centre = rows
                .query_one(
                    "-- drill.centre
                    select c.id
                    from lms.centres as c
                    where c.tenant_id = $1
                    order by c.id
                    limit 1",
                    &[&tenant.id],
                )
                .await
                .map_err(explain)?;
            people.push(Person {
                token: signed_in.access_token,
                centre: centre.get(0),
            });
        }
        Ok(Self {
            client,
            base_url: cell.demo.base_url.clone(),
            people,
        })
    }

    /// Makes so many requests, for all tenants in turn.
    pub(super) async fn write(&self, count: u32) -> Result<Acknowledged> {
        let people = self.people.iter().cycle();
        let ids = futures::stream::iter((0..count).zip(people))
            .map(|(number, person)| self.one(number, person))
            .buffer_unordered(CONCURRENT)
            .try_collect()
            .await?;
        Ok(Acknowledged {
            ids,
            last: Utc::now(),
        })
    }

    async fn one(&self, number: u32, person: &Person) -> Result<Uuid> {
        let answer = self
            .client
            .post(format!("{}/v1/requests", self.base_url))
            .bearer_auth(&person.token)
            .json(&json!({"centre_id": person.centre, "type": "it", "details": format!("The screen {number} stays dark.")}))
            .send()
            .await
            .context("the application does not answer")?;
        Ok(expect::<Made>(answer, StatusCode::CREATED).await?.id)
    }
}

/// The body of an answer with a status.
async fn expect<T: serde::de::DeserializeOwned>(
    answer: reqwest::Response,
    wanted: StatusCode,
) -> Result<T> {
    let status = answer.status();
    let body = answer.text().await.context("an answer broke off")?;
    if status != wanted {
        bail!("the application answers {status}: {body}");
    }
    serde_json::from_str(&body).context("the application's answer cannot be read")
}

/// How many of these requests a database has.
pub(super) async fn present(client: &tokio_postgres::Client, ids: &[Uuid]) -> Result<usize> {
    let row = client
        .query_one(
            "-- drill.present
            select count(*)
            from lms.requests as r
            where r.id = any($1)",
            &[&ids],
        )
        .await
        .map_err(explain)?;
    Ok(usize::try_from(row.get::<_, i64>(0))?)
}
