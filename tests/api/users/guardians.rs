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
        let (_, away) = queries::demo_centres(app).await?;
        let child = queries::other_user(app, "student", away).await?;
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
        let made = app
            .post(&admin, "/v1/guardians", body.clone())
            .await?
            .expect(201);
        let link = made.json();
        let path = format!("/v1/guardians/{}", link["id"].as_str().unwrap_or_default());
        assert_eq!(made.header("location"), path);
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
        let (home, _) = queries::demo_centres(app).await?;
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
                queries::fetch_texts(app, &sql, &[&session.tenant, &home, &session.user]).await?;
            assert!(!expected.is_empty(), "{}", role.name());
            expected.sort();
            let mut found: Vec<String> = list(app, &session, "/v1/guardians?limit=200")
                .await?
                .iter()
                .filter_map(|one| one["id"].as_str().map(str::to_owned))
                .collect();
            found.sort();
            assert_eq!(found, expected, "{}", role.name());
        }
        Ok(())
    });
}

#[test]
fn only_supervisors_and_admins_write_links_within_their_scope() {
    run(async |app| {
        let (home, away) = queries::demo_centres(app).await?;
        let parent = app.user(0, role::PARENT).id;
        let far_parent = queries::other_user(app, "parent", away).await?;
        let far = queries::other_user(app, "student", away).await?;
        let far = queries::fetch_id(
            app,
            "select id from lms.students where user_id = $1",
            &[&far],
        )
        .await?;
        let theirs = queries::first_id(app, 1, "students").await?;
        let body = json!({"user_id": parent, "student_id": far, "relationship": "parent"});
        for role in [
            role::STUDENT,
            role::PARENT,
            role::TUTOR,
            role::ASSESSOR,
            role::SUPPORT,
            role::FINANCE,
        ] {
            let session = app.sign_in(role).await?;
            let before = queries::write_marks(app).await?;
            app.post(&session, "/v1/guardians", body.clone())
                .await?
                .expect(403);
            assert_eq!(queries::write_marks(app).await?, before);
        }
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_marks(app).await?;
        let reply = app
            .post(&supervisor, "/v1/guardians", body)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/student_id"]);
        let near = queries::fetch_id(
            app,
            "select id from lms.students where centre_id = $1 and parent_id <> $2",
            &[&home, &parent],
        )
        .await?;
        let body = json!({"user_id": far_parent, "student_id": near, "relationship": "parent"});
        let reply = app
            .post(&supervisor, "/v1/guardians", body)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/user_id"]);
        let body = json!({"user_id": parent, "student_id": theirs, "relationship": "parent"});
        let reply = app.post(&admin, "/v1/guardians", body).await?.expect(422);
        assert_eq!(reply.pointers(), ["/student_id"]);
        assert_eq!(queries::write_marks(app).await?, before);
        Ok(())
    });
}
