//! The two cells of a move: connecting to both, and refusing pairs between which no tenant can move.

use anyhow::{Context, Result, bail, ensure};
use database::explain;
use database::migrate::{Applied, ledger};
use database::tenant::take_context;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

/// How a cell is reached.
#[derive(Clone)]
pub struct Cell {
    /// Its database, with a login that may act as the owner of the schema and let triggers rest.
    pub database: String,
    /// The base URL under which clients reach it.
    pub url: String,
}

impl std::fmt::Debug for Cell {
    /// Without the password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.url)
    }
}

/// What a database says of its cell.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) retention: String,
}

/// Connections to both cells.
pub(super) struct Cells {
    pub(super) from: Client,
    pub(super) to: Client,
    pub(super) from_name: Name,
    pub(super) to_name: Name,
}

impl Cells {
    /// Connects to both, and checks that one could take what the other has.
    pub(super) async fn open(from: &Cell, to: &Cell) -> Result<Self> {
        for cell in [from, to] {
            check_url(&cell.url)?;
        }
        let (from, from_name) = open(&from.database)
            .await
            .context("the cell that the tenant leaves")?;
        let (to, to_name) = open(&to.database)
            .await
            .context("the cell that the tenant goes to")?;
        ensure!(
            identity(&from).await? != identity(&to).await? && from_name.name != to_name.name,
            "both are the cell {}: a tenant moves between two",
            to_name.name
        );
        let (here, there) = (ledger(&from).await?, ledger(&to).await?);
        ensure!(
            here == there,
            "the schemas differ: {} has {}, {} has {}; run `lms migrate` there first",
            from_name.name,
            latest(&here),
            to_name.name,
            latest(&there)
        );
        Ok(Self {
            from,
            to,
            from_name,
            to_name,
        })
    }
}

fn check_url(text: &str) -> Result<()> {
    let is_base = text.len() <= 2000
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.password().is_none()
                && url.username().is_empty()
        });
    ensure!(
        is_base,
        "{text:?} is no base URL like https://eu.lms.example.com"
    );
    Ok(())
}

async fn open(address: &str) -> Result<(Client, Name)> {
    let client = database::connect(address).await?;
    let row = client
        .query_opt(
            "-- moves.cell
            select c.name, c.retention_class
            from lms_private.cell as c",
            &[],
        )
        .await
        .map_err(explain)
        .context("the database lacks the schema: run `lms migrate`")?;
    let Some(row) = row else {
        bail!("the database is not a cell yet: run `lms migrate` with --cell");
    };
    let may_rest = client
        .query_one(
            "select has_parameter_privilege('session_replication_role', 'set')",
            &[],
        )
        .await
        .map_err(explain)?;
    ensure!(
        may_rest.get::<_, bool>(0),
        "this database login may not let triggers rest: grant it `set on parameter session_replication_role`"
    );
    let name = Name {
        name: row.get(0),
        retention: row.get(1),
    };
    Ok((client, name))
}

/// What no two databases have in common.
pub(crate) async fn identity(client: &Client) -> Result<String> {
    let row = client
        .query_one(
            "-- moves.database
            select concat_ws(' ', d.oid, pg_postmaster_start_time()::text)
            from pg_database as d
            where d.datname = current_database()",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// The last migration of a ledger, for people.
pub(crate) fn latest(ledger: &[Applied]) -> String {
    match ledger.last() {
        Some(last) => format!("migration {:04}", last.version),
        None => "none".to_owned(),
    }
}

/// Turns a transaction that has just begun into one of the schema's owner in a tenant's context: row security shows it this tenant alone.
/// Where triggers rest, rows are written and deleted as they are, and only those that are always on hold.
pub(crate) async fn enter(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    request: &str,
    triggers_rest: bool,
) -> Result<()> {
    if triggers_rest {
        transaction
            .batch_execute("set local session_replication_role = replica")
            .await
            .map_err(explain)?;
    }
    take_context(transaction, tenant, request).await?;
    transaction
        .batch_execute(
            "set local timezone = 'UTC';
            set local datestyle = 'ISO';
            set local extra_float_digits = 1;
            set local bytea_output = 'hex'",
        )
        .await
        .map_err(explain)
}
