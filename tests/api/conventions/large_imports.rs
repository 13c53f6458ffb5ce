//! Tests the largest import, in one transaction and within its time limit.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::json;
use tests::{csv::import, fixtures, queries, role, run};

/// The maximum number of rows in an import.
const MAX_ROWS: i64 = 100_000;
/// The capacity of a tutor, so that all students can be assigned.
const TUTOR_CAPACITY: i32 = 20;

#[test]
fn a_hundred_thousand_students_are_imported_in_one_transaction() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let client = app.superuser().await?;
        // Accounts and tutors are inserted directly, because only the import is measured.
        client
            .batch_execute("set session_replication_role = replica")
            .await?;
        client
            .execute(
                "with made as (
                  insert into lms.users (tenant_id, centre_id, name, email, role)
                  select $1::uuid, $2::uuid, 'Tutor ' || n, 'tutor' || n || '@many.example', 'tutor'
                  from generate_series(1, $3::bigint) as n
                  returning id, name
                )
                insert into lms.tutors (tenant_id, user_id, name, centre_id, max_students)
                select $1::uuid, id, name, $2::uuid, $4::integer from made",
                &[
                    &admin.tenant,
                    &own_centre,
                    &(MAX_ROWS / i64::from(TUTOR_CAPACITY)),
                    &TUTOR_CAPACITY,
                ],
            )
            .await?;
        client
            .execute(
                "insert into lms.users (tenant_id, centre_id, name, email, role)
                select $1::uuid, $2::uuid, 'Student ' || n, 'student' || n || '@many.example', 'student'
                from generate_series(1, $3::bigint) as n",
                &[&admin.tenant, &own_centre, &MAX_ROWS],
            )
            .await?;
        let users = client
            .query(
                "select id::text from lms.users where tenant_id = $1 and email like 'student%@many.example'",
                &[&admin.tenant],
            )
            .await?;
        let tutors = client
            .query(
                "select id::text from lms.tutors where tenant_id = $1 and name like 'Tutor %'",
                &[&admin.tenant],
            )
            .await?;
        client.batch_execute("analyze").await?;

        let mut file =
            "user_id,centre_id,dob,academic_age,special_needs,languages,assigned_tutor_id\n"
                .to_owned();
        for (index, user) in users.iter().enumerate() {
            let (user, tutor): (&str, &str) = (user.get(0), tutors[index % tutors.len()].get(0));
            writeln!(
                file,
                "{user},{own_centre},2015-01-31,\"{{\"\"reading\"\":7.5,\"\"spelling\"\":8.25}}\",\"[\"\"Autism\"\"]\",\"[\"\"en\"\"]\",{tutor}"
            )?;
        }

        // One invalid row, the last, rejects the whole file.
        let before = queries::write_counters(app).await?;
        let other_tenant_user = queries::first_id(app, 1, "users").await?;
        let (good, _) = file.trim_end().rsplit_once('\n').unwrap_or_default();
        let bad = format!("{good}\n{other_tenant_user},{own_centre},,,,,\n");
        let reply = import(app, &admin, "/v1/students/import", bad)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), [format!("/{}/user_id", MAX_ROWS + 1)]);
        assert_eq!(queries::write_counters(app).await?, before);

        let started = Instant::now();
        let done = import(app, &admin, "/v1/students/import", file)
            .await?
            .expect(201);
        let took = started.elapsed();
        eprintln!("{MAX_ROWS} students were imported in {took:?}");
        assert_eq!(done.json()["created"], json!(MAX_ROWS));
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        assert_eq!(
            queries::write_counters(app).await?.0 - before.0,
            MAX_ROWS + MAX_ROWS / i64::from(TUTOR_CAPACITY)
        );
        Ok(())
    });
}
