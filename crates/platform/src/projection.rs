//! A row as JSON: which fields a role sees, and how each is written.

use crate::field::{Field, Kind};
use crate::policy::Grant;
use crate::resource::Resource;
use crate::role::Role;
use crate::sql::Sql;

/// The fields of the resource that the grant lets its role read, in order.
pub fn visible<'a>(
    resource: &'a Resource,
    grant: &'a Grant,
) -> impl Iterator<Item = &'static Field> + use<'a> {
    resource.all_fields().filter(|field| {
        grant.reads.covers(field.name)
            && !matches!(field.kind, Kind::Secret { .. })
            // Deleted rows are the admin's business alone.
            && (field.name != "deleted_at" || grant.role == Role::Admin)
    })
}

/// `json_build_object(...)` over the fields of the row `r`.
pub fn object(fields: impl Iterator<Item = &'static Field>) -> Sql {
    let mut sql = Sql::default();
    sql.push("json_build_object(");
    for (index, field) in fields.enumerate() {
        sql.push(if index == 0 { "\n    '" } else { ",\n    '" })
            .push(field.name)
            .push("', ");
        value(&mut sql, field);
    }
    sql.push("\n  )");
    sql
}

/// One field of the row `r` as the interface writes it.
pub fn value(sql: &mut Sql, field: &Field) {
    match field.kind {
        Kind::Time => sql.push("lms.utc(r.").push(field.name).push(")"),
        _ => sql.push("r.").push(field.name),
    };
}

/// One field of the body in `$1`, cast to its type.
pub fn input(sql: &mut Sql, field: &Field) {
    if field.kind.is_json() {
        // JSON null clears the column; it is not a value of its own.
        sql.push("nullif($1->'input'->'")
            .push(field.name)
            .push("', 'null'::jsonb)");
    } else {
        sql.push("($1->'input'->>'")
            .push(field.name)
            .push("')::")
            .push(field.kind.sql_type());
    }
}

/// One field of the body in `$1`, checked if it refers to another table, or its default.
pub fn checked_input(sql: &mut Sql, field: &Field) {
    if let Kind::Reference(table) = field.kind {
        sql.push("lms.referenced('").push(field.name).push("', ");
        input(sql, field);
        sql.push(", exists (select from lms.").push(table).push(" as t where t.id = ");
        input(sql, field);
        sql.push(" and t.deleted_at is null))");
    } else if let Some(default) = field.default {
        sql.push("coalesce(");
        input(sql, field);
        sql.push(", ").push(default).push(")");
    } else {
        input(sql, field);
    }
}
