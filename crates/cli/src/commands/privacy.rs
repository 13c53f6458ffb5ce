//! `lms privacy`: exports and erases a person's data, and verifies receipts. The work lives in
//! `operations::privacy`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use operations::privacy;
use serde::Serialize;
use uuid::Uuid;

use super::database_url;
use crate::answer::Outcome;
use crate::arguments::{EraseSubject, ExportSubject, Privacy, VerifyReceipt};

/// The file with the data on a person.
#[derive(Serialize)]
struct Exported {
    user_id: Uuid,
    file: PathBuf,
}

pub(super) async fn execute(state: &Path, action: Privacy) -> Result<Outcome> {
    match action {
        Privacy::Export(options) => export(state, options).await,
        Privacy::Erase(options) => erase(state, options).await,
        Privacy::Verify(options) => verify(state, options).await,
    }
}

async fn export(state: &Path, options: ExportSubject) -> Result<Outcome> {
    let database_url = database_url(state, options.target).await?;
    let document = privacy::export(&database_url, &options.tenant, options.user).await?;
    privacy::write(&options.output, &document)?;
    let text = format!("written to {}", options.output.display());
    let exported = Exported {
        user_id: options.user,
        file: options.output,
    };
    Ok(Outcome::worded(exported, text))
}

async fn erase(state: &Path, options: EraseSubject) -> Result<Outcome> {
    let database_url = database_url(state, options.target).await?;
    let (tenant, user) = (&options.tenant, options.user);
    let receipt = privacy::erase(&database_url, tenant, user, &options.reason).await?;
    let text = serde_json::to_string_pretty(&receipt)?;
    Ok(Outcome::worded(receipt, text))
}

async fn verify(state: &Path, options: VerifyReceipt) -> Result<Outcome> {
    let database_url = database_url(state, options.target).await?;
    let tenant = options.tenant.as_deref();
    Ok(Outcome::answer(
        privacy::verify(&database_url, &options.receipt, tenant).await?,
    ))
}
