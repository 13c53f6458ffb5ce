//! Tests accounts: creation with a profile, updates, deactivation and deletion.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run};
use uuid::Uuid;

async fn create_user(app: &Application, session: &Session, body: Value) -> Result<(String, Value)> {
    let created = app.post(session, "/v1/users", body).await?.expect(201);
    let id = created.json()["id"].as_str().context("id")?.to_owned();
    assert_eq!(created.header("location"), format!("/v1/users/{id}"));
    assert_eq!(created.header("etag"), "\"1\"");
    Ok((id, created.json()))
}

#[test]
fn an_account_without_a_profile_is_only_a_user() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "Ana", "email": "Ana@Aurora.example", "role": "finance"});
        let (id, created) = create_user(app, &admin, body).await?;
        let at = created["created_at"].clone();
        let expected = json!({
            "id": id,
            "name": "Ana",
            "email": "ana@aurora.example",
            "phone": null,
            "role": "finance",
            "centre_id": null,
            "language_preferences": [],
            "accessibility_settings": {},
            "status": "active",
            "pending_email": null,
            "created_at": at,
            "updated_at": at,
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(created, expected);
        assert_eq!(
            app.get(&admin, &format!("/v1/users/{id}"))
                .await?
                .expect(200)
                .json(),
            expected
        );
        let profile =
            queries::count(app, "lms.staff where user_id = $1::text::uuid", &[&id]).await?;
        assert_eq!(profile, 0);
        // The user has no password yet and cannot sign in.
        assert!(
            app.sign_in_as("aurora", "ana@aurora.example", "")
                .await
                .is_err()
        );
        Ok(())
    });
}

#[test]
fn each_role_gets_its_profile_in_the_same_transaction() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let parent = app.user(0, role::PARENT).id;
        let child = queries::first_id(app, 0, "students").await?;
        let staff = json!({"title": "Helper", "department": "Office", "hired_on": "2026-02-01"});
        let student = json!({"dob": "2015-05-05", "special_needs": ["ADHD"], "languages": ["en"], "parent_id": parent});
        let cases = [
            (
                "student",
                student,
                "students",
                "dob = '2015-05-05' and special_needs = '[\"ADHD\"]' and languages = '[\"en\"]' and parent_id is not null and centre_id is not null",
            ),
            (
                "tutor",
                json!({"max_students": 4}),
                "tutors",
                "max_students = 4 and current_students = 0 and centre_id is not null",
            ),
            (
                "parent",
                json!({"student_id": child, "relationship": "guardian"}),
                "guardians",
                "relationship = 'guardian'",
            ),
            (
                "supervisor",
                staff.clone(),
                "staff",
                "title = 'Helper' and department = 'Office' and hired_on = '2026-02-01'",
            ),
            ("assessor", staff.clone(), "staff", "title = 'Helper'"),
            ("finance", staff.clone(), "staff", "title = 'Helper'"),
            ("support", staff.clone(), "staff", "title = 'Helper'"),
            (
                "admin",
                staff,
                "staff",
                "title = 'Helper' and status = 'active'",
            ),
        ];
        for (role, profile, table, condition) in cases {
            let body = json!({
                "name": "Ana",
                "email": format!("ana.{role}@aurora.example"),
                "role": role,
                "centre_id": own_centre,
                "password": "the lamp is on table 3",
                "profile": profile,
            });
            let (id, _) = create_user(app, &admin, body).await?;
            let from = format!(
                "lms.{table} where user_id = $1::text::uuid and created_by = $2 and {condition}"
            );
            assert_eq!(
                queries::count(app, &from, &[&id, &admin.user]).await?,
                1,
                "{role}"
            );
            let together = format!(
                "lms.{table} as p join lms.users as u on u.id = p.user_id
                where u.id = $1::text::uuid and u.xmin = p.xmin"
            );
            assert_eq!(
                queries::count(app, &together, &[&id]).await?,
                1,
                "{role}: two transactions"
            );
            app.sign_in_as(
                "aurora",
                &format!("ana.{role}@aurora.example"),
                "the lamp is on table 3",
            )
            .await?;
        }
        Ok(())
    });
}

#[test]
fn an_invalid_profile_leaves_nothing_behind() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let nobody = Uuid::now_v7();
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        let tutor = app.user(0, role::TUTOR).id;
        let before = queries::write_counters(app).await?;
        let cases = [
            (
                "student",
                json!(own_centre),
                json!({"max_students": 3}),
                "/profile/max_students",
            ),
            (
                "student",
                json!(null),
                json!({"dob": "2015-05-05"}),
                "/centre_id",
            ),
            (
                "student",
                json!(own_centre),
                json!({"dob": "2015-02-30"}),
                "/profile/dob",
            ),
            (
                "student",
                json!(own_centre),
                json!({"dob": "2015-05-05", "parent_id": nobody}),
                "/profile/parent_id",
            ),
            (
                "student",
                json!(own_centre),
                json!({"parent_id": tutor}),
                "/profile/parent_id",
            ),
            ("tutor", json!(null), json!({}), "/centre_id"),
            (
                "tutor",
                json!(own_centre),
                json!({"max_students": -1}),
                "/profile/max_students",
            ),
            (
                "parent",
                json!(null),
                json!({"student_id": other_tenant_student}),
                "/profile/relationship",
            ),
            (
                "parent",
                json!(null),
                json!({"student_id": other_tenant_student, "relationship": "parent"}),
                "/profile/student_id",
            ),
            (
                "support",
                json!(null),
                json!({"dob": "2015-05-05"}),
                "/profile/dob",
            ),
            ("support", json!(null), json!({"rank": 3}), "/profile/rank"),
            (
                "support",
                json!(nobody),
                json!({"title": "Helper"}),
                "/centre_id",
            ),
        ];
        for (role, centre, profile, pointer) in cases {
            let body = json!({
                "name": "Ana",
                "email": "ana@aurora.example",
                "role": role,
                "centre_id": centre,
                "profile": profile,
            });
            let reply = app.post(&admin, "/v1/users", body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        assert_eq!(
            queries::count(app, "lms.users where email = 'ana@aurora.example'", &[]).await?,
            0
        );
        Ok(())
    });
}

#[test]
fn an_email_is_unique_among_users_that_are_not_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support"});
        let (id, _) = create_user(app, &admin, body.clone()).await?;
        let before = queries::write_counters(app).await?;
        let shouted = json!({"name": "Ana", "email": "ANA@aurora.example", "role": "support"});
        for clash in [body.clone(), shouted] {
            let reply = app.post(&admin, "/v1/users", clash).await?.expect(409);
            assert_eq!(reply.pointers(), ["/email"]);
        }
        let path = format!("/v1/users/{}", app.user(0, role::TUTOR).id);
        let reply = app
            .patch(&admin, &path, json!({"email": "ana@aurora.example"}))
            .await?
            .expect(409);
        assert_eq!(reply.pointers(), ["/email"]);
        assert_eq!(queries::write_counters(app).await?, before);

        let path = format!("/v1/users/{id}");
        app.delete(&admin, &path).await?.expect(204);
        create_user(app, &admin, body).await?;
        let restored = app
            .call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?;
        assert_eq!(restored.expect(409).pointers(), ["/email"]);
        Ok(())
    });
}

#[test]
fn a_deactivated_user_is_signed_out_at_once_until_activated() {
    run(async |app| {
        for role in [role::ADMIN, role::SUPPORT] {
            let caller = app.sign_in(role).await?;
            let user = app.user(0, role::ASSESSOR);
            let session = app.sign_in(role::ASSESSOR).await?;
            let path = format!("/v1/users/{}", user.id);
            let reply = app
                .call(
                    Some(&caller),
                    Method::POST,
                    &format!("{path}/deactivate"),
                    None,
                )
                .await?;
            assert_eq!(reply.expect(200).json()["status"], "inactive");
            app.get(&session, "/v1/auth/me").await?.expect(401);
            assert!(app.sign_in(role::ASSESSOR).await.is_err());
            let reply = app
                .call(
                    Some(&caller),
                    Method::POST,
                    &format!("{path}/activate"),
                    None,
                )
                .await?;
            let reply = reply.expect(200);
            assert_eq!(reply.json()["status"], "active");
            assert!(!reply.header("etag").is_empty());
            app.get(&session, "/v1/auth/me").await?.expect(401);
            app.sign_in(role::ASSESSOR).await?;
            // The status is changed by actions and is read-only in a patch.
            let patched = app
                .patch(
                    &app.sign_in(role::ADMIN).await?,
                    &path,
                    json!({"status": "inactive"}),
                )
                .await?;
            assert_eq!(patched.expect(422).pointers(), ["/status"]);
        }
        Ok(())
    });
}

#[test]
fn a_deleted_user_is_gone_until_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let session = app.sign_in(role::PARENT).await?;
        let path = format!("/v1/users/{}", session.user);
        app.delete(&admin, &path).await?.expect(204);
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.get(&admin, &path).await?.expect(404);
        app.patch(&admin, &path, json!({"name": "x"}))
            .await?
            .expect(404);
        app.call(
            Some(&admin),
            Method::POST,
            &format!("{path}/deactivate"),
            None,
        )
        .await?
        .expect(404);
        app.call(
            Some(&admin),
            Method::POST,
            &format!("{path}/activate"),
            None,
        )
        .await?
        .expect(404);
        assert!(app.sign_in(role::PARENT).await.is_err());
        let listed = app
            .get(&admin, &format!("/v1/users?id={}", session.user))
            .await?
            .expect(200)
            .json();
        assert_eq!(listed["data"], json!([]));
        let back = app
            .call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        assert_eq!(back.json()["id"], json!(session.user));
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.sign_in(role::PARENT).await?;
        Ok(())
    });
}

#[test]
fn an_admin_changes_role_and_centre_of_a_user() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (_, other_centre) = queries::demo_centres(app).await?;
        let session = app.sign_in(role::ASSESSOR).await?;
        let path = format!("/v1/users/{}", session.user);
        let body = json!({
            "role": "supervisor",
            "centre_id": other_centre,
            "language_preferences": ["pt-BR", "en"],
            "accessibility_settings": {"large_text": true},
            "phone": "+441632960000",
        });
        let changed = app.patch(&admin, &path, body).await?.expect(200).json();
        assert_eq!(changed["role"], "supervisor");
        assert_eq!(changed["centre_id"], json!(other_centre));
        assert_eq!(changed["language_preferences"], json!(["pt-BR", "en"]));
        assert_eq!(changed["accessibility_settings"]["large_text"], true);
        assert_eq!(changed["phone"], "+441632960000");
        app.get(&session, "/v1/auth/me").await?.expect(401);
        for (field, value) in [
            ("password", json!("the lamp is on table 3")),
            ("password_hash", json!("x")),
        ] {
            let reply = app
                .patch(&admin, &path, json!({ field: value }))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
        }
        Ok(())
    });
}
