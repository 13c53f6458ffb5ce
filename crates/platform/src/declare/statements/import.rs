//! The statement of an import, and its result. Reading the file is in `pipeline::import`.

use crate::declare::field::{Field, Kind};
use crate::declare::resource::Resource;
use crate::declare::statements::single_row;
use crate::sql::statement::{Sql, Statement};

/// The maximum number of rows of one import. The response lists each of them.
pub const MAX_IMPORT_ROWS: usize = 100_000;
/// Returns the statement that inserts the rows. With `dry_run`, its tag makes `lms.run` roll
/// everything back, and the response says what would happen.
pub fn statement(resource: &Resource) -> Statement {
    let mut sql = Sql::named(resource.table, "import");
    sql.push("with made as (\n  insert into lms.")
        .push(resource.table)
        .push(" (id");
    for field in single_row::stored(resource) {
        sql.push(", ").push(field.name);
    }
    sql.push(")\n  select\n    (one->>'id')::uuid");
    for field in single_row::stored(resource) {
        sql.push(",\n    ");
        column(&mut sql, field);
    }
    sql.push(
        "
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', '",
    );
    sql.push(resource.table).push("', array[");
    let references = single_row::stored(resource).filter_map(|field| match field.kind {
        Kind::Reference(table) => Some((field.name, table, "")),
        Kind::References { table, .. } => Some((field.name, table, ":list")),
        _ => None,
    });
    for (index, (name, table, list)) in references.enumerate() {
        sql.push(if index == 0 { "'" } else { ", '" })
            .push(name)
            .push(":")
            .push(table)
            .push(list)
            .push("'");
    }
    sql.push(
        "]::text[]))
  returning id
)
select
  report as body,
  case when ($1->>'dry_run')::boolean then 'dry_run' end as tag
from (
  select
    json_build_object(
      'dry_run', ($1->>'dry_run')::boolean,
      'created', (select count(*) from made),
      'rows', (
        select json_agg(json_build_object('row', one->'row', 'id', one->>'id', 'outcome', 'create'))
        from jsonb_array_elements($1->'rows') as one
      )
    )::text as report
) as done",
    );
    // The statement is not prepared. The argument of a prepared statement is written into its call
    // as text, which doubles the memory for a large file and takes half as much time again. The
    // time to plan the statement is negligible.
    sql.unprepared()
}

fn column(sql: &mut Sql, field: &Field) {
    if field.kind.is_json() {
        sql.push("coalesce(nullif(one->'input'->'")
            .push(field.name)
            .push("', 'null'::jsonb), ")
            .push(field.default.unwrap_or("null"))
            .push(")");
    } else {
        sql.push("coalesce((one->'input'->>'")
            .push(field.name)
            .push("')::")
            .push(field.kind.sql_type())
            .push(", ")
            .push(field.default.unwrap_or("null"))
            .push(")");
    }
}
