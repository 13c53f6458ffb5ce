//! Exporting and erasing a person's data, and checking the receipt of an erasure, by an operator.
//! The functions that do the work are in the schema; the API for administrators is in the component `users`.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::{Context, Result, bail};
use database::{explain, tenant};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::private_file::write_private;

/// The request id of its transactions in the event log.
const REQUEST_ID: &str = "privacy";

/// A receipt that was checked against the database, and is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ValidReceipt {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The person who was erased.
    pub user_id: Uuid,
    /// The erasure.
    pub erasure_id: Uuid,
    /// The position of its event in the log of the tenant.
    pub position: i64,
}

impl Display for ValidReceipt {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the receipt is valid: user {} is erased, by erasure {} at position {} of the tenant's events",
            self.user_id, self.erasure_id, self.position
        )
    }
}

/// Exports all data on a person, as JSON text.
///
/// # Errors
///
/// When there is no such tenant or person.
pub async fn export(database_url: &str, slug: &str, user: Uuid) -> Result<String> {
    let mut client = database::connect(database_url).await?;
    let id = find(&client, slug).await?;
    let transaction = tenant::begin(&mut client, id, REQUEST_ID).await?;
    let row = transaction
        .query_one("select lms.export_subject($1, null)::text", &[&user])
        .await
        .map_err(|error| explain_refusal(error, slug, user))?;
    Ok(row.get(0))
}

/// Erases a person and returns the receipt.
///
/// # Errors
///
/// When there is no such tenant or person, or a legal hold or another rule forbids it. Then nothing is changed.
pub async fn erase(database_url: &str, slug: &str, user: Uuid, reason: &str) -> Result<Value> {
    if !(1..=1000).contains(&reason.chars().count()) {
        bail!("the reason takes 1 to 1000 characters");
    }
    let mut client = database::connect(database_url).await?;
    let id = find(&client, slug).await?;
    let transaction = tenant::begin(&mut client, id, REQUEST_ID).await?;
    let row = transaction
        .query_one("select lms.erase_subject($1, $2)", &[&user, &reason])
        .await
        .map_err(|error| explain_refusal(error, slug, user))?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.get(0))
}

/// Checks a receipt against the database. If a slug is given, the receipt must be of that tenant.
///
/// # Errors
///
/// When the receipt cannot be read, or is not valid.
pub async fn verify(
    database_url: &str,
    receipt: &Path,
    slug: Option<&str>,
) -> Result<ValidReceipt> {
    let text = std::fs::read_to_string(receipt)
        .with_context(|| format!("cannot read the receipt {}", receipt.display()))?;
    let receipt_json: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not JSON", receipt.display()))?;
    let [tenant_id, erasure_id, user_id] = ["tenant_id", "erasure_id", "user_id"].map(|name| {
        receipt_json[name]
            .as_str()
            .and_then(|id| id.parse::<Uuid>().ok())
    });
    let (Some(tenant_id), Some(erasure_id), Some(user_id), Some(position)) = (
        tenant_id,
        erasure_id,
        user_id,
        receipt_json["event"]["position"].as_i64(),
    ) else {
        bail!(
            "{} is not the receipt of an erasure: an id or the position of the event is missing",
            receipt.display()
        );
    };
    let mut client = database::connect(database_url).await?;
    if let Some(slug) = slug
        && find(&client, slug).await? != tenant_id
    {
        bail!("the receipt is not of the tenant {slug}");
    }
    let transaction = tenant::begin(&mut client, tenant_id, REQUEST_ID).await?;
    let problem: Option<String> = transaction
        .query_one("select lms.erasure_problem($1::text::jsonb)", &[&text])
        .await
        .map_err(explain)?
        .get(0);
    match problem {
        Some(problem) => bail!("the receipt is not valid: {problem}"),
        None => Ok(ValidReceipt {
            tenant_id,
            user_id,
            erasure_id,
            position,
        }),
    }
}

/// Writes a new file that only its owner can read.
///
/// # Errors
///
/// When the file exists, or cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        bail!("{} already exists: choose another file", path.display());
    }
    write_private(path, text)
}

async fn find(client: &Client, slug: &str) -> Result<Uuid> {
    tenant::find(client, slug)
        .await?
        .with_context(|| format!("there is no tenant {slug}"))
}

/// The error in words.
fn explain_refusal(error: tokio_postgres::Error, slug: &str, user: Uuid) -> anyhow::Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("LM404") => anyhow::anyhow!("the tenant {slug} has no user {user}"),
        _ => explain(error),
    }
}
