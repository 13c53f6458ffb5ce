//! The tables with rows of tenants: every table with the column `tenant_id`, so that a new table is never left out.
//! The recorded tables, whose changes are events, live in `events::tables`.

use anyhow::Result;
use database::{explain, quote_name};
use tokio_postgres::GenericClient;

/// Tables that have a column `tenant_id` and nevertheless belong to the cell, with the reason.
pub const CELL_TABLES: &[(&str, &str)] = &[
    ("lms_private.row_template", "never holds a row"),
    (
        "lms_private.relocated_tenants",
        "the directory of this cell",
    ),
    (
        "lms_private.tenant_relocations",
        "the progress of relocations",
    ),
    (
        "lms_private.reset_requests",
        "processed within seconds, and not assigned to an account before that",
    ),
    (
        "lms_private.unsealed_events",
        "empty after sealing, which precedes copying and erasing",
    ),
];

/// A table with rows of tenants.
#[derive(Clone, Debug)]
pub struct Table {
    /// Schema and name.
    pub name: String,
    /// Its stored columns, without generated ones.
    pub columns: Vec<String>,
    /// True when every change of its rows is an event.
    pub is_recorded: bool,
}

/// Every table with rows of tenants.
///
/// # Errors
///
/// When the database does not answer.
pub async fn tenant_tables(client: &impl GenericClient) -> Result<Vec<Table>> {
    let excluded: Vec<&str> = CELL_TABLES.iter().map(|(name, _)| *name).collect();
    let rows = client
        .query(
            "-- relocation.tables
            select
              format('%s.%s', c.relnamespace::regnamespace, c.relname),
              array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = ''),
              (
                select count(*) = 3
                from pg_trigger as t
                where t.tgrelid = c.oid
                  and t.tgfoid = 'lms_private.record_changes'::regproc
              )
            from pg_class as c
            join pg_attribute as a
              on a.attrelid = c.oid
              and a.attnum > 0
              and not a.attisdropped
            where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
              and c.relkind in ('r', 'p')
              and not c.relispartition
              and format('%s.%s', c.relnamespace::regnamespace, c.relname) <> all ($1)
            group by c.oid
            having bool_or(a.attname = 'tenant_id')
            order by 1",
            &[&excluded],
        )
        .await
        .map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| Table {
            name: row.get(0),
            columns: row.get(1),
            is_recorded: row.get(2),
        })
        .collect())
}

impl Table {
    /// Its stored columns as SQL, each with a prefix.
    pub(super) fn list(&self, prefix: &str) -> String {
        self.each(|column| format!("{prefix}{column}"))
    }

    /// The values of a row `r` in the target, as SQL. What a row copies from its cell is that of the target.
    pub(super) fn target_values(&self) -> String {
        self.each(|column| match self.cell_column(column) {
            Some(name) => format!("(select c.{name} from lms_private.cell as c)"),
            None => format!("r.{column}"),
        })
    }

    /// The columns that must be equal in both cells, as SQL: all but those that come from the cell.
    pub(super) fn compared(&self, prefix: &str) -> String {
        self.each(|column| match self.cell_column(column) {
            Some(_) => "null::text".to_owned(),
            None => format!("{prefix}{column}"),
        })
    }

    fn cell_column(&self, column: &str) -> Option<&'static str> {
        match (self.name.as_str(), column) {
            ("lms.tenants", "\"region\"") => Some("region"),
            ("lms.tenants", "\"retention_class\"") => Some("retention_class"),
            ("lms_private.live_sessions", "\"region\"") => Some("region"),
            ("lms_private.live_sessions", "\"cell\"") => Some("name"),
            _ => None,
        }
    }

    fn each(&self, write: impl Fn(&str) -> String) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| write(&quote_name(column)))
            .collect();
        columns.join(", ")
    }
}
