//! The SQL of the plain verbs on one row: get, create, update, delete, restore. Lists are in
//! `listing`.
//!
//! The arguments are `id`, `input` (the checked body) and `versions` (those that `If-Match` names,
//! or null).

use crate::auth::policy::Grant;
use crate::declare::field::{Field, Kind, Writable};
use crate::declare::resource::Resource;
use crate::declare::statements::projection::{self, Indent};
use crate::sql::statement::{Sql, Statement};

/// Returns the statement that reads one live row.
pub fn get(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "get");
    select_row(&mut sql, resource, grant);
    sql.push("\nfrom lms.").push(resource.table).push(
        " as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null",
    );
    sql.prepared(resource.name)
}

/// Returns the statement that reads one row as it was at the time `as_of`, unless it was deleted
/// then.
pub fn get_as_of(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "get_as_of");
    select_row(&mut sql, resource, grant);
    sql.push("\nfrom jsonb_populate_record(\n  null::lms.")
        .push(resource.table)
        .push(",\n  lms.state_at('")
        .push(resource.table)
        .push(
            "', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null",
        );
    sql.prepared(resource.name)
}

/// Returns the statement that creates one row.
pub fn create(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "create");
    sql.push("with r as (\n");
    insert(&mut sql, resource, stored(resource));
    projection::returning(&mut sql, resource);
    select_row(&mut sql, resource, grant);
    sql.push("\nfrom r");
    sql.prepared(resource.name)
}

/// Adds `insert into ... select ...` of the fields, from the body in `$1`.
fn insert(
    sql: &mut Sql,
    resource: &Resource,
    fields: impl Iterator<Item = &'static Field> + Clone,
) {
    sql.push("  insert into lms.")
        .push(resource.table)
        .push(" as r (id");
    for field in fields.clone() {
        sql.push(", ").push(field.name);
    }
    sql.push(")\n  select\n    ($1->>'id')::uuid");
    for field in fields {
        sql.push(",\n    ");
        projection::checked_input(sql, field);
    }
}

/// Returns the statement that changes the fields in the body.
pub fn update(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "update");
    lock_row(&mut sql, resource, "is null");
    sql.push(", r as (\n  update lms.")
        .push(resource.table)
        .push(" as r\n  set");
    let changeable = resource.fields.iter().filter(|field| {
        matches!(
            field.writable,
            Writable::Always | Writable::Derived | Writable::Computed
        )
    });
    for (index, field) in changeable.enumerate() {
        sql.push(if index == 0 { "\n    " } else { ",\n    " })
            .push(field.name)
            .push(" = case when $1->'input' ? '")
            .push(field.name)
            .push("' then ");
        changed_input(&mut sql, field);
        sql.push(" else r.").push(field.name).push(" end");
    }
    finish(&mut sql, resource, grant);
    sql.prepared(resource.name)
}

/// Adds one field of a patch. An object is merged into the stored one (RFC 7396), and anything else
/// replaces it.
fn changed_input(sql: &mut Sql, field: &Field) {
    if matches!(field.kind, Kind::Object(_) | Kind::Json { .. }) {
        sql.push("nullif(lms.merge_patch(r.")
            .push(field.name)
            .push(", $1->'input'->'")
            .push(field.name)
            .push("'), 'null'::jsonb)");
    } else {
        projection::checked_input(sql, field);
    }
}

/// Returns the statement that deletes a row softly.
pub fn delete(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "delete");
    lock_row(&mut sql, resource, "is null");
    sql.push(", r as (\n  update lms.")
        .push(resource.table)
        .push(" as r\n  set deleted_at = now()");
    finish(&mut sql, resource, grant);
    sql.prepared(resource.name)
}

/// Returns the statement that restores a deleted row.
pub fn restore(resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "restore");
    lock_row(&mut sql, resource, "is not null");
    sql.push(", r as (\n  update lms.")
        .push(resource.table)
        .push(" as r\n  set deleted_at = null");
    finish(&mut sql, resource, grant);
    sql.prepared(resource.name)
}

/// Returns the fields that a create request may set.
pub fn settable(resource: &Resource) -> impl Iterator<Item = &'static Field> + Clone + use<> {
    resource
        .fields
        .iter()
        .filter(|field| matches!(field.writable, Writable::OnCreate | Writable::Always))
}

/// Returns the fields with which a new row is written: those that the client may set and those
/// derived from them.
pub fn stored(resource: &Resource) -> impl Iterator<Item = &'static Field> + Clone + use<> {
    resource
        .fields
        .iter()
        .filter(|field| field.writable != Writable::Never)
}

/// Adds the query that locks the row and compares its version with those that the client knows.
fn lock_row(sql: &mut Sql, resource: &Resource, deleted: &'static str) {
    sql.push("with target as materialized (\n  select r.id, ");
    check_version(sql);
    sql.push("\n  from lms.")
        .push(resource.table)
        .push(" as r\n  where r.id = ($1->>'id')::uuid\n    and r.deleted_at ")
        .push(deleted)
        .push("\n  for update\n)");
}

/// Adds the check that refuses the row `r` if its version is not in the argument `versions`, unless
/// that is null.
pub fn check_version(sql: &mut Sql) {
    sql.push(
        "lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )",
    );
}

fn finish(sql: &mut Sql, resource: &Resource, grant: &Grant) {
    sql.push("\n  from target\n  where r.id = target.id");
    projection::returning(sql, resource);
    select_row(sql, resource, grant);
    sql.push("\nfrom r");
}

/// Selects the row `r` as the body, and its version as the tag.
fn select_row(sql: &mut Sql, resource: &Resource, grant: &Grant) {
    sql.push("select\n  ");
    sql.append(&projection::object(resource, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ADMIN, GUEST, LAMPS};

    #[test]
    fn every_statement_says_who_asks_and_is_kept_prepared() {
        for (statement, verb) in [
            (get(&LAMPS, &ADMIN), "get"),
            (create(&LAMPS, &ADMIN), "create"),
            (update(&LAMPS, &ADMIN), "update"),
            (delete(&LAMPS, &ADMIN), "delete"),
            (restore(&LAMPS, &ADMIN), "restore"),
        ] {
            assert!(
                statement.text.starts_with(&format!("-- lamps.{verb}\n")),
                "{}",
                statement.text
            );
            assert!(statement.name.starts_with("lamps#"), "{}", statement.name);
            assert!(statement.name.len() <= 63);
        }
    }

    #[test]
    fn deleted_rows_are_out_of_reach_but_for_restore() {
        for statement in [
            get(&LAMPS, &ADMIN),
            update(&LAMPS, &ADMIN),
            delete(&LAMPS, &ADMIN),
        ] {
            assert!(
                statement.text.contains("r.deleted_at is null"),
                "{}",
                statement.text
            );
        }
        let text = restore(&LAMPS, &ADMIN).text;
        assert!(
            text.contains("r.deleted_at is not null") && text.contains("set deleted_at = null")
        );
    }

    #[test]
    fn changes_lock_the_row_and_compare_its_version() {
        for statement in [
            update(&LAMPS, &ADMIN),
            delete(&LAMPS, &ADMIN),
            restore(&LAMPS, &ADMIN),
        ] {
            let text = statement.text;
            assert!(text.contains("for update"), "{text}");
            assert!(
                text.contains("when $1->'versions' @> to_jsonb(r.version) then r.version"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_patch_leaves_what_is_absent() {
        let text = update(&LAMPS, &ADMIN).text;
        assert!(
            text.contains("name = case when $1->'input' ? 'name' then ($1->'input'->>'name')::text else r.name end"),
            "{text}"
        );
        for fixed in ["kind = case", "is_on = case", "created_at = case"] {
            assert!(!text.contains(fixed), "{fixed}");
        }
    }

    #[test]
    fn a_client_sets_what_is_settable() {
        let names: Vec<&str> = settable(&LAMPS).map(|field| field.name).collect();
        assert_eq!(
            names,
            [
                "name",
                "owner_id",
                "kind",
                "watts",
                "bought_on",
                "tags",
                "code"
            ]
        );
        assert!(create(&LAMPS, &ADMIN).text.contains(
            "insert into lms.lamps as r (id, name, owner_id, kind, watts, bought_on, tags, code)"
        ));
    }

    #[test]
    fn the_answer_is_what_the_role_sees() {
        assert_ne!(get(&LAMPS, &ADMIN).name, get(&LAMPS, &GUEST).name);
        assert!(!get(&LAMPS, &GUEST).text.contains("'kind'"));
    }
}
