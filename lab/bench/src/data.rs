//! The database that is measured: filled once and kept, copied for each run so that no run sees what another wrote.

use anyhow::{Context, Result};
use database::explain;
use operations::password;
use tokio_postgres::Client;

use super::person::Person;

/// The copy that one run works on.
pub(super) const COPY: &str = "lms_bench";

/// Administrators on whose behalf requests are made: more than connections, so that no account is asked for twice at
/// once, which the limit on sign-in attempts would stop.
const ACCOUNTS: i64 = 64;
/// Users of each administrator's tenant that are read.
const USERS: i64 = 200;
/// Of the measured accounts, in a database that only this machine reaches.
const PASSWORD: &str = "only for measuring";

/// What there is of tenants and users.
pub(super) struct Size {
    pub(super) tenants: i64,
    pub(super) users: i64,
}

/// Counts what there is.
pub(super) async fn size(superuser_url: &str) -> Result<Size> {
    let client = database::connect(superuser_url).await?;
    let row = client
        .query_one(
            "select (select count(*) from lms.tenants), (select count(*) from lms.users)",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(Size {
        tenants: row.get(0),
        users: row.get(1),
    })
}

/// Copies the database and returns the copy's address for the superuser.
pub(super) async fn copy(superuser_url: &str) -> Result<String> {
    let client = database::connect(&database::with_database(superuser_url, "postgres")?).await?;
    let original = database::quote_name(local::cluster::DATABASE);
    for statement in [
        format!("drop database if exists {COPY} with (force)"),
        // Block by block through the log would take longer and end in a large one.
        format!("create database {COPY} template {original} strategy file_copy"),
        format!("alter database {COPY} set synchronous_commit = on"),
    ] {
        client
            .batch_execute(&statement)
            .await
            .map_err(explain)
            .context("cannot copy the database")?;
    }
    database::with_database(superuser_url, COPY)
}

/// Removes the copy.
pub(super) async fn remove(superuser_url: &str) -> Result<()> {
    let client = database::connect(&database::with_database(superuser_url, "postgres")?).await?;
    client
        .batch_execute(&format!("drop database if exists {COPY} with (force)"))
        .await
        .map_err(explain)
}

/// The main process of the server, and what it calls itself.
pub(super) async fn server(client: &Client) -> Result<(u32, String)> {
    let row = client
        .query_one(
            "select pg_backend_pid(), current_setting('server_version')",
            &[],
        )
        .await
        .map_err(explain)?;
    let session = u32::try_from(row.get::<_, i32>(0)).context("a session without a process")?;
    Ok((
        super::process::parent(session)?,
        format!("PostgreSQL {}", row.get::<_, String>(1)),
    ))
}

/// Makes an administrator in each of some tenants, and returns them with users of their tenants.
pub(super) async fn people(client: &mut Client) -> Result<Vec<Person>> {
    let hash = password::hash(PASSWORD)?;
    let transaction = client.transaction().await.map_err(explain)?;
    // Not something that happened in the application: no event of it.
    transaction
        .batch_execute("set local session_replication_role = replica")
        .await
        .map_err(explain)?;
    let rows = transaction
        .query(
            "with chosen as (
              select t.tenant_id, t.slug
              from lms.tenants as t
              where t.status = 'active'
                and t.deleted_at is null
                and t.slug like 'seed-%'
              order by t.tenant_id
              limit $1
            ),
            made as (
              insert into lms.users (tenant_id, name, email, role, password_hash)
              select chosen.tenant_id, 'Bench', 'admin@bench.example', 'admin', $2
              from chosen
            )
            select
              chosen.slug,
              array(
                select u.id
                from lms.users as u
                where u.tenant_id = chosen.tenant_id
                  and u.deleted_at is null
                order by u.id
                limit $3
              )
            from chosen",
            &[&ACCOUNTS, &hash, &USERS],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    let person = |row: &tokio_postgres::Row| Person {
        slug: row.get(0),
        email: "admin@bench.example".to_owned(),
        password: PASSWORD.to_owned(),
        users: row.get(1),
        ..Person::default()
    };
    Ok(rows.iter().map(person).collect())
}

/// Brings the statistics up to date and fills the caches, so that the first round is like the last.
pub(super) async fn settle(client: &Client) -> Result<()> {
    // One at a time: several statements in one message are a transaction, in which VACUUM is refused.
    for statement in ["vacuum (analyze)", "checkpoint"] {
        client.batch_execute(statement).await.map_err(explain)?;
    }
    Ok(())
}
