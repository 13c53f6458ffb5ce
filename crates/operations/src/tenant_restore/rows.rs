//! Writing rows back as they were, with an event for each, as triggers would do but without the rules for users.
//! The schema with the former rows is created in `copy` or `events::replay`.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result};
use database::{explain, quote_literal, quote_name};
use serde::Serialize;
use tokio_postgres::Transaction;
use uuid::Uuid;

/// The request id of a restore's transactions in the event log.
pub(super) const REQUEST_ID: &str = "restore";

/// The columns that are not restored, by table (`*` for all of a table), with the reason. Append-only tables are not restored either.
/// docs/how-to/restore-a-tenant.md lists the same.
pub const NOT_RESTORED: &[(&str, &str, &str)] = &[
    ("sessions", "*", "revoked sessions stay revoked"),
    ("calendar_feeds", "*", "a secret, which no event contains"),
    ("notifications", "*", "sent messages cannot be taken back"),
    ("legal_holds", "*", "only people lift a legal hold"),
    ("payroll_runs", "*", "part of the ledger"),
    ("payroll_items", "*", "part of the ledger"),
    ("inventory", "quantity", "the sum of an append-only ledger"),
    ("tenants", "region", "the value of the cell"),
    ("tenants", "retention_class", "the value of the cell"),
];

/// The extent of a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Rows that were changed to their former values.
    pub changed: u64,
    /// Rows that had been removed for good and exist again.
    pub recreated: u64,
    /// Rows that did not exist at that time and are deleted now. They can be restored like other deleted rows.
    pub deleted: u64,
}

impl Display for Restored {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            changed,
            recreated,
            deleted,
        } = self;
        write!(
            out,
            "{changed} rows changed back, {recreated} created again, {deleted} deleted"
        )
    }
}

/// A table whose rows are restored.
struct Table {
    name: String,
    /// The singular noun in the kinds of its events.
    noun: String,
    /// Columns that no event contains.
    secrets: Vec<String>,
    /// Columns that are restored.
    columns: Vec<String>,
}

/// Restores all rows of a tenant to their values in a schema.
pub(super) async fn restore(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    schema: &str,
) -> Result<Restored> {
    let mut restored = Restored::default();
    let tables = tables(transaction).await?;
    // Rows that did not exist are deleted first, because they may have a name that a restored row needs.
    for table in &tables {
        restored.deleted += count(transaction, &deletion(table, schema), tenant, table).await?;
    }
    for table in &tables {
        restored.changed += count(transaction, &change(table, schema), tenant, table).await?;
    }
    for table in &tables {
        restored.recreated += count(transaction, &insertion(table, schema), tenant, table).await?;
    }
    // Triggers are disabled, so the tables that they derive from others are computed from the restored rows.
    for derive in [
        "-- tenant_restore.derive_taught_students
        call lms_private.rebuild_taught_students($1)",
        "-- tenant_restore.derive_live_sessions
        call lms_private.rebuild_live_sessions($1)",
    ] {
        transaction
            .execute(derive, &[&tenant])
            .await
            .map_err(explain)?;
    }
    Ok(restored)
}

/// Every recorded table that may be changed, without the columns that are not restored.
async fn tables(transaction: &Transaction<'_>) -> Result<Vec<Table>> {
    let excluded: Vec<String> = NOT_RESTORED
        .iter()
        .map(|(table, column, _)| format!("{table}.{column}"))
        .collect();
    let rows = transaction
        .query(
            "-- tenant_restore.tables
            with recorded as (
              select
                c.oid,
                c.relname::text as name,
                string_to_array(rtrim(encode(t.tgargs, 'escape'), '\\000'), '\\000') as arguments
              from pg_class as c
              join pg_trigger as t
                on t.tgrelid = c.oid
                and t.tgname = 'record_update'
                and t.tgfoid = 'lms_private.record_changes'::regproc
              where c.relnamespace = 'lms'::regnamespace
                and c.relname || '.*' <> all ($1)
                and not exists (
                  select from pg_trigger as a
                  where a.tgrelid = c.oid
                    and a.tgfoid = 'lms_private.forbid_change'::regproc
                )
            )
            select
              r.name,
              r.arguments[1],
              r.arguments[2:],
              array_agg(a.attname::text order by a.attnum)
            from recorded as r
            join pg_attribute as a
              on a.attrelid = r.oid
              and a.attnum > 0
              and not a.attisdropped
              and a.attgenerated = ''
            where a.attname not in ('tenant_id', 'id', 'created_at', 'created_by', 'updated_at', 'updated_by', 'version')
              and a.attname <> all (r.arguments[2:])
              and r.name || '.' || a.attname <> all ($1)
            group by r.name, r.arguments
            order by r.name",
            &[&excluded],
        )
        .await
        .map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| Table {
            name: row.get(0),
            noun: row.get(1),
            secrets: row.get(2),
            columns: row.get(3),
        })
        .collect())
}

async fn count(
    transaction: &Transaction<'_>,
    statement: &str,
    tenant: Uuid,
    table: &Table,
) -> Result<u64> {
    transaction
        .execute(statement, &[&tenant])
        .await
        .map_err(explain)
        .with_context(|| format!("cannot restore {}", table.name))
}

/// Deletes rows that did not exist, in the way in which users delete rows.
fn deletion(table: &Table, schema: &str) -> String {
    format!(
        "-- tenant_restore.delete
        with changed as (
          update lms.{name} as r
          set
            deleted_at = now(),
            updated_at = now(),
            updated_by = null,
            version = r.version + 1
          where r.tenant_id = $1
            and r.deleted_at is null
            and not exists (
              select from {schema}.{name} as w
              where w.tenant_id = r.tenant_id
                and w.id = r.id
            )
          returning r.*
        )
        {event}",
        name = quote_name(&table.name),
        schema = quote_name(schema),
        event = event(table, "'.deleted'"),
    )
}

/// Writes the former values of rows that differ. The version increases, so that no `If-Match` from before the restore succeeds.
fn change(table: &Table, schema: &str) -> String {
    format!(
        "-- tenant_restore.change
        with before as materialized (
          select r.id, r.deleted_at as gone_at, w.deleted_at is null as is_live
          from lms.{name} as r
          join {schema}.{name} as w
            on w.tenant_id = r.tenant_id
            and w.id = r.id
          where r.tenant_id = $1
            and ({live}) is distinct from ({wanted})
        ), changed as (
          update lms.{name} as r
          set
            ({columns}) = row ({wanted}),
            updated_at = now(),
            updated_by = null,
            version = greatest(r.version, w.version) + 1
          from before as b
          join {schema}.{name} as w
            on w.tenant_id = $1
            and w.id = b.id
          where r.tenant_id = $1
            and r.id = b.id
          returning r.*
        )
        {event}",
        name = quote_name(&table.name),
        schema = quote_name(schema),
        columns = list(table, ""),
        live = list(table, "r."),
        wanted = list(table, "w."),
        event = event(
            table,
            "(
              select case
                when b.gone_at is null and not b.is_live then '.deleted'
                when b.gone_at is not null and b.is_live then '.restored'
                else '.updated'
              end
              from before as b
              where b.id = n.id
            )"
        ),
    )
}

/// Inserts rows that had been removed for good.
fn insertion(table: &Table, schema: &str) -> String {
    format!(
        "-- tenant_restore.make
        with changed as (
          insert into lms.{name} as r (
            tenant_id, id, created_at, created_by, updated_at, updated_by, version, {columns}
          )
          select
            w.tenant_id, w.id, w.created_at, w.created_by, now(), null,
            1 + greatest(w.version, (
              select max((l.state ->> 'version')::bigint)
              from lms.event_log as l
              where l.tenant_id = w.tenant_id
                and l.entity_id = w.id
            )),
            {wanted}
          from {schema}.{name} as w
          where w.tenant_id = $1
            and not exists (
              select from lms.{name} as r
              where r.tenant_id = w.tenant_id
                and r.id = w.id
            )
          returning r.*
        )
        {event}",
        name = quote_name(&table.name),
        schema = quote_name(schema),
        columns = list(table, ""),
        wanted = list(table, "w."),
        event = event(table, "'.created'"),
    )
}

/// Inserts an event for each row that the statement changed, as `lms_private.record_changes` does.
fn event(table: &Table, kind: &str) -> String {
    let secrets: Vec<String> = table
        .secrets
        .iter()
        .map(|name| quote_literal(name))
        .collect();
    format!(
        "insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
        select
          n.tenant_id,
          {name},
          n.id,
          {noun} || {kind},
          null,
          current_setting('app.request_id'),
          clock_timestamp(),
          to_jsonb(n) - array[{secrets}]::text[]
        from changed as n",
        name = quote_literal(&table.name),
        noun = quote_literal(&table.noun),
        secrets = secrets.join(", "),
    )
}

fn list(table: &Table, prefix: &str) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{prefix}{}", quote_name(column)))
        .collect();
    columns.join(", ")
}
