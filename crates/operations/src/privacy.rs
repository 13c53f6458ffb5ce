//! Privacy by the operator's hand: exporting and erasing a person, and holding a receipt against the database.

use std::path::Path;

use anyhow::{Context, Result, bail};
use database::{explain, tenant};
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::private_file::write_private;

/// What the event log says of where an erasure came from.
const REQUEST: &str = "privacy";

/// Everything held on a person, as JSON text.
///
/// # Errors
///
/// When there is no such tenant or person.
pub async fn export(address: &str, slug: &str, user: Uuid) -> Result<String> {
    let mut client = database::connect(address).await?;
    let id = find(&client, slug).await?;
    let transaction = tenant::begin(&mut client, id, REQUEST).await?;
    let row = transaction
        .query_one("select lms.export_subject($1, null)::text", &[&user])
        .await
        .map_err(|error| refused(error, slug, user))?;
    Ok(row.get(0))
}

/// Erases a person and returns the receipt, as JSON text.
///
/// # Errors
///
/// When there is no such tenant or person, or something forbids it; nothing is changed then.
pub async fn erase(address: &str, slug: &str, user: Uuid, reason: &str) -> Result<String> {
    if !(1..=1000).contains(&reason.chars().count()) {
        bail!("the reason takes 1 to 1000 characters");
    }
    let mut client = database::connect(address).await?;
    let id = find(&client, slug).await?;
    let transaction = tenant::begin(&mut client, id, REQUEST).await?;
    let row = transaction
        .query_one(
            "select jsonb_pretty(lms.erase_subject($1, $2))",
            &[&user, &reason],
        )
        .await
        .map_err(|error| refused(error, slug, user))?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.get(0))
}

/// Holds a receipt against the database; the tenant of this slug must be the receipt's, if one is given.
///
/// # Errors
///
/// When the receipt can't be read, or is not true.
pub async fn verify(address: &str, receipt: &Path, slug: Option<&str>) -> Result<String> {
    let text = std::fs::read_to_string(receipt)
        .with_context(|| format!("cannot read the receipt {}", receipt.display()))?;
    let told: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", receipt.display()))?;
    let [from, erasure, person] = ["tenant_id", "erasure_id", "user_id"]
        .map(|name| told[name].as_str().and_then(|id| id.parse::<Uuid>().ok()));
    let (Some(from), Some(erasure), Some(person), Some(position)) =
        (from, erasure, person, told["event"]["position"].as_i64())
    else {
        bail!(
            "{} is no receipt of an erasure: it lacks an id or the position of the event",
            receipt.display()
        );
    };
    let mut client = database::connect(address).await?;
    if let Some(slug) = slug
        && find(&client, slug).await? != from
    {
        bail!("the receipt is of another tenant than {slug}");
    }
    let transaction = tenant::begin(&mut client, from, REQUEST).await?;
    let problem: Option<String> = transaction
        .query_one("select lms.erasure_problem($1::text::jsonb)", &[&text])
        .await
        .map_err(explain)?
        .get(0);
    match problem {
        Some(problem) => bail!("the receipt is not true: {problem}"),
        None => Ok(format!(
            "the receipt is true: user {person} is erased, by erasure {erasure} at position {position} of the tenant's events"
        )),
    }
}

/// Writes a file that only its owner can read, unless there is one of this name.
///
/// # Errors
///
/// When there is, or it can't be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        bail!("{} exists already: choose another file", path.display());
    }
    write_private(path, text)
}

async fn find(client: &Client, slug: &str) -> Result<Uuid> {
    tenant::find(client, slug)
        .await?
        .with_context(|| format!("there is no tenant {slug}"))
}

/// What was refused, in words.
fn refused(error: tokio_postgres::Error, slug: &str, user: Uuid) -> anyhow::Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("LM404") => anyhow::anyhow!("the tenant {slug} has no user {user}"),
        _ => explain(error),
    }
}
