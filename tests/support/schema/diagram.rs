//! Draws the tables and their references as diagrams, one for each subject, for the page docs/reference/data-model-diagram.md.
//! The tables themselves are described in `mod.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use database::migrate::Migration;
use tokio_postgres::Client;

use super::subjects;

const INTRODUCTION: &str = "\
# Data model: diagrams

Every table of the schema `lms` with its references, one diagram for each folder of `migrations/baseline/`. The label of a line is the
column that refers to the other table, beside `tenant_id`, which every reference includes. References to `tenants` and `centres`, which
most tables have, are listed below each diagram instead. The columns of all tables are in `tests/golden/schema.sql`.

This page is generated: `UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- schema` writes it.
";

/// Foreign keys: the table, the table that it refers to, and the columns without the tenant.
const REFERENCES: &str = "select
  c.relname::text,
  f.relname::text,
  (
    select string_agg(a.attname, ', ' order by a.attnum)
    from pg_attribute as a
    where a.attrelid = k.conrelid
      and a.attnum = any (k.conkey)
      and a.attname <> 'tenant_id'
  )
from pg_constraint as k
join pg_class as c
  on c.oid = k.conrelid
join pg_class as f
  on f.oid = k.confrelid
where k.contype = 'f'
  and k.conparentid = 0
  and k.connamespace = 'lms'::regnamespace
  and c.relkind in ('r', 'p')
  and not c.relispartition
order by 1, 2, 3";

/// Tables to which so many others refer that lines to them would hide all others.
const COMMON: [&str; 2] = ["tenants", "centres"];

struct Reference {
    table: String,
    to: String,
    column: String,
}

/// Returns the page with the diagrams.
///
/// # Errors
///
/// When the query fails.
pub async fn diagrams(client: &Client, baseline: &Migration) -> Result<String> {
    let mut references: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
    for row in client.query(REFERENCES, &[]).await? {
        let table: String = row.get(0);
        let column: Option<String> = row.get(2);
        references
            .entry(table.clone())
            .or_default()
            .push(Reference {
                table,
                to: row.get(1),
                column: column.unwrap_or_else(|| "tenant_id".to_owned()),
            });
    }
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (subject, name) in subjects(baseline) {
        if let Some(name) = name.strip_prefix("lms.") {
            tables.entry(subject).or_default().push(name.to_owned());
        }
    }
    let mut page = String::from(INTRODUCTION);
    for (subject, tables) in &tables {
        let title = subject.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        writeln!(page, "\n## {}\n", capitalised(&title.replace('_', " ")))?;
        diagram(&mut page, tables, &references)?;
    }
    Ok(page)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn diagram(
    page: &mut String,
    tables: &[String],
    references: &BTreeMap<String, Vec<Reference>>,
) -> Result<()> {
    page.push_str("```mermaid\nerDiagram\n");
    let mut common = Vec::new();
    for table in tables {
        writeln!(page, "  {table}")?;
        for reference in references.get(table).into_iter().flatten() {
            if COMMON.contains(&reference.to.as_str()) && !tables.contains(&reference.to) {
                common.push(format!("`{}.{}`", reference.table, reference.column));
            } else {
                writeln!(
                    page,
                    "  {} ||--o{{ {} : \"{}\"",
                    reference.to, reference.table, reference.column
                )?;
            }
        }
    }
    page.push_str("```\n");
    if !common.is_empty() {
        writeln!(
            page,
            "\nReferences to `tenants` and `centres`: {}.",
            common.join(", ")
        )?;
    }
    Ok(())
}
