//! Tests the access of each role to accounts and their fields.

use std::collections::BTreeSet;

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Session, fixtures, queries, role, run};

const ALL: &[&str] = &[
    "id",
    "name",
    "email",
    "phone",
    "role",
    "centre_id",
    "language_preferences",
    "accessibility_settings",
    "status",
    "pending_email",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
];
const CONTACT: &[&str] = &[
    "id",
    "name",
    "email",
    "phone",
    "role",
    "centre_id",
    "status",
    "created_at",
];

fn names(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

fn name_set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

async fn list(app: &Application, session: &Session) -> Result<Vec<Value>> {
    let body = app
        .get(session, "/v1/users?limit=200")
        .await?
        .expect(200)
        .json();
    assert_eq!(body["next_cursor"], Value::Null);
    Ok(body["data"].as_array().cloned().unwrap_or_default())
}

fn ids(data: &[Value]) -> BTreeSet<String> {
    data.iter()
        .filter_map(|one| one["id"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn each_role_lists_the_users_within_its_scope() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tenant = app.demo.tenants[0].id;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::ADMIN | role::FINANCE | role::SUPPORT => "u.id is not null",
                role::SUPERVISOR | role::ASSESSOR => "u.centre_id = $2",
                role::STUDENT => "u.id = $3",
                role::PARENT => {
                    "(u.id = $3 or u.id in (
                      select s.user_id from lms.students as s
                      where s.parent_id = $3
                        or s.id in (select g.student_id from lms.guardians as g where g.user_id = $3)
                    ))"
                }
                role::TUTOR => {
                    "(u.id = $3 or u.id in (
                      select s.user_id from lms.students as s
                      join lms.tutors as t on t.id = s.assigned_tutor_id
                      where t.user_id = $3
                    ))"
                }
other => unreachable!("the role {} has no scope", other.name()),
};
            let sql = format!(
                "select u.id::text from lms.users as u
                where u.tenant_id = $1 and u.deleted_at is null and {scope}
                  and ($2::uuid is not null and $3::uuid is not null)"
            );
            let expected =
                queries::fetch_texts(app, &sql, &[&tenant, &own_centre, &session.user]).await?;
            let data = list(app, &session).await?;
            assert_eq!(
                ids(&data),
                expected.into_iter().collect(),
                "{}",
                role.name()
            );
            assert_eq!(ids(&data).len(), data.len());
            for one in &data {
                let mut fields = match role {
                    role::SUPPORT => name_set(CONTACT),
                    role::TUTOR if one["id"] != json!(session.user) => {
                        name_set(&["id", "name", "role"])
                    }
                    _ => name_set(ALL),
                };
                if role == role::ADMIN {
                    fields.insert("deleted_at".to_owned());
                }
                assert_eq!(names(one), fields, "{}", role.name());
                let path = format!("/v1/users/{}", one["id"].as_str().unwrap_or_default());
                if role == role::TUTOR || role == role::PARENT {
                    assert_eq!(&app.get(&session, &path).await?.expect(200).json(), one);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn users_outside_the_scope_are_not_found() {
    run(async |app| {
        let (_, other_centre) = queries::demo_centres(app).await?;
        let other_centre_student = queries::other_user(app, "student", other_centre).await?;
        let path = format!("/v1/users/{other_centre_student}");
        for role in [
            role::STUDENT,
            role::PARENT,
            role::TUTOR,
            role::ASSESSOR,
            role::SUPERVISOR,
        ] {
            let session = app.sign_in(role).await?;
            let hidden = app.get(&session, &path).await?.expect(404).json();
            let missing = app
                .get(&session, &format!("/v1/users/{}", uuid::Uuid::now_v7()))
                .await?
                .expect(404)
                .json();
            assert_eq!(hidden["detail"], missing["detail"]);
            assert_eq!(hidden["title"], missing["title"]);
        }
        Ok(())
    });
}

#[test]
fn users_may_change_certain_fields_of_their_own_account() {
    run(async |app| {
        for role in [role::STUDENT, role::TUTOR] {
            let session = app.sign_in(role).await?;
            let path = format!("/v1/users/{}", session.user);
            let body =
                json!({"name": "New Name", "accessibility_settings": {"high_contrast": true}});
            let changed = app.patch(&session, &path, body).await?.expect(200).json();
            assert_eq!(changed["name"], "New Name");
            assert_eq!(changed["accessibility_settings"]["high_contrast"], true);
            let before = queries::write_counters(app).await?;
            for (field, value) in [
                ("role", json!("admin")),
                ("email", json!("other@aurora.example")),
                ("centre_id", json!(null)),
            ] {
                let reply = app
                    .patch(&session, &path, json!({ field: value }))
                    .await?
                    .expect(403);
                assert_eq!(reply.pointers(), [format!("/{field}")]);
            }
            let own = format!("{path}/activate");
            app.call(Some(&session), Method::POST, &own, None)
                .await?
                .expect(403);
            app.delete(&session, &path).await?.expect(403);
            app.post(&session, "/v1/users", json!({"name": "x"}))
                .await?
                .expect(403);
            assert_eq!(queries::write_counters(app).await?, before);
        }
        let tutor = app.sign_in(role::TUTOR).await?;
        let pupil = list(app, &tutor)
            .await?
            .into_iter()
            .find(|one| one["role"] == "student");
        let pupil = pupil.unwrap_or_default()["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        app.patch(&tutor, &format!("/v1/users/{pupil}"), json!({"name": "x"}))
            .await?
            .expect(404);
        Ok(())
    });
}

#[test]
fn a_parent_reads_accounts_and_cannot_change_them() {
    run(async |app| {
        let parent = app.sign_in(role::PARENT).await?;
        let before = queries::write_counters(app).await?;
        for one in list(app, &parent).await? {
            let path = format!("/v1/users/{}", one["id"].as_str().unwrap_or_default());
            app.patch(&parent, &path, json!({"name": "x"}))
                .await?
                .expect(403);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_supervisor_creates_accounts_only_in_their_centre_and_with_lesser_roles() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let body = |role: &str, centre: Value| json!({"name": "Ana", "email": "ana@aurora.example", "role": role, "centre_id": centre});
        let before = queries::write_counters(app).await?;
        for (role, centre) in [
            ("admin", json!(own_centre)),
            ("finance", json!(own_centre)),
            ("support", json!(own_centre)),
            ("student", json!(other_centre)),
            ("student", json!(null)),
            ("admin", json!(null)),
        ] {
            let reply = app
                .post(&supervisor, "/v1/users", body(role, centre))
                .await?
                .expect(403);
            assert!(!reply.text.contains("policy"), "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        for role in ["student", "parent", "tutor", "assessor", "supervisor"] {
            let mut body = body(role, json!(own_centre));
            body["email"] = json!(format!("ana.{role}@aurora.example"));
            let created = app
                .post(&supervisor, "/v1/users", body)
                .await?
                .expect(201)
                .json();
            assert_eq!(created["role"], role);
            assert_eq!(created["created_by"], json!(supervisor.user));
        }
        Ok(())
    });
}

#[test]
fn a_supervisor_cannot_take_over_an_account_with_a_wider_scope() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let admin = app.user(0, role::ADMIN).id;
        // This holds even for accounts of the supervisor's centre.
        let homed = "update lms.users set centre_id = $1 where tenant_id = $2 and role in ('admin', 'finance', 'support')";
        queries::execute(app, homed, &[&own_centre, &supervisor.tenant]).await?;
        // The user has no rows that prevent a deletion.
        let own = fixtures::create_user(app, &supervisor, "tutor", own_centre).await?;
        let before = queries::write_counters(app).await?;
        for role in [role::ADMIN, role::FINANCE, role::SUPPORT] {
            let path = format!("/v1/users/{}", app.user(0, role).id);
            app.get(&supervisor, &path).await?.expect(200);
            app.patch(&supervisor, &path, json!({"email": "mine@aurora.example"}))
                .await?
                .expect(404);
            app.delete(&supervisor, &path).await?.expect(404);
            app.call(
                Some(&supervisor),
                Method::POST,
                &format!("{path}/deactivate"),
                None,
            )
            .await?
            .expect(404);
            app.call(
                Some(&supervisor),
                Method::POST,
                &format!("{path}/restore"),
                None,
            )
            .await?
            .expect(404);
        }
        let path = format!("/v1/users/{own}");
        let promoted = app
            .patch(&supervisor, &path, json!({"role": "admin"}))
            .await?
            .expect(403);
        assert_eq!(promoted.pointers(), ["/role"]);
        app.patch(&supervisor, &path, json!({"centre_id": other_centre}))
            .await?
            .expect(403);
        app.patch(&supervisor, &path, json!({"centre_id": null}))
            .await?
            .expect(403);
        let other_centre_tutor = queries::other_user(app, "tutor", other_centre).await?;
        app.patch(
            &supervisor,
            &format!("/v1/users/{other_centre_tutor}"),
            json!({"name": "x"}),
        )
        .await?
        .expect(404);
        app.patch(
            &supervisor,
            &format!("/v1/users/{other_centre_tutor}"),
            json!({"centre_id": own_centre}),
        )
        .await?
        .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);

        app.patch(&supervisor, &path, json!({"email": "kept@aurora.example"}))
            .await?
            .expect(200);
        app.call(
            Some(&supervisor),
            Method::POST,
            &format!("{path}/deactivate"),
            None,
        )
        .await?
        .expect(200);
        app.delete(&supervisor, &path).await?.expect(204);
        app.call(
            Some(&supervisor),
            Method::POST,
            &format!("{path}/restore"),
            None,
        )
        .await?
        .expect(200);
        assert_eq!(
            queries::count(
                app,
                "lms.users where id = $1 and status = 'active'",
                &[&admin]
            )
            .await?,
            1
        );
        Ok(())
    });
}

#[test]
fn support_may_set_the_status_of_all_users_but_admins() {
    run(async |app| {
        let support = app.sign_in(role::SUPPORT).await?;
        let before = queries::write_counters(app).await?;
        let admin = format!("/v1/users/{}", app.user(0, role::ADMIN).id);
        app.call(
            Some(&support),
            Method::POST,
            &format!("{admin}/deactivate"),
            None,
        )
        .await?
        .expect(404);
        app.patch(&support, &admin, json!({"name": "x"}))
            .await?
            .expect(403);
        app.get(&support, "/v1/users?sort=updated_at")
            .await?
            .expect(400);
        assert_eq!(queries::write_counters(app).await?, before);
        let finance = format!("/v1/users/{}/deactivate", app.user(0, role::FINANCE).id);
        let reply = app
            .call(Some(&support), Method::POST, &finance, None)
            .await?
            .expect(200)
            .json();
        assert_eq!(names(&reply), name_set(CONTACT));
        assert_eq!(reply["status"], "inactive");
        Ok(())
    });
}
