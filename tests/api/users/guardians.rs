//! Tests the links between guardians and students.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run};

async fn list(app: &Application, session: &Session, path: &str) -> Result<Vec<Value>> {
    let body = app.get(session, path).await?.expect(200).json();
    Ok(body["data"].as_array().cloned().unwrap_or_default())
}

#[test]
fn a_parent_sees_the_student_until_the_link_is_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let parent = app.sign_in(role::PARENT).await?;
        let (_, other_centre) = queries::demo_centres(app).await?;
        let child = queries::other_user(app, "student", other_centre).await?;
        let student = queries::fetch_id(
            app,
            "select id from lms.students where user_id = $1",
            &[&child],
        )
        .await?;
        let seen = format!("/v1/users/{child}");
        app.get(&parent, &seen).await?.expect(404);

        let body =
            json!({"user_id": parent.user, "student_id": student, "relationship": "guardian"});
        let created = app
            .post(&admin, "/v1/guardians", body.clone())
            .await?
            .expect(201);
        let link = created.json();
        let path = format!("/v1/guardians/{}", link["id"].as_str().unwrap_or_default());
        assert_eq!(created.header("location"), path);
        assert_eq!(link["relationship"], "guardian");
        app.get(&parent, &seen).await?.expect(200);
        app.get(&parent, &path).await?.expect(200);
        app.post(&admin, "/v1/guardians", body).await?.expect(409);

        let changed = app
            .patch(&admin, &path, json!({"relationship": "parent"}))
            .await?
            .expect(200);
        assert_eq!(changed.json()["relationship"], "parent");
        for field in ["user_id", "student_id"] {
            let reply = app
                .patch(&admin, &path, json!({ field: student }))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
        }
        app.delete(&admin, &path).await?.expect(204);
        app.get(&parent, &seen).await?.expect(404);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        app.get(&parent, &seen).await?.expect(200);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_links_within_its_scope() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::ASSESSOR => {
                    app.get(&session, "/v1/guardians").await?.expect(403);
                    continue;
                }
                role::ADMIN | role::FINANCE | role::SUPPORT => "true",
                role::SUPERVISOR => "s.centre_id = $2",
                role::PARENT => "g.user_id = $3",
                role::STUDENT => "s.user_id = $3",
                role::TUTOR => {
                    "s.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
                }
                other => unreachable!("the role {} has no scope", other.name()),
            };
            let sql = format!(
                "select g.id::text from lms.guardians as g
                join lms.students as s on s.id = g.student_id
                where g.tenant_id = $1 and {scope}
                  and ($2::uuid is not null and $3::uuid is not null)"
            );
            let mut expected =
                queries::fetch_texts(app, &sql, &[&session.tenant, &own_centre, &session.user])
                    .await?;
            assert!(!expected.is_empty(), "{}", role.name());
            expected.sort();
            let mut listed: Vec<String> = list(app, &session, "/v1/guardians?limit=200")
                .await?
                .iter()
                .filter_map(|one| one["id"].as_str().map(str::to_owned))
                .collect();
            listed.sort();
            assert_eq!(listed, expected, "{}", role.name());
        }
        Ok(())
    });
}

#[test]
fn only_supervisors_and_admins_write_links_within_their_scope() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let parent = app.user(0, role::PARENT).id;
        let other_centre_parent = queries::other_user(app, "parent", other_centre).await?;
        let other_centre_student = queries::other_user(app, "student", other_centre).await?;
        let other_centre_student = queries::fetch_id(
            app,
            "select id from lms.students where user_id = $1",
            &[&other_centre_student],
        )
        .await?;
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        let body = json!({"user_id": parent, "student_id": other_centre_student, "relationship": "parent"});
        for role in [
            role::STUDENT,
            role::PARENT,
            role::TUTOR,
            role::ASSESSOR,
            role::SUPPORT,
            role::FINANCE,
        ] {
            let session = app.sign_in(role).await?;
            let before = queries::write_counters(app).await?;
            app.post(&session, "/v1/guardians", body.clone())
                .await?
                .expect(403);
            assert_eq!(queries::write_counters(app).await?, before);
        }
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let reply = app
            .post(&supervisor, "/v1/guardians", body)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/student_id"]);
        let own_centre_student = queries::fetch_id(
            app,
            "select id from lms.students where centre_id = $1 and parent_id <> $2",
            &[&own_centre, &parent],
        )
        .await?;
        let body = json!({"user_id": other_centre_parent, "student_id": own_centre_student, "relationship": "parent"});
        let reply = app
            .post(&supervisor, "/v1/guardians", body)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/user_id"]);
        let body = json!({"user_id": parent, "student_id": other_tenant_student, "relationship": "parent"});
        let reply = app.post(&admin, "/v1/guardians", body).await?.expect(422);
        assert_eq!(reply.pointers(), ["/student_id"]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}
