//! Tests the database's catalog against the rules of the schema and the declarations.

use std::collections::BTreeMap;

use anyhow::Result;
use platform::declare::field::{Field, Kind, Writable};
use platform::declare::resource::Resource;
use tests::{COMPONENTS, run};

/// The columns that every table has in addition to its own.
const COMMON: [&str; 8] = [
    "tenant_id",
    "id",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
    "deleted_at",
    "version",
];

/// The rules of the schema. Each query lists the tables that break one.
const RULES: [(&str, &str); 7] = [
    (
        "row security is enabled and forced",
        "select c.relname
        from pg_class as c
        where c.relnamespace = 'lms'::regnamespace
          and c.relkind in ('r', 'p')
          and not (c.relrowsecurity and c.relforcerowsecurity)",
    ),
    (
        "there is a policy for the tenant",
        "select c.relname
        from pg_class as c
        where c.relnamespace = 'lms'::regnamespace
          and c.relkind in ('r', 'p')
          and not exists (
            select from pg_policies as p
            where p.schemaname = 'lms'
              and p.tablename = c.relname
              and p.permissive = 'PERMISSIVE'
              and p.qual like '%app.tenant_id%'
          )",
    ),
    (
        "foreign keys include the tenant",
        "select format('%s.%s', c.conrelid::regclass, c.conname)
        from pg_constraint as c
        where c.connamespace = 'lms'::regnamespace
          and c.contype = 'f'
          and not exists (
            select from pg_attribute as a
            where a.attrelid = c.conrelid
              and a.attnum = any (c.conkey)
              and a.attname = 'tenant_id'
          )",
    ),
    (
        "unique constraints and indexes include the tenant",
        "select i.indexrelid::regclass::text
        from pg_index as i
        join pg_class as c
          on c.oid = i.indrelid
        where c.relnamespace = 'lms'::regnamespace
          and i.indisunique
          and not exists (
            select from pg_attribute as a
            where a.attrelid = i.indrelid
              and a.attnum = any (i.indkey)
              and a.attname = 'tenant_id'
          )",
    ),
    (
        "changes are recorded in the event log",
        "select c.relname
        from pg_class as c
        where c.relnamespace = 'lms'::regnamespace
          and c.relkind in ('r', 'p')
          and c.relname in (
            'tenants', 'centres', 'users', 'staff', 'students', 'tutors', 'guardians', 'classes', 'assessments',
            'gamification', 'finance_records', 'tutor_rates', 'payroll_runs', 'payroll_items', 'requests',
            'request_comments', 'inventory', 'inventory_adjustments', 'inventory_loans', 'notifications',
            'notification_templates', 'notification_preferences', 'legal_holds', 'erasures', 'webhooks'
          )
          and (
            select count(*)
            from pg_trigger as t
            join pg_proc as p
              on p.oid = t.tgfoid
            where t.tgrelid = c.oid
              and not t.tgisinternal
              and p.proname like 'record%'
          ) < 2",
    ),
    (
        // The index must cover all rows, because checks of references, purging and deactivation read deleted rows, too. The only
        // predicate allowed is that a column of the key is not null, which holds for every row that is looked up.
        "foreign keys have an index over all rows that begins with their columns",
        "select format('%s.%s', c.conrelid::regclass, c.conname)
        from pg_constraint as c
        where c.connamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
          and c.contype = 'f'
          and not exists (
            select from pg_index as i
            where i.indrelid = c.conrelid
              and i.indisvalid
              and c.conkey @> (i.indkey::int2[])[0:cardinality(c.conkey) - 1]
              and c.conkey <@ (i.indkey::int2[])[0:cardinality(c.conkey) - 1]
              and (
                i.indpred is null
                or exists (
                  select from pg_attribute as a
                  where a.attrelid = c.conrelid
                    and a.attnum = any (c.conkey)
                    and pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)
                )
              )
          )",
    ),
    (
        "security definer functions with a tenant argument check that it is the context's tenant",
        "select p.oid::regprocedure::text
        from pg_proc as p
        where p.pronamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
          and p.prosecdef
          and has_function_privilege('lms_application', p.oid, 'execute')
          and p.proargnames[1:p.pronargs] && array['tenant', 'tenant_id']
          and pg_get_functiondef(p.oid) !~ 'is_current_tenant|app\\.tenant_id'",
    ),
];

#[test]
fn every_table_follows_the_rules_of_the_schema() {
    run(async |app| {
        let client = app.superuser().await?;
        for (rule, sql) in RULES {
            let broken: Vec<String> = client
                .query(&format!("select found.*::text from ({sql}) as found"), &[])
                .await?
                .iter()
                .map(|row| row.get(0))
                .collect();
            assert!(broken.is_empty(), "{rule}: {broken:?}");
        }
        let columns = columns(&client).await?;
        assert!(columns.len() >= 20, "{:?}", columns.keys());
        for (table, columns) in &columns {
            for name in COMMON {
                assert!(columns.contains_key(name), "{table} has no column {name}");
            }
        }
        Ok(())
    });
}

#[test]
fn the_specified_indexes_exist() {
    run(async |app| {
        let client = app.superuser().await?;
        for name in [
            "idx_users_email",
            "idx_students_assigned_tutor",
            "idx_classes_tutor_id",
            "idx_finance_centre_id",
            "idx_requests_status_priority",
        ] {
            let found = client
                .query(
                    "select from pg_indexes where schemaname = 'lms' and indexname = $1",
                    &[&name],
                )
                .await?;
            assert_eq!(found.len(), 1, "{name}");
        }
        let gin = client
            .query("select from pg_indexes where schemaname = 'lms' and indexdef like '%using gin%'", &[])
            .await?
            .len()
            + client
                .query("select from pg_indexes where schemaname = 'lms' and indexdef like '%USING gin%'", &[])
                .await?
                .len();
        assert!(
            gin >= 3,
            "academic_age, special_needs and subjects have GIN indexes"
        );
        Ok(())
    });
}

/// Returns type and nullability of each column of each table.
async fn columns(
    client: &tokio_postgres::Client,
) -> Result<BTreeMap<String, BTreeMap<String, (String, bool)>>> {
    let rows = client
        .query(
            "select c.table_name::text, c.column_name::text, c.udt_name::text, c.is_nullable = 'YES'
            from information_schema.columns as c
            join information_schema.tables as t
              using (table_schema, table_name)
            where c.table_schema = 'lms'
              and t.table_type = 'BASE TABLE'",
            &[],
        )
        .await?;
    let mut tables: BTreeMap<String, BTreeMap<String, (String, bool)>> = BTreeMap::new();
    for row in rows {
        tables
            .entry(row.get(0))
            .or_default()
            .insert(row.get(1), (row.get(2), row.get(3)));
    }
    Ok(tables)
}

/// Returns whether the column is derived from a member of an object, for lists to filter by it.
fn is_of_a_member(resource: &Resource, column: &str) -> bool {
    resource.fields.iter().any(|field| match field.kind {
        Kind::Object(members) => members
            .iter()
            .filter(|member| member.filterable)
            .any(|member| column == format!("{}_{}", field.name, member.name)),
        _ => false,
    })
}

/// Returns whether lists that are sorted by a field are sorted by this column instead.
fn is_a_rank(resource: &Resource, column: &str) -> bool {
    resource
        .fields
        .iter()
        .any(|field| field.sort_column == Some(column))
}

#[test]
fn the_declarations_match_the_tables() {
    run(async |app| {
        let client = app.superuser().await?;
        let tables = columns(&client).await?;
        for resource in COMPONENTS.iter().flat_map(|component| component.resources) {
            let columns = &tables[resource.table];
            let is_unconditional = |field: &&Field| field.condition.is_none();
            for field in resource.all_fields().filter(is_unconditional) {
                let place = format!("{}.{}", resource.table, field.name);
                let (sql_type, nullable) = columns
                    .get(field.name)
                    .unwrap_or_else(|| panic!("{place} is not a column"));
                let same = match field.kind {
                    Kind::LocalTime => sql_type == "timestamp",
                    Kind::Integer { .. } => ["int4", "int8"].contains(&sql_type.as_str()),
                    Kind::Boolean => sql_type == "bool",
                    kind => sql_type == kind.sql_type(),
                };
                assert!(same, "{place} is {sql_type}");
                // Clients do not see whether a derived column is null.
                if field.writable != Writable::Derived {
                    assert_eq!(field.nullable, *nullable, "{place}: nullable");
                }
            }
            let undeclared: Vec<&String> = columns
                .keys()
                .filter(|name| resource.field(name).is_none())
                .filter(|name| !is_of_a_member(resource, name) && !is_a_rank(resource, name))
                .filter(|name| {
                    ![
                        "tenant_id",
                        "version",
                        "password_hash",
                        "redactions_hash",
                        "left_at",
                        "left_with",
                    ]
                    .contains(&name.as_str())
                })
                .collect();
            assert!(undeclared.is_empty(), "{}: {undeclared:?}", resource.table);
        }
        Ok(())
    });
}

#[test]
fn look_ups_use_an_index_that_starts_with_the_tenant() {
    run(async |app| {
        let client = database::connect(&app.application_url).await?;
        // The planner reads a small table sequentially, so sequential scans are turned off.
        client
            .batch_execute(
                "set app.role = 'admin'; set enable_seqscan = off; set enable_bitmapscan = off",
            )
            .await?;
        for resource in COMPONENTS.iter().flat_map(|component| component.resources) {
            let sql = format!(
                "explain (format text) select id from lms.{} where id = '{}'",
                resource.table,
                uuid::Uuid::nil()
            );
            let rows = client.query(&sql, &[]).await?;
            let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let enters = plan
                .iter()
                .any(|line| line.contains("Index Cond") && line.contains("tenant_id ="));
            assert!(enters, "{}: {plan:#?}", resource.table);
        }
        Ok(())
    });
}

#[test]
fn functions_of_lists_are_inlined() {
    run(async |app| {
        let client = database::connect(&app.application_url).await?;
        for call in [
            "lms.utc(now())",
            "lms.cursor(now()::text, json_build_array(now()))",
        ] {
            let rows = client
                .query(&format!("explain (verbose) select {call}"), &[])
                .await?;
            let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let name = &call[..call.find('(').unwrap_or_default()];
            let is_called = plan.iter().any(|line| line.contains(name));
            assert!(!is_called, "{call} is a call: {plan:#?}");
        }
        Ok(())
    });
}
