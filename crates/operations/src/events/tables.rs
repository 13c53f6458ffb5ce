//! The recorded tables, found by the triggers that write the log, and creating them in another schema.
//! All tables with rows of tenants live in `relocation::tables`.

use anyhow::Result;
use database::{explain, quote_name};
use tokio_postgres::{Row, Transaction};

/// A table whose changes are events.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// Its stored columns, without generated ones.
    pub(crate) columns: Vec<String>,
    /// The defaults of columns that are newer than some events, as SQL by the name of the column.
    defaults: Vec<(String, String)>,
}

impl Table {
    /// Every recorded table.
    pub(crate) async fn recorded(transaction: &Transaction<'_>) -> Result<Vec<Self>> {
        let rows = transaction
            .query(
                "-- events.recorded_tables
                select
                  c.relname::text,
                  array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = ''),
                  array_agg(a.attname::text order by a.attnum)
                    filter (where d.adbin is not null and a.attgenerated = '' and common.attname is null),
                  array_agg(pg_get_expr(d.adbin, d.adrelid) order by a.attnum)
                    filter (where d.adbin is not null and a.attgenerated = '' and common.attname is null)
                from pg_class as c
                join pg_attribute as a
                  on a.attrelid = c.oid
                  and a.attnum > 0
                  and not a.attisdropped
                left join pg_attrdef as d
                  on d.adrelid = c.oid
                  and d.adnum = a.attnum
                left join pg_attribute as common
                  on common.attrelid = 'lms_private.row_template'::regclass
                  and common.attname = a.attname
                where c.relnamespace = 'lms'::regnamespace
                  and exists (
                    select from pg_trigger as t
                    where t.tgrelid = c.oid
                      and t.tgfoid = 'lms_private.record_changes'::regproc
                  )
                group by c.relname
                order by c.relname",
                &[],
            )
            .await
            .map_err(explain)?;
        Ok(rows.iter().map(table).collect())
    }

    /// Its name in another schema as SQL.
    pub(crate) fn within(&self, schema: &str) -> String {
        format!("{}.{}", quote_name(schema), quote_name(&self.name))
    }

    /// Its stored columns as SQL, each with a prefix.
    pub(crate) fn list(&self, prefix: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{prefix}{}", quote_name(column)))
            .collect();
        columns.join(", ")
    }

    /// A row in another schema that has its defaults alone, as SQL.
    pub(crate) fn defaults(&self, schema: &str) -> String {
        let members: Vec<String> = self
            .defaults
            .iter()
            .map(|(column, value)| format!("{}, {value}", database::quote_literal(column)))
            .collect();
        format!(
            "jsonb_populate_record(null::{}, jsonb_build_object({}))",
            self.within(schema),
            members.join(", ")
        )
    }
}

fn table(row: &Row) -> Table {
    let texts = |index| row.get::<_, Option<Vec<String>>>(index).unwrap_or_default();
    Table {
        name: row.get(0),
        columns: texts(1),
        defaults: texts(2).into_iter().zip(texts(3)).collect(),
    }
}

/// Creates a table of schema `lms` in another schema with its columns and key. It has no triggers, references, checks and not-null
/// constraints, because events may be older than those.
pub(crate) async fn copy_definition(
    transaction: &Transaction<'_>,
    name: &str,
    schema: &str,
) -> Result<()> {
    let source = format!("lms.{}", quote_name(name));
    let target = format!("{}.{}", quote_name(schema), quote_name(name));
    transaction
        .batch_execute(&format!(
            "create table {target} (
              like {source} including defaults including generated including storage including comments
            );
            alter table {target} add primary key (tenant_id, id)"
        ))
        .await
        .map_err(explain)?;
    let rows = transaction
        .query(
            "-- events.required_columns
            select a.attname::text
            from pg_attribute as a
            where a.attrelid = $1::text::regclass
              and a.attnum > 0
              and a.attnotnull
              and a.attname not in ('tenant_id', 'id')",
            &[&target],
        )
        .await
        .map_err(explain)?;
    let changes: Vec<String> = rows
        .iter()
        .map(|row| format!("alter column {} drop not null", quote_name(row.get(0))))
        .collect();
    if !changes.is_empty() {
        transaction
            .batch_execute(&format!("alter table {target} {}", changes.join(", ")))
            .await
            .map_err(explain)?;
    }
    Ok(())
}
