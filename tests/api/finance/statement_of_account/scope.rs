//! Tests the access of each role to statements of account.

use serde_json::json;
use tests::{fixtures, queries, role, run};
use uuid::Uuid;

use super::{content, create_records, family, statement};

#[test]
fn students_and_parents_get_their_own_statement_by_default() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let own = fixtures::demo_student(app).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let found = content(app, &student, "").await?;
        assert_eq!(found["students"][0]["student_id"], json!(own));
        assert_eq!(found["holder"]["user_id"], json!(student.user));
        let today = queries::fetch_texts(
            app,
            "select d.day::text from lms.students as s
            join lms.centres as c on c.id = s.centre_id
            cross join lateral (select (now() at time zone c.time_zone)::date as today) as t
            cross join lateral (values (t.today), (date_trunc('month', t.today)::date)) as d (day)
            where s.id = $1",
            &[&own],
        )
        .await?;
        assert_eq!(
            (&found["to"], &found["from"]),
            (&json!(today[0]), &json!(today[1]))
        );
        assert_eq!(
            found["accounts"][0]["entries"].as_array().map(Vec::len),
            Some(1)
        );

        let parent = app.sign_in(role::PARENT).await?;
        let found = content(app, &parent, "").await?;
        assert_eq!(found["holder"]["user_id"], json!(parent.user));
        let children = queries::count(
            app,
            "lms.students as s where s.parent_id = $1
            or exists (select from lms.guardians as g where g.student_id = s.id and g.user_id = $1)",
            &[&parent.user],
        )
        .await?;
        assert!(children > 1);
        assert_eq!(
            found["students"].as_array().map(|list| list.len() as i64),
            Some(children)
        );
        let explicit = content(app, &parent, &format!("?user_id={}", parent.user)).await?;
        assert_eq!(explicit["accounts"], found["accounts"]);

        let childless_parent =
            fixtures::create_user(app, &admin, "parent", queries::demo_centres(app).await?.0)
                .await?;
        let reply = statement(
            app,
            &admin,
            &format!("?user_id={childless_parent}"),
            "text/html",
        )
        .await?;
        reply.expect(404);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_statements_within_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        create_records(app, &app.sign_in(role::FINANCE).await?, &family).await?;
        let own = fixtures::demo_student(app).await?;
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            // A tutor may read only the statements of their own children, and the demo tutor has none.
            let may = !matches!(role, role::ASSESSOR | role::SUPPORT);
            let all = matches!(role, role::ADMIN | role::FINANCE);
            for (query, is_seen) in [
                (format!("?student_id={own}"), true),
                (
                    format!("?student_id={}", family.child),
                    all || role == role::SUPERVISOR,
                ),
                (format!("?student_id={}", family.sibling), all),
                (
                    format!("?user_id={}", family.parent),
                    all || role == role::SUPERVISOR,
                ),
                (format!("?student_id={other_tenant_student}"), false),
                (format!("?user_id={}", Uuid::now_v7()), false),
            ] {
                let reply = statement(app, &session, &query, "application/json").await?;
                let expected = match (may, is_seen && role != role::TUTOR) {
                    (false, _) => 403,
                    (true, true) => 200,
                    (true, false) => 404,
                };
                assert_eq!(
                    reply.status,
                    expected,
                    "{} {query}: {}",
                    role.name(),
                    reply.text
                );
            }
        }
        // For a family in two centres a supervisor sees only the part of their centre.
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let query = format!("?user_id={}&from=2026-01-01&to=2026-12-31", family.parent);
        let found = content(app, &supervisor, &query).await?;
        assert_eq!(found["students"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["accounts"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["accounts"][0]["carried_forward"], "108.25");
        Ok(())
    });
}

#[test]
fn staff_see_the_statement_of_a_deleted_student() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let family = family(app, &admin).await?;
        create_records(app, &finance, &family).await?;
        let of_child = format!("?student_id={}&from=2026-03-01&to=2026-03-31", family.child);
        let of_family = format!("?user_id={}&from=2026-03-01&to=2026-03-31", family.parent);
        let mut before = Vec::new();
        for query in [&of_child, &of_family] {
            before.push(content(app, &finance, query).await?["accounts"].clone());
        }
        app.delete(&admin, &format!("/v1/students/{}", family.child))
            .await?
            .expect(204);
        for (query, before) in [&of_child, &of_family].into_iter().zip(before) {
            let accounts = content(app, &finance, query).await?["accounts"].clone();
            assert_eq!(accounts, before, "{query}");
        }
        // A deleted student without finance records is not found.
        let other = fixtures::create_student(app, &admin, family.own_centre).await?;
        app.delete(&admin, &format!("/v1/students/{other}"))
            .await?
            .expect(204);
        let query = format!("?student_id={other}");
        let reply = statement(app, &finance, &query, "application/json").await?;
        reply.expect(404);
        Ok(())
    });
}
