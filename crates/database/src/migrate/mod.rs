//! Migrating a database to the schema of this program: plan, ledger, transactions, privileges, and passwords of the login roles.
//! The schema itself lives in `migrations/`, whose README describes the order of its files.

mod cell;
mod files;
mod plan;
mod privileges;

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use cell::CellIdentity;
pub use cell::{cell_name, is_cell};
pub use files::{embedded, read};
pub use plan::{Applied, File, Migration, Mismatch, is_same_schema, pending};
pub use privileges::{ExcessPrivileges, excess_privileges, revoke_excess_privileges};

use crate::cell::Name;
use crate::connection;
use crate::connection::explain;

/// The advisory lock by which one program at a time migrates a database. The number is arbitrary, and must not change.
const ADVISORY_LOCK: i64 = 0x6c6d_735f_6d69_6772;

/// The time for which a migration waits for a lock. Requests for the same table queue behind it, and wait at most three seconds
/// (`lms_application`).
const LOCK_TIMEOUT: &str = "1s";

/// The number of attempts of a migration that does not get its locks.
const MAX_ATTEMPTS: u32 = 60;

/// The wait between two attempts, in which requests are served.
const ATTEMPT_INTERVAL: Duration = Duration::from_secs(1);

/// The options of a migration.
#[derive(Clone, Default)]
pub struct Options {
    /// The cell that the database is: required the first time, compared later.
    pub cell: Option<Name>,
    /// Return what would be applied, and change nothing.
    pub dry_run: bool,
    /// Passwords to set for login roles, as (role, password).
    pub passwords: Vec<(&'static str, String)>,
}

/// Applies the migrations that the database lacks, and returns them. With `dry_run` it only returns them.
///
/// # Errors
///
/// When the database was not made by these migrations, is another cell, or rejects a statement. The failing migration is rolled back.
pub async fn run<'a>(
    database_url: &str,
    migrations: &'a [Migration],
    options: &Options,
) -> Result<Vec<&'a Migration>> {
    let mut client = connection::connect(database_url).await?;
    // A migration may take long, so only the operator may stop it.
    client
        .batch_execute("set statement_timeout = 0; set client_min_messages = warning")
        .await
        .map_err(explain)?;
    client
        .execute("select pg_advisory_lock($1)", &[&ADVISORY_LOCK])
        .await
        .map_err(explain)?;
    let left = pending(migrations, &ledger(&client).await?)?;
    if options.dry_run {
        return Ok(left);
    }
    let identity = cell::compare(&client, options.cell.as_ref()).await?;
    prepare_ledger(&client).await?;
    for migration in &left {
        // The baseline includes all changes.
        let recorded = match *migration {
            baseline if baseline.is_baseline() => migrations.iter().collect(),
            change => vec![change],
        };
        apply_with_retries(&mut client, migration, &recorded)
            .await
            .with_context(|| {
                format!("migration {} failed and was rolled back", migration.label())
            })?;
    }
    hand_over_ledger(&client).await?;
    revoke_excess_privileges(&client).await?;
    if let CellIdentity::New(cell) = identity {
        cell::write(&client, &cell).await?;
    }
    for (role, password) in &options.passwords {
        set_password(&client, role, password).await?;
    }
    Ok(left)
}

/// The migrations that have been applied to a database, in order.
///
/// # Errors
///
/// When the database fails.
pub async fn ledger(client: &impl GenericClient) -> Result<Vec<Applied>> {
    let rows = match client
        .query(
            "select version, name, sha256 from lms_private.migrations order by version",
            &[],
        )
        .await
    {
        Ok(rows) => rows,
        Err(error) if matches!(error.code(), Some(code) if *code == SqlState::UNDEFINED_TABLE) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(explain(error)),
    };
    Ok(rows
        .into_iter()
        .map(|row| Applied {
            version: row.get(0),
            name: row.get(1),
            sha256: row.get(2),
        })
        .collect())
}

/// Creates the ledger. It must exist before the first migration, so it is the one table that is not in `migrations/`.
async fn prepare_ledger(client: &Client) -> Result<()> {
    let exists = client
        .query_one(
            "select to_regclass('lms_private.migrations') is not null",
            &[],
        )
        .await
        .map_err(explain)?;
    if exists.get(0) {
        return Ok(());
    }
    client
        .batch_execute(
            "create schema if not exists lms_private;
            create table lms_private.migrations (
              version bigint primary key,
              name text not null,
              sha256 text not null,
              applied_at timestamptz not null default now()
            );
            comment on table lms_private.migrations is
              'Which migrations have been applied, kept by the program lms.';",
        )
        .await
        .map_err(explain)
        .context("cannot create the ledger of migrations: the first migration needs a superuser")
}

/// Makes the schema's owner the owner of the ledger. Later migrations run as a member of that role, and write the ledger too.
async fn hand_over_ledger(client: &Client) -> Result<()> {
    let owned = client
        .query_one(
            "select pg_get_userbyid(relowner) = 'lms_owner'
            from pg_class
            where oid = 'lms_private.migrations'::regclass",
            &[],
        )
        .await
        .map_err(explain)?;
    if owned.get(0) {
        return Ok(());
    }
    client
        .batch_execute("alter table lms_private.migrations owner to lms_owner")
        .await
        .map_err(explain)
}

/// Applies a migration while requests are served, trying again when it does not get its locks, and records the given migrations in the
/// ledger.
async fn apply_with_retries(
    client: &mut Client,
    migration: &Migration,
    recorded: &[&Migration],
) -> Result<()> {
    let mut attempt = 1;
    loop {
        match apply(client, migration, recorded).await {
            Err(error) if attempt < MAX_ATTEMPTS && is_lock_timeout(&error) => {
                tokio::time::sleep(ATTEMPT_INTERVAL).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Recognises the error by the SQLSTATE that `explain` writes at its end.
fn is_lock_timeout(error: &anyhow::Error) -> bool {
    let ending = format!("[{}]", SqlState::LOCK_NOT_AVAILABLE.code());
    error.root_cause().to_string().ends_with(&ending)
}

async fn apply(client: &mut Client, migration: &Migration, recorded: &[&Migration]) -> Result<()> {
    let transaction = client.transaction().await.map_err(explain)?;
    transaction
        .batch_execute(&format!("set local lock_timeout = '{LOCK_TIMEOUT}'"))
        .await
        .map_err(explain)?;
    for file in &migration.files {
        transaction
            .batch_execute(&file.sql)
            .await
            .map_err(|error| locate(error, file))?;
    }
    // The role that a migration sets ends with it.
    transaction
        .batch_execute("reset role")
        .await
        .map_err(explain)?;
    for entry in recorded {
        transaction
            .execute(
                "insert into lms_private.migrations (version, name, sha256)\nvalues ($1, $2, $3)",
                &[&entry.version, &entry.name, &entry.sha256()],
            )
            .await
            .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)
}

/// Adds the file and the line at which PostgreSQL reports the error, if it reports one.
fn locate(error: tokio_postgres::Error, file: &File) -> anyhow::Error {
    let position = error
        .as_db_error()
        .and_then(|answer| match answer.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(position)) => {
                Some(*position as usize)
            }
            _ => None,
        });
    let explained = explain(error);
    match position {
        Some(position) => {
            let line = file
                .sql
                .chars()
                .take(position)
                .filter(|character| *character == '\n')
                .count()
                + 1;
            anyhow!("{}, line {line}: {explained}", file.path)
        }
        None => anyhow!("{}: {explained}", file.path),
    }
}

async fn set_password(client: &Client, role: &str, password: &str) -> Result<()> {
    // Only the verifier leaves this process, so that the password cannot get into a server's log.
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    let statement = format!(
        "alter role {} password {}",
        connection::quote_name(role),
        connection::quote_literal(&verifier)
    );
    client
        .batch_execute(&statement)
        .await
        .map_err(explain)
        .with_context(|| format!("cannot set the password of {role}"))
}
