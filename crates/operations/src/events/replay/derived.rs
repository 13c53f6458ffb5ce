//! Deriving rows that are not events themselves from recorded rows: journal entries, their totals, and sequences of numbers.
//! Recorded rows are rebuilt in the parent module.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::{explain, quote_name};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::events::tables::copy_definition;

/// Derives all of them from the rows in the schema.
pub(super) async fn derive(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    schema: &str,
    end: i64,
    time: Option<DateTime<Utc>>,
) -> Result<()> {
    for table in ["journal_entries", "finance_totals", "tenant_sequences"] {
        copy_definition(transaction, table, schema).await?;
    }
    let schema = quote_name(schema);
    transaction
        .batch_execute(&ledger(&schema))
        .await
        .map_err(explain)
        .context("cannot derive the journal entries and totals")?;
    for sequence in sequences(transaction).await? {
        advance(
            transaction,
            &schema,
            &sequence,
            &[&tenant, &end, &time, &sequence.table, &sequence.name],
        )
        .await
        .with_context(|| format!("cannot advance the sequence of {}", sequence.table))?;
    }
    Ok(())
}

/// The SQL that derives journal entries and totals, as `lms_private.rebuild_ledger` does for all tenants.
fn ledger(schema: &str) -> String {
    format!(
        "insert into {schema}.journal_entries (
          tenant_id, id, record_id, account, amount, currency, created_at, updated_at, created_by, updated_by
        )
        select
          r.tenant_id,
          lms_private.journal_entry_id(r.id, a.account),
          r.id,
          a.account,
          lms_private.journal_amount(a.account, r.method, r.type, r.amount, r.reverses_id),
          r.currency,
          r.created_at,
          r.created_at,
          r.created_by,
          r.created_by
        from {schema}.finance_records as r
        cross join lateral unnest(
          array[lms_private.money_account(r.method), lms_private.purpose_account(r.type)]
        ) as a (account);

        insert into {schema}.finance_totals (tenant_id, centre_id, effective_on, currency, type, amount, records)
        select
          r.tenant_id,
          r.centre_id,
          r.effective_on,
          r.currency,
          r.type,
          sum(lms.signed_amount(r.amount, r.reverses_id)),
          count(*)
        from {schema}.finance_records as r
        group by r.tenant_id, r.centre_id, r.effective_on, r.currency, r.type"
    )
}

/// A sequence of numbers, and the table whose rows have them.
struct Sequence {
    table: String,
    name: String,
}

/// Every sequence, found by the triggers that assign its numbers.
async fn sequences(transaction: &Transaction<'_>) -> Result<Vec<Sequence>> {
    let rows = transaction
        .query(
            "-- events.sequences
            select
              c.relname::text,
              convert_from(substring(t.tgargs for length(t.tgargs) - 1), 'UTF8')
            from pg_trigger as t
            join pg_class as c
              on c.oid = t.tgrelid
            where t.tgfoid = 'lms_private.assign_number'::regproc",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| Sequence {
            table: row.get(0),
            name: row.get(1),
        })
        .collect())
}

/// Advances a sequence beyond the largest number that was ever assigned. A purged row's number is in its event.
async fn advance(
    transaction: &Transaction<'_>,
    schema: &str,
    sequence: &Sequence,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<()> {
    let table = quote_name(&sequence.table);
    let statement = format!(
        "-- events.replay_sequence
        insert into {schema}.tenant_sequences (tenant_id, name, next_value)
        select $1, $5, max(g.number) + 1
        from (
          select max(r.number) as number
          from {schema}.{table} as r
          union all
          select max((l.state->>'number')::bigint)
          from replay_purged as p
          join lms.event_log as l
            on l.tenant_id = $1
            and l.entity_id = p.entity_id
            and l.entity = $4
            and l.position <= $2
            and ($3::timestamptz is null or l.at <= $3)
          where p.entity = $4
        ) as g
        having max(g.number) is not null"
    );
    transaction
        .execute(&statement, parameters)
        .await
        .map_err(explain)?;
    Ok(())
}
