//! Brings a database to the schema of this program: plan, ledger, transactions, privileges, passwords of the login roles.
//! The schema itself is only in `migrations/`, whose README says how its files are ordered.

mod cell;
mod files;
mod plan;
mod privileges;

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use cell::Standing;
pub use cell::{cell_name, is_cell};
pub use files::{embedded, read};
pub use plan::{Applied, File, Migration, Mismatch, pending};
pub use privileges::withhold;
pub use privileges::{Excess, excess};

use crate::cell::Name;
use crate::connection;
use crate::connection::explain;

/// One program at a time migrates a database; the number is arbitrary and stays.
const LOCK: i64 = 0x6c6d_735f_6d69_6772;

/// How long a migration waits for a lock. Whoever asks for the same table meanwhile stands behind it, and waits at most three
/// seconds (`lms_application`).
const LOCK_TIMEOUT: &str = "1s";

/// How often a migration that did not get its locks is tried, and how long requests have the tables to themselves in between.
const ATTEMPTS: u32 = 60;
const BETWEEN: Duration = Duration::from_secs(1);

/// How to migrate.
#[derive(Clone, Default)]
pub struct Options {
    /// Which cell the database is; needed the first time, compared later.
    pub cell: Option<Name>,
    /// Say what would be applied and change nothing.
    pub dry_run: bool,
    /// Passwords to give to login roles, as (role, password).
    pub passwords: Vec<(&'static str, String)>,
}

/// Applies what is missing of `migrations` and returns it; with `dry_run`, only returns it.
pub async fn run<'a>(
    address: &str,
    migrations: &'a [Migration],
    options: &Options,
) -> Result<Vec<&'a Migration>> {
    let mut client = connection::connect(address).await?;
    // A migration may take long, and nothing but the operator may stop it.
    client
        .batch_execute("set statement_timeout = 0; set client_min_messages = warning")
        .await
        .map_err(explain)?;
    client
        .execute("select pg_advisory_lock($1)", &[&LOCK])
        .await
        .map_err(explain)?;
    let left = pending(migrations, &ledger(&client).await?)?;
    if options.dry_run {
        return Ok(left);
    }
    let standing = cell::compare(&client, options.cell.as_ref()).await?;
    prepare_ledger(&client).await?;
    for migration in &left {
        // The baseline has in it what the changes do.
        let recorded = match *migration {
            baseline if baseline.is_baseline() => migrations.iter().collect(),
            change => vec![change],
        };
        apply_patiently(&mut client, migration, &recorded)
            .await
            .with_context(|| format!("migration {} failed and was undone", migration.label()))?;
    }
    hand_over_ledger(&client).await?;
    withhold(&client).await?;
    if let Standing::Open(cell) = standing {
        cell::write(&client, &cell).await?;
    }
    for (role, password) in &options.passwords {
        set_password(&client, role, password).await?;
    }
    Ok(left)
}

/// What has been applied to a database, in order.
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

/// The ledger comes before the first migration, so it is the one table that is not in `migrations/`.
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
        .context("cannot create the ledger of migrations: the first time takes a superuser")
}

/// Later migrations run as a member of the owner, who must then be able to write the ledger too.
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

/// Applies a migration between the transactions of those who are served meanwhile, and writes into the ledger what the database has with it.
async fn apply_patiently(
    client: &mut Client,
    migration: &Migration,
    recorded: &[&Migration],
) -> Result<()> {
    let mut attempt = 1;
    loop {
        match apply(client, migration, recorded).await {
            Err(error) if attempt < ATTEMPTS && is_lock_timeout(&error) => {
                tokio::time::sleep(BETWEEN).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// The message ends with the SQLSTATE, as `explain` writes it.
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
            .map_err(|error| locate(error, &file.sql))
            .with_context(|| file.path.clone())?;
    }
    // A migration acts as the owner for its own length only.
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

/// Adds the line of the file on which PostgreSQL stumbled.
fn locate(error: tokio_postgres::Error, sql: &str) -> anyhow::Error {
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
            let line = sql
                .chars()
                .take(position)
                .filter(|character| *character == '\n')
                .count()
                + 1;
            anyhow!("line {line}: {explained}")
        }
        None => explained,
    }
}

async fn set_password(client: &Client, role: &str, password: &str) -> Result<()> {
    // Only the verifier leaves this process: the password itself cannot get into a server's log.
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
