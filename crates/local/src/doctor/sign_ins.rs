//! Checks that the logins of the local installation work: the components' own, and the demo users'.

use std::path::Path;

use anyhow::{Context, Result};
use database::explain;
use operations::doctor::Finding;
use tokio_postgres::Client;

use crate::demo::Demo;
use crate::secrets::{self, Secrets};

/// The components' own login, with the password of the local installation.
pub(super) async fn login(state: &Path, address: &str) -> Result<Finding> {
    if !state.join(secrets::FILE).exists() {
        return Ok(Finding::Skipped(
            "there are no local secrets yet".to_owned(),
        ));
    }
    let secrets = Secrets::load_or_create(state)?;
    let address = database::with_login(address, "lms_application", &secrets.application_password)?;
    match database::connect(&address).await {
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
    let wanted: Vec<uuid::Uuid> = demo
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.users)
        .map(|user| user.id)
        .collect();
    let row = client
        .query_one("select count(*) from lms.users where id = any($1) and status = 'active' and deleted_at is null", &[&wanted])
        .await
        .map_err(explain)?;
    let found = usize::try_from(row.get::<_, i64>(0)).context("a count is never negative")?;
    if found == wanted.len() {
        Ok(Finding::Good(format!("all {found} can sign in")))
    } else {
        Ok(Finding::Bad(
            format!("{found} of {} are there and active", wanted.len()),
            "`lms up` or `lms prepare` restores them".to_owned(),
        ))
    }
}
