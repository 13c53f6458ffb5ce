//! Writing rows as they were, and an event of each: what triggers would do, without the rules that hold for people at work.

use anyhow::{Context, Result};
use database::{explain, quote_literal, quote_name};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::Restored;

/// What is not brought back, beside what is append-only, by table and column (`*` for all of a table), and why. docs/how-to/restore-a-tenant.md names the same.
pub const STAYS: &[(&str, &str, &str)] = &[
    ("sessions", "*", "who was signed out stays so"),
    ("calendar_feeds", "*", "a secret, which no event has"),
    ("notifications", "*", "what was sent was sent"),
    ("legal_holds", "*", "a hold is lifted by people alone"),
    ("payroll_runs", "*", "of the book"),
    ("payroll_items", "*", "of the book"),
    (
        "inventory",
        "quantity",
        "the sum of a ledger that is append-only",
    ),
    ("tenants", "region", "the cell's"),
    ("tenants", "retention_class", "the cell's"),
];

/// A table whose rows are brought back.
struct Table {
    name: String,
    /// The singular noun of its events.
    noun: String,
    /// Columns that no event has.
    secrets: Vec<String>,
    /// Columns that are brought back.
    columns: Vec<String>,
}

/// Brings all rows of a tenant back to what they are in a schema.
pub(super) async fn restore(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    schema: &str,
) -> Result<Restored> {
    let mut restored = Restored::default();
    let tables = tables(transaction).await?;
    // What was not there goes first: it may have taken a name that has to be free.
    for table in &tables {
        restored.deleted += count(transaction, &deletion(table, schema), tenant, table).await?;
    }
    for table in &tables {
        restored.changed += count(transaction, &change(table, schema), tenant, table).await?;
    }
    for table in &tables {
        restored.made += count(transaction, &insertion(table, schema), tenant, table).await?;
    }
    // Triggers rest, and what they keep beside the lessons follows from the rows that are there now.
    transaction
        .execute(
            "-- restoring.derive
            call lms_private.rebuild_taught_students($1)",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    Ok(restored)
}

/// Every table whose changes are events and that may be changed, without what stays.
async fn tables(transaction: &Transaction<'_>) -> Result<Vec<Table>> {
    let stays: Vec<String> = STAYS
        .iter()
        .map(|(table, column, _)| format!("{table}.{column}"))
        .collect();
    let rows = transaction
        .query(
            "-- restoring.tables
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
            &[&stays],
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
        .with_context(|| format!("cannot bring back {}", table.name))
}

/// Deletes, as people do, what was not there.
fn deletion(table: &Table, schema: &str) -> String {
    format!(
        "-- restoring.delete
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

/// Writes what differs as it was. The version goes on, so that nobody's `If-Match` takes the row for another one.
fn change(table: &Table, schema: &str) -> String {
    format!(
        "-- restoring.change
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

/// Makes what was removed for good.
fn insertion(table: &Table, schema: &str) -> String {
    format!(
        "-- restoring.make
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

/// The event of each row that the statement changed, as `lms_private.record_changes` writes it.
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
