//! Copies the seeded database for each run, so that no run sees the writes of another, and adds the accounts that send requests.
//! The database is seeded in `seed`.

use anyhow::{Context, Result};
use database::explain;
use operations::password;
use tokio_postgres::Client;

use super::client_account::ClientAccount;

/// The name of the copy.
pub(super) const DATABASE_NAME: &str = "lms_bench";

/// The number of administrators that send requests. It exceeds the number of connections, because concurrent sign-ins to one
/// account are limited.
const ACCOUNTS: i64 = 64;
/// The number of users of each tenant that are read.
const USERS: i64 = 200;
/// The password of the accounts, in a database that only this machine reaches.
const PASSWORD: &str = "only for measuring";

/// The number of tenants and users.
pub(super) struct Size {
    pub(super) tenants: i64,
    pub(super) users: i64,
}

/// Counts the tenants and users.
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

/// Copies the database and returns the URL of the copy for the superuser.
pub(super) async fn create(superuser_url: &str) -> Result<String> {
    let client = database::connect(&database::with_database(superuser_url, "postgres")?).await?;
    let original = database::quote_name(local::cluster::DATABASE);
    for statement in [
        format!("drop database if exists {DATABASE_NAME} with (force)"),
        // Copying through the write-ahead log would take longer and leave a large log.
        format!("create database {DATABASE_NAME} template {original} strategy file_copy"),
        format!("alter database {DATABASE_NAME} set synchronous_commit = on"),
    ] {
        client
            .batch_execute(&statement)
            .await
            .map_err(explain)
            .context("cannot copy the database")?;
    }
    database::with_database(superuser_url, DATABASE_NAME)
}

/// Removes the copy.
pub(super) async fn remove(superuser_url: &str) -> Result<()> {
    let client = database::connect(&database::with_database(superuser_url, "postgres")?).await?;
    client
        .batch_execute(&format!(
            "drop database if exists {DATABASE_NAME} with (force)"
        ))
        .await
        .map_err(explain)
}

/// Returns the process id of the postmaster and the server's version.
pub(super) async fn server(client: &Client) -> Result<(u32, String)> {
    let row = client
        .query_one(
            "select pg_backend_pid(), current_setting('server_version')",
            &[],
        )
        .await
        .map_err(explain)?;
    let session = u32::try_from(row.get::<_, i32>(0)).context("the session has no process id")?;
    Ok((
        super::process::parent(session)?,
        format!("PostgreSQL {}", row.get::<_, String>(1)),
    ))
}

/// Creates an administrator in some tenants and returns them with ids of users of the same tenant.
pub(super) async fn create_accounts(client: &mut Client) -> Result<Vec<ClientAccount>> {
    let hash = password::hash(PASSWORD)?;
    let transaction = client.transaction().await.map_err(explain)?;
    // Without triggers, the rows cause no events.
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
    let account = |row: &tokio_postgres::Row| ClientAccount {
        slug: row.get(0),
        email: "admin@bench.example".to_owned(),
        password: PASSWORD.to_owned(),
        users: row.get(1),
        ..ClientAccount::default()
    };
    Ok(rows.iter().map(account).collect())
}

/// Updates the statistics and writes a checkpoint, so that the first round runs under the same conditions as the last.
pub(super) async fn vacuum_and_checkpoint(client: &Client) -> Result<()> {
    // Several statements in one message would form a transaction, in which VACUUM is not allowed.
    for statement in ["vacuum (analyze)", "checkpoint"] {
        client.batch_execute(statement).await.map_err(explain)?;
    }
    Ok(())
}
