//! The two cells of a relocation: connecting to both, and rejecting pairs between which no tenant can be relocated.
//! The definitions of cells live in `crate::cell`.

use anyhow::{Context, Result, bail, ensure};
use database::explain;
use database::migrate::{Applied, is_same_schema, ledger};
use database::tenant::set_context;
use tokio_postgres::{Client, IsolationLevel, Transaction};
use uuid::Uuid;

/// The addresses of a cell.
#[derive(Clone)]
pub struct Cell {
    /// Its name, if it has a definition.
    pub name: Option<String>,
    /// Its database, with a login that may act as the owner of the schema and disable triggers.
    pub database_url: String,
    /// Its base URL for clients.
    pub url: String,
}

impl std::fmt::Debug for Cell {
    /// Prints the URL alone, because the database URL has a password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.url)
    }
}

/// The request id of a relocation's transactions in the event log.
pub(super) const REQUEST_ID: &str = "relocation";

/// The tenant to be relocated, and the cells.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// The cell in which it lives.
    pub from: Cell,
    /// The cell in which it is to live.
    pub to: Cell,
}

/// The identity of a cell, from its database.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) retention_class: String,
}

/// Connections to both cells.
pub(super) struct Cells {
    pub(super) from: Client,
    pub(super) to: Client,
    pub(super) from_cell: Identity,
    pub(super) to_cell: Identity,
}

impl Cells {
    /// Connects to both, and checks that the target can hold the rows of the source.
    pub(super) async fn open(from: &Cell, to: &Cell) -> Result<Self> {
        for cell in [from, to] {
            check_url(&cell.url)?;
        }
        let (from, from_cell) = open(from).await.context("the source cell")?;
        let (to, to_cell) = open(to).await.context("the target cell")?;
        ensure!(
            identity(&from).await? != identity(&to).await? && from_cell.name != to_cell.name,
            "both are the cell {}: a tenant is relocated between two different cells",
            to_cell.name
        );
        let (here, there) = (ledger(&from).await?, ledger(&to).await?);
        ensure!(
            is_same_schema(&here, &there),
            "the schemas differ: {} has {}, {} has {}; run `lms migrate` there first",
            from_cell.name,
            latest_migration(&here),
            to_cell.name,
            latest_migration(&there)
        );
        Ok(Self {
            from,
            to,
            from_cell,
            to_cell,
        })
    }

    /// Begins a read-only snapshot in the source and a transaction in the target, both in the tenant's context. `disable_triggers` is about
    /// the target.
    pub(super) async fn begin(
        &mut self,
        tenant: Uuid,
        disable_triggers: bool,
    ) -> Result<(Transaction<'_>, Transaction<'_>)> {
        let source = self
            .from
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(explain)?;
        enter(&source, tenant, REQUEST_ID, false).await?;
        let target = self.to.transaction().await.map_err(explain)?;
        enter(&target, tenant, REQUEST_ID, disable_triggers).await?;
        Ok((source, target))
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
        "{text:?} is not a base URL like https://eu.lms.example.com"
    );
    Ok(())
}

async fn open(cell: &Cell) -> Result<(Client, Identity)> {
    let client = database::connect(&cell.database_url).await?;
    let row = client
        .query_opt(
            "-- relocation.cell
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
    let may_disable_triggers = client
        .query_one(
            "select has_parameter_privilege('session_replication_role', 'set')",
            &[],
        )
        .await
        .map_err(explain)?;
    ensure!(
        may_disable_triggers.get::<_, bool>(0),
        "this database login may not disable triggers: grant it `set on parameter session_replication_role`"
    );
    let identity = Identity {
        name: row.get(0),
        retention_class: row.get(1),
    };
    if let Some(name) = &cell.name {
        ensure!(
            identity.name == *name,
            "the database is the cell {}, not {name}",
            identity.name
        );
    }
    Ok((client, identity))
}

/// A text that differs between any two databases.
pub(crate) async fn identity(client: &Client) -> Result<String> {
    let row = client
        .query_one(
            "-- relocation.database
            select concat_ws(' ', d.oid, pg_postmaster_start_time()::text)
            from pg_database as d
            where d.datname = current_database()",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// The last migration of a ledger, for messages.
pub(crate) fn latest_migration(ledger: &[Applied]) -> String {
    match ledger.last() {
        Some(last) => format!("migration {:04}", last.version),
        None => "none".to_owned(),
    }
}

/// Turns a transaction that has just begun into one of the schema's owner in a tenant's context, in which row security shows this tenant
/// alone. With triggers disabled, rows are written and deleted as they are, and only triggers that are enabled always run.
pub(crate) async fn enter(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    request: &str,
    disable_triggers: bool,
) -> Result<()> {
    if disable_triggers {
        transaction
            .batch_execute("set local session_replication_role = replica")
            .await
            .map_err(explain)?;
    }
    set_context(transaction, tenant, request).await?;
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
