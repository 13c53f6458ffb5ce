//! Tests that the components' role cannot take certain actions in the database, whatever SQL it sends.

use anyhow::Result;
use tests::{Application, queries, run};
use tokio_postgres::Client;
use uuid::Uuid;

/// Connects as the components do.
async fn application(app: &Application) -> Result<Client> {
    database::connect(&app.application_url).await
}

async fn code(client: &Client, sql: &str) -> String {
    match client.batch_execute(sql).await {
        Ok(()) => "00000".to_owned(),
        Err(error) => error
            .code()
            .map_or_else(String::new, |code| code.code().to_owned()),
    }
}

#[test]
fn the_application_cannot_create_temporary_or_large_objects() {
    run(async |app| {
        let client = application(app).await?;
        for sql in [
            "create temporary table staged (id uuid)",
            "create temporary sequence numbers",
            "create temporary view staged as select 1",
            "create function pg_temp.now() returns timestamptz return now()",
            "select lo_create(0)",
            "select lo_creat(-1)",
            "select lo_from_bytea(0, 'x')",
            "select lo_get(1)",
            "select lo_put(1, 0, 'x')",
            "select lo_open(1, 131072)",
            "select lo_unlink(1)",
        ] {
            assert_eq!(code(&client, sql).await, "42501", "{sql}");
        }
        let client = app.superuser().await?;
        let row = client
            .query_one(
                "select count(*)
                from pg_proc as p
                where p.pronamespace = 'pg_catalog'::regnamespace
                  and (p.proname like 'lo\\_%' or p.proname in ('loread', 'lowrite'))
                  and has_function_privilege('lms_application', p.oid, 'execute')",
                &[],
            )
            .await?;
        assert_eq!(row.get::<_, i64>(0), 0);
        Ok(())
    });
}

#[test]
fn functions_with_a_tenant_argument_accept_only_the_contexts_tenant() {
    run(async |app| {
        let other_tenant = app.demo.tenants[1].id;
        let student = queries::first_id(app, 1, "students").await?;
        let tutor = queries::first_id(app, 1, "tutors").await?;
        let staff = queries::first_id(app, 1, "staff").await?;
        let centre = queries::fetch_id(
            app,
            "select centre_id from lms.students where id = $1",
            &[&student],
        )
        .await?;
        let subject = queries::fetch_texts(
            app,
            "select t.subjects -> 0 ->> 'subject' from lms.tutors as t where t.id = $1",
            &[&tutor],
        )
        .await?;
        let client = application(app).await?;
        for (context, knows) in [(other_tenant, true), (app.demo.tenants[0].id, false)] {
            client
                .execute(
                    "select set_config('app.tenant_id', $1, false)",
                    &[&context.to_string()],
                )
                .await?;
            let row = client
                .query_one(
                    "select
                      lms_private.are_students_of_centre($1, $2, jsonb_build_array($3::uuid)),
                      lms_private.teaches_subject($1, $4, $5, null),
                      coalesce(lms_private.assignment_problem($1, $2, $6), ''),
                      lms_private.assignment_problem($1, $2, $7)",
                    &[
                        &other_tenant,
                        &centre,
                        &student,
                        &tutor,
                        &subject[0],
                        &staff,
                        &Uuid::nil(),
                    ],
                )
                .await?;
            assert_eq!(row.get::<_, bool>(0), knows);
            assert_eq!(row.get::<_, bool>(1), knows);
            let (there, absent): (String, String) = (row.get(2), row.get(3));
            assert_eq!(there != absent, knows, "{there}");
        }
        Ok(())
    });
}
