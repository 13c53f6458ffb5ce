//! Which tables hold rows of tenants: every one that has the column, so that none that is made later is forgotten.

use anyhow::Result;
use database::{explain, quote_name};
use tokio_postgres::GenericClient;

/// Tables that have a column `tenant_id` and belong to the cell all the same, and why.
pub const NOT_OF_A_TENANT: &[(&str, &str)] = &[
    ("lms_private.row_template", "never holds a row"),
    (
        "lms_private.relocated_tenants",
        "the directory of this cell",
    ),
    ("lms_private.tenant_relocations", "how far moves have come"),
    (
        "lms_private.reset_requests",
        "taken out within seconds, and whom they are for is looked up only then",
    ),
    (
        "lms_private.unsealed_events",
        "empty once sealed, which comes before a move and before erasing",
    ),
];

/// A table that holds rows of tenants.
#[derive(Clone, Debug)]
pub struct Table {
    /// Schema and name.
    pub name: String,
    /// Its columns that are stored, and not computed from others.
    pub columns: Vec<String>,
    /// Whether every change of its rows is an event.
    pub is_recorded: bool,
}

/// Every table that holds rows of tenants.
///
/// # Errors
///
/// When the database does not answer.
pub async fn of_tenants(client: &impl GenericClient) -> Result<Vec<Table>> {
    let left_out: Vec<&str> = NOT_OF_A_TENANT.iter().map(|(name, _)| *name).collect();
    let rows = client
        .query(
            "-- moves.tables
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
            &[&left_out],
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
    /// Its stored columns, as SQL, each behind a prefix.
    pub(super) fn list(&self, prefix: &str) -> String {
        self.each(|column| format!("{prefix}{column}"))
    }

    /// What is written of a row that comes from another cell: a tenant's own row says where it is kept.
    pub(super) fn adopted(&self) -> String {
        self.each(|column| match self.of_cell(column) {
            Some(kept) => format!("(select c.{kept} from lms_private.cell as c)"),
            None => format!("r.{column}"),
        })
    }

    /// What has to be the same in both cells: all but what the cell says of itself.
    pub(super) fn compared(&self, prefix: &str) -> String {
        self.each(|column| match self.of_cell(column) {
            Some(_) => "null::text".to_owned(),
            None => format!("{prefix}{column}"),
        })
    }

    fn of_cell(&self, column: &str) -> Option<&'static str> {
        match (self.name.as_str(), column) {
            ("lms.tenants", "\"region\"") => Some("region"),
            ("lms.tenants", "\"retention_class\"") => Some("retention_class"),
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
