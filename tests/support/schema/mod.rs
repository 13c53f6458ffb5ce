//! Describes the schema of a database from PostgreSQL's catalog: the tables for reviewers, and every object for a comparison.
//! The matrix of row policies is in `policies.rs`, the golden files are in `tests/golden/`.

mod diagram;
mod policies;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use database::migrate::Migration;
use tokio_postgres::Client;

pub use diagram::diagrams;
pub use policies::matrix;

/// Tables and materialized views, without partitions, which depend on the date, and without the table of applied migrations.
/// The last column has the partition key and the properties `unlogged` and `without row security`.
const TABLES: &str = "select
  c.oid::regclass::text,
  c.relkind = 'm',
  obj_description(c.oid, 'pg_class'),
  concat_ws(
    ' ',
    'partition by ' || pg_get_partkeydef(c.oid),
    case when c.relpersistence = 'u' then 'unlogged' end,
    case when not (c.relrowsecurity and c.relforcerowsecurity) and c.relnamespace = 'lms'::regnamespace then 'without row security' end
  )
from pg_class as c
where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
  and c.relkind in ('r', 'p', 'm')
  and not c.relispartition
  and c.oid <> 'lms_private.migrations'::regclass
order by 1";

/// Columns as written in a table definition.
const COLUMNS: &str = "select
  a.attrelid::regclass::text,
  a.attname::text,
  concat_ws(
    ' ',
    format_type(a.atttypid, a.atttypmod),
    case
      when a.attcollation <> t.typcollation
        then 'collate ' || a.attcollation::regcollation
    end,
    case when a.attnotnull then 'not null' end,
    case
      when a.attgenerated <> '' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
      when a.attidentity <> '' then 'generated always as identity'
      else 'default ' || pg_get_expr(d.adbin, d.adrelid)
    end
  )
from pg_attribute as a
join pg_class as c
  on c.oid = a.attrelid
join pg_type as t
  on t.oid = a.atttypid
left join pg_attrdef as d
  on d.adrelid = a.attrelid
  and d.adnum = a.attnum
where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
  and c.relkind in ('r', 'p', 'm')
  and a.attnum > 0
  and not a.attisdropped
order by a.attrelid, a.attnum";

/// Constraints, sorted by kind (keys, references, checks) and name.
const CONSTRAINTS: &str = "select
  k.conrelid::regclass::text,
  k.conname::text,
  pg_get_constraintdef(k.oid)
from pg_constraint as k
where k.connamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
  and k.conrelid <> 0
  and k.contype <> 't'
order by position(k.contype::text in 'puxfc'), k.conname";

/// Indexes, without those that belong to constraints.
const INDEXES: &str = "select
  i.indrelid::regclass::text,
  pg_get_indexdef(i.indexrelid)
from pg_index as i
join pg_class as c
  on c.oid = i.indrelid
where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
  and not exists (select from pg_constraint as k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
order by i.indexrelid::regclass::text";

/// Queries for all other objects, one text for each object.
const OTHERS: [&str; 6] = [
    "select concat_ws(
      E'\\n',
      pg_get_functiondef(p.oid),
      'owner ' || pg_get_userbyid(p.proowner),
      'execute ' || array(
        select coalesce(r.rolname, 'public') from aclexplode(p.proacl) as x left join pg_roles as r on r.oid = x.grantee order by 1
      )::text,
      obj_description(p.oid, 'pg_proc')
    )
    from pg_proc as p
    where p.pronamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and p.prokind in ('f', 'p')
      and not exists (select from pg_depend as d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')",
    "select pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
    from pg_trigger as t
    join pg_class as c
      on c.oid = t.tgrelid
    where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and not t.tgisinternal
      and not c.relispartition",
    "select concat_ws(
      ' ',
      'policy', p.polrelid::regclass, p.polname, p.polcmd::text, p.polpermissive,
      array(select r.rolname from pg_roles as r where r.oid = any (p.polroles) order by 1)::text,
      'using', pg_get_expr(p.polqual, p.polrelid),
      'with check', pg_get_expr(p.polwithcheck, p.polrelid)
    )
    from pg_policy as p",
    "select concat_ws(
      ' ',
      'grant', c.oid::regclass, pg_get_userbyid(c.relowner),
      array(
        select concat_ws(' ', r.rolname, x.privilege_type) from aclexplode(c.relacl) as x join pg_roles as r on r.oid = x.grantee order by 1
      )::text,
      array(
        select concat_ws(' ', a.attname, r.rolname, x.privilege_type)
        from pg_attribute as a
        cross join aclexplode(a.attacl) as x
        join pg_roles as r
          on r.oid = x.grantee
        where a.attrelid = c.oid
          and not a.attisdropped
        order by 1
      )::text
    )
    from pg_class as c
    where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and c.relkind in ('r', 'p', 'm', 'S')
      and not c.relispartition
      and c.oid <> 'lms_private.migrations'::regclass",
    "select concat_ws(' ', 'view', c.oid::regclass, pg_get_viewdef(c.oid))
    from pg_class as c
    where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and c.relkind in ('v', 'm')",
    "select concat_ws(' ', 'column comment', d.objoid::regclass, a.attname, d.description)
    from pg_description as d
    join pg_class as c
      on c.oid = d.objoid
    join pg_attribute as a
      on a.attrelid = d.objoid
      and a.attnum = d.objsubid
    where d.classoid = 'pg_class'::regclass
      and c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and not c.relispartition",
];

/// The table whose columns other tables copy by `like`.
const TEMPLATE: &str = "lms_private.row_template";

/// A table or materialized view in the catalog.
#[derive(Default)]
struct Table {
    is_view: bool,
    comment: String,
    remark: String,
    /// Names and definitions, in their order.
    columns: Vec<(String, String)>,
    constraints: Vec<(String, String)>,
    indexes: Vec<String>,
}

impl Table {
    /// Returns whether it has all columns of the template.
    fn is_like(&self, template: &Table) -> bool {
        template
            .columns
            .iter()
            .all(|column| self.columns.contains(column))
    }

    fn lines(&self, name: &str, template: Option<&Table>) -> Vec<String> {
        let template = template.filter(|template| self.is_like(template));
        let mut lines = Vec::new();
        let mut items = Vec::new();
        if template.is_some() {
            items.push(format!("like {TEMPLATE}"));
        }
        let shared = template.map_or(&[][..], |template| &template.columns);
        items.extend(
            self.columns
                .iter()
                .filter(|column| !shared.contains(column))
                .map(|(name, definition)| format!("{name} {definition}")),
        );
        let key = template.and_then(|template| template.constraints.first());
        items.extend(
            self.constraints
                .iter()
                .filter(|(_, definition)| key.is_none_or(|(_, shared)| definition != shared))
                .map(|(name, definition)| format!("constraint {name} {definition}")),
        );
        let kind = if self.is_view {
            "materialized view"
        } else {
            "table"
        };
        lines.push(format!("create {kind} {name} ("));
        let last = items.len().saturating_sub(1);
        lines.extend(items.iter().enumerate().map(|(index, item)| {
            let comma = if index == last { "" } else { "," };
            format!("  {item}{comma}")
        }));
        lines.push(match self.remark.as_str() {
            "" => ");".to_owned(),
            remark => format!(") {remark};"),
        });
        lines.extend(self.indexes.iter().map(|index| format!("{index};")));
        lines
    }
}

/// Joins the lines of an expression that PostgreSQL prints.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads all tables and materialized views of a database, by name.
async fn tables(client: &Client) -> Result<BTreeMap<String, Table>> {
    let mut tables = BTreeMap::new();
    for row in client.query(TABLES, &[]).await? {
        let table = Table {
            is_view: row.get(1),
            comment: row.get::<_, Option<String>>(2).unwrap_or_default(),
            remark: row.get(3),
            ..Table::default()
        };
        tables.insert(row.get::<_, String>(0), table);
    }
    for row in client.query(COLUMNS, &[]).await? {
        if let Some(table) = tables.get_mut(row.get::<_, &str>(0)) {
            table.columns.push((row.get(1), one_line(row.get(2))));
        }
    }
    for row in client.query(CONSTRAINTS, &[]).await? {
        if let Some(table) = tables.get_mut(row.get::<_, &str>(0)) {
            table.constraints.push((row.get(1), one_line(row.get(2))));
        }
    }
    for row in client.query(INDEXES, &[]).await? {
        if let Some(table) = tables.get_mut(row.get::<_, &str>(0)) {
            table.indexes.push(
                one_line(row.get(1))
                    .replace(" USING btree ", " ")
                    .replace("CREATE UNIQUE INDEX", "create unique index")
                    .replace("CREATE INDEX", "create index")
                    .replace(" ON ONLY ", " on ")
                    .replace(" ON ", " on ")
                    .replace(" USING ", " using ")
                    .replace(" WHERE ", " where "),
            );
        }
    }
    Ok(tables)
}

/// Returns the subject and the name of each table, in the order of the baseline's folders.
pub(crate) fn subjects(baseline: &Migration) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut files: Vec<_> = baseline.files.iter().collect();
    files.sort_by_key(|file| &file.path);
    for file in files {
        let Some(subject) = file.path.split('/').nth(1) else {
            continue;
        };
        for line in file.sql.lines() {
            let name = [
                "create table ",
                "create unlogged table ",
                "create materialized view ",
            ]
            .iter()
            .find_map(|words| line.strip_prefix(words))
            .and_then(|rest| rest.split_whitespace().next());
            if let Some(name) = name {
                found.push((subject.to_owned(), name.to_owned()));
            }
        }
    }
    found
}

/// Describes all tables of a database with their columns, constraints and indexes, by subject.
///
/// # Errors
///
/// When a query fails, or the database has a table that no file of the baseline creates.
pub async fn definitions(client: &Client, baseline: &Migration) -> Result<String> {
    let mut tables = tables(client).await?;
    let template = tables.remove(TEMPLATE).context("the template of rows")?;
    let mut text = String::from(
        "-- The tables of a database with this schema, as PostgreSQL has them: columns, constraints and indexes, by subject.\n\
        -- Not executed; UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- schema writes it anew.\n",
    );
    let mut last = String::new();
    for (subject, name) in subjects(baseline) {
        let table = if name == TEMPLATE {
            Some(&template)
        } else {
            tables.get(&name)
        };
        // Partitions are not listed.
        let Some(table) = table else { continue };
        if subject != last {
            write!(text, "\n-- {subject}\n")?;
            last = subject;
        }
        text.push('\n');
        if !table.comment.is_empty() {
            writeln!(text, "-- {}", table.comment)?;
        }
        let like = (name != TEMPLATE).then_some(&template);
        for line in table.lines(&name, like) {
            writeln!(text, "{line}")?;
        }
        tables.remove(&name);
    }
    let left: Vec<&String> = tables.keys().collect();
    anyhow::ensure!(
        left.is_empty(),
        "no file of migrations/baseline creates {left:?}"
    );
    Ok(text)
}

/// Describes every object of a schema, one text for each, for a comparison of two databases. The order of a table's columns
/// does not matter.
///
/// # Errors
///
/// When a query fails.
pub async fn description(client: &Client) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for (name, table) in tables(client).await? {
        let mut lines = table.lines(&name, None);
        for line in &mut lines {
            *line = line.trim_end_matches(',').to_owned();
        }
        lines.sort();
        lines.insert(0, table.comment);
        texts.insert(format!("{name}\n{}", lines.join("\n")));
    }
    for query in OTHERS {
        for row in client.query(query, &[]).await? {
            texts.insert(row.get(0));
        }
    }
    Ok(texts)
}
