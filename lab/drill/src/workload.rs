//! Writes to the cell over HTTP as an administrator of each tenant, and records the acknowledged writes.
//! The cell itself is prepared in `cell`.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use database::explain;
use futures::{StreamExt, TryStreamExt};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::cell::Cell;

/// The number of concurrent requests.
const CONCURRENCY: usize = 4;

/// The signed-in administrators.
pub(super) struct Workload {
    client: Client,
    base_url: String,
    accounts: Vec<ClientAccount>,
}

struct ClientAccount {
    token: String,
    centre: Uuid,
}

/// Writes that the service has acknowledged.
pub(super) struct Acknowledged {
    pub(super) ids: Vec<Uuid>,
    /// The time of the last response.
    pub(super) last: DateTime<Utc>,
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

impl Workload {
    pub(super) async fn sign_in(cell: &Cell) -> Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        let database = database::connect(&cell.database_url).await?;
        let mut accounts = Vec::new();
        for tenant in &cell.demo.tenants {
            let admin = tenant
                .users
                .iter()
                .find(|user| user.role == "admin")
                .context("a demo tenant has no admin")?;
            let response = client
                .post(format!("{}/v1/auth/login", cell.demo.base_url))
                .json(&json!({"tenant": tenant.slug, "email": admin.email, "password": admin.password}))
                .send()
                .await
                .context("the application does not respond")?;
            let signed_in: SignedIn = expect(response, StatusCode::OK).await?;
            let centre = database
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
            accounts.push(ClientAccount {
                token: signed_in.access_token,
                centre: centre.get(0),
            });
        }
        Ok(Self {
            client,
            base_url: cell.demo.base_url.clone(),
            accounts,
        })
    }

    /// Creates this many help-desk requests, for all tenants in turn.
    pub(super) async fn write(&self, count: u32) -> Result<Acknowledged> {
        let accounts = self.accounts.iter().cycle();
        let ids = futures::stream::iter((0..count).zip(accounts))
            .map(|(number, account)| self.create_request(number, account))
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        Ok(Acknowledged {
            ids,
            last: Utc::now(),
        })
    }

    async fn create_request(&self, number: u32, account: &ClientAccount) -> Result<Uuid> {
        let response = self
            .client
            .post(format!("{}/v1/requests", self.base_url))
            .bearer_auth(&account.token)
            .json(&json!({"centre_id": account.centre, "type": "it", "details": format!("The screen {number} stays dark.")}))
            .send()
            .await
            .context("the application does not respond")?;
        Ok(expect::<Created>(response, StatusCode::CREATED).await?.id)
    }
}

/// Returns the body of a response with the expected status.
async fn expect<T: serde::de::DeserializeOwned>(
    response: reqwest::Response,
    expected: StatusCode,
) -> Result<T> {
    let status = response.status();
    let body = response.text().await.context("the response ended early")?;
    if status != expected {
        bail!("the application responds with {status}: {body}");
    }
    serde_json::from_str(&body).context("the response cannot be parsed")
}

/// Counts the rows of these help-desk requests in a database.
pub(super) async fn count_present(client: &tokio_postgres::Client, ids: &[Uuid]) -> Result<usize> {
    let row = client
        .query_one(
            "-- drill.count_present
            select count(*)
            from lms.requests as r
            where r.id = any($1)",
            &[&ids],
        )
        .await
        .map_err(explain)?;
    Ok(usize::try_from(row.get::<_, i64>(0))?)
}
