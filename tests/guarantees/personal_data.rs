//! Tests the declaration of personal data against the schema.

use tests::run;

#[test]
fn every_text_column_is_declared() {
    run(async |app| {
        let client = app.superuser().await?;
        // Each query lists the tables or columns that have the problem.
        for (wrong, sql) in [
            (
                "a table of schema lms is not in lms_private.personal_tables",
                "select t.table_name::text
                from information_schema.tables as t
                where t.table_schema = 'lms'
                  and t.table_type = 'BASE TABLE'
                  and not exists (select from lms_private.personal_tables as p where p.table_name = t.table_name)",
            ),
            (
                "a column is not classified in lms_private.personal_columns",
                "select c.table_name || '.' || c.column_name
                from information_schema.columns as c
                join information_schema.tables as t
                  using (table_schema, table_name)
                where c.table_schema = 'lms'
                  and t.table_type = 'BASE TABLE'
                  and c.udt_name not in ('uuid', 'bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'timestamptz')
                  and not exists (
                    select
                    from lms_private.personal_columns as p
                    where p.table_name = c.table_name
                      and p.column_name = c.column_name
                  )",
            ),
            (
                "a declared column does not exist",
                "select p.table_name || '.' || p.column_name
                from (
                  select table_name, column_name
                  from lms_private.personal_columns
                  union
                  select table_name, column_name
                  from lms_private.personal_rows
                ) as p
                where not exists (
                  select
                  from information_schema.columns as c
                  where c.table_schema = 'lms'
                    and c.table_name = p.table_name
                    and c.column_name = p.column_name
                )",
            ),
            (
                "a table with personal columns has no column in lms_private.personal_rows",
                "select distinct c.table_name
                from lms_private.personal_columns as c
                where c.replacement is not null
                  and not exists (select from lms_private.personal_rows as r where r.table_name = c.table_name)",
            ),
            (
                "a column that refers to a person is not in lms_private.personal_rows",
                "select c.table_name || '.' || c.column_name
                from information_schema.columns as c
                join information_schema.tables as t
                  using (table_schema, table_name)
                where c.table_schema = 'lms'
                  and t.table_type = 'BASE TABLE'
                  and c.column_name in ('user_id', 'student_id')
                  and not exists (
                    select
                    from lms_private.personal_rows as r
                    where r.table_name = c.table_name
                      and r.column_name = c.column_name
                  )",
            ),
        ] {
            let places: Vec<String> = client
                .query(sql, &[])
                .await?
                .iter()
                .map(|row| row.get(0))
                .collect();
            assert!(
                places.is_empty(),
                "{wrong}: {places:?}; see docs/reference/personal-data.md"
            );
        }
        Ok(())
    });
}
