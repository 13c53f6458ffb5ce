//! Checks that the components and the demo users of the local installation can log in.
//! The files with their passwords are checked in `files`.

use std::path::Path;

use anyhow::{Context, Result};
use database::explain;
use operations::doctor::Finding;
use tokio_postgres::Client;

use crate::demo::Demo;
use crate::secrets::{self, Secrets};

/// Checks the components' login with the password of the local installation.
pub(super) async fn login(state: &Path, database_url: &str) -> Result<Finding> {
    if !state.join(secrets::SECRETS_FILE_NAME).exists() {
        return Ok(Finding::Skipped(
            "the local secrets do not exist yet".to_owned(),
        ));
    }
    let secrets = Secrets::load_or_create(state)?;
    let database_url = database::with_login(
        database_url,
        "lms_application",
        &secrets.application_password,
    )?;
    match database::connect(&database_url).await {
        Ok(_) => Ok(Finding::Good("works".to_owned())),
        Err(error) => Ok(Finding::Bad(
            format!("{error:#}"),
            "`lms up` or `lms prepare` sets its password".to_owned(),
        )),
    }
}

pub(super) async fn demo_users(state: &Path, client: &Client) -> Result<Finding> {
    let Ok(demo) = Demo::read(state) else {
        return Ok(Finding::Skipped("there is no demo data".to_owned()));
    };
    let expected: Vec<uuid::Uuid> = demo
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.users)
        .map(|user| user.id)
        .collect();
    let row = client
        .query_one("select count(*) from lms.users where id = any($1) and status = 'active' and deleted_at is null", &[&expected])
        .await
        .map_err(explain)?;
    let found = usize::try_from(row.get::<_, i64>(0)).context("a count is never negative")?;
    if found == expected.len() {
        Ok(Finding::Good(format!("all {found} can sign in")))
    } else {
        Ok(Finding::Bad(
            format!("{found} of {} exist and are active", expected.len()),
            "`lms up` or `lms prepare` restores them".to_owned(),
        ))
    }
}
