//! Tests staff: the standard verbs and the access of each role.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tests::{fixtures, queries, role, run};

fn names(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn a_staff_member_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let user = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support"});
        let user = app
            .post(&admin, "/v1/users", user)
            .await?
            .expect(201)
            .json()["id"]
            .clone();
        let body = json!({"user_id": user, "centre_id": own_centre, "title": "Helper", "hired_on": "2026-02-28"});
        let created = app
            .post(&admin, "/v1/staff", body.clone())
            .await?
            .expect(201);
        let staff = created.json();
        let path = format!("/v1/staff/{}", staff["id"].as_str().unwrap_or_default());
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": staff["id"],
            "user_id": user,
            "centre_id": own_centre,
            "title": "Helper",
            "department": null,
            "hired_on": "2026-02-28",
            "status": "active",
            "created_at": staff["created_at"],
            "updated_at": staff["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(staff, expected);
        let twice = app.post(&admin, "/v1/staff", body).await?.expect(409);
        assert_eq!(twice.pointers(), ["/user_id"]);
        let moved = json!({"centre_id": other_centre, "department": "Office", "status": "inactive", "hired_on": null});
        let moved = app.patch(&admin, &path, moved).await?.expect(200).json();
        assert_eq!(moved["centre_id"], json!(other_centre));
        assert_eq!(moved["status"], "inactive");
        assert_eq!(moved["hired_on"], Value::Null);
        let fixed = app
            .patch(&admin, &path, json!({"user_id": admin.user}))
            .await?
            .expect(422);
        assert_eq!(fixed.pointers(), ["/user_id"]);
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        assert_eq!(
            app.get(&admin, &path).await?.expect(200).header("etag"),
            "\"4\""
        );
        Ok(())
    });
}

#[test]
fn a_staff_member_must_refer_to_existing_rows() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let other_centre = fixtures::parse_id(
            &app.post(&admin, "/v1/centres", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let user = app.user(0, role::TUTOR).id;
        let (their_user, their_centre) = (
            app.user(1, role::TUTOR).id,
            queries::first_id(app, 1, "centres").await?,
        );
        app.delete(&admin, &format!("/v1/centres/{other_centre}"))
            .await?
            .expect(204);
        let before = queries::write_counters(app).await?;
        for (body, pointer) in [
            (
                json!({"user_id": their_user, "centre_id": own_centre}),
                "/user_id",
            ),
            (
                json!({"user_id": user, "centre_id": their_centre}),
                "/centre_id",
            ),
            (
                json!({"user_id": user, "centre_id": other_centre}),
                "/centre_id",
            ),
            (json!({"user_id": user, "centre_id": user}), "/centre_id"),
        ] {
            let reply = app.post(&admin, "/v1/staff", body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer]);
            let detail = if pointer == "/user_id" {
                "No such user."
            } else {
                "No such centre."
            };
            let expected = json!({"pointer": pointer, "code": "not_found", "detail": detail});
            assert_eq!(reply.json()["errors"][0], expected);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_fields_of_staff_it_may_read() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let reply = app.get(&session, "/v1/staff").await?;
            if matches!(role, role::STUDENT | role::PARENT) {
                reply.expect(403);
                continue;
            }
            let body = reply.expect(200).json();
            let data = body["data"].as_array().cloned().unwrap_or_default();
            let expected = if role == role::SUPERVISOR { 2 } else { 5 };
            assert_eq!(data.len(), expected, "{}", role.name());
            for one in &data {
                match role {
                    role::TUTOR | role::ASSESSOR => {
                        assert_eq!(
                            names(one),
                            BTreeSet::from(["id", "user_id", "centre_id", "title"])
                        );
                    }
                    role::SUPERVISOR => assert_eq!(one["centre_id"], json!(own_centre)),
                    _ => assert_eq!(one.get("deleted_at").is_some(), role == role::ADMIN),
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_supervisor_writes_only_the_staff_of_their_centre() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let user = queries::other_user(app, "tutor", own_centre).await?;
        let tenant_wide = queries::fetch_id(
            app,
            "select id from lms.staff where user_id = $1",
            &[&app.user(0, role::ADMIN).id],
        )
        .await?;
        let path = format!("/v1/staff/{}", tenant_wide);
        let before = queries::write_counters(app).await?;
        app.post(
            &supervisor,
            "/v1/staff",
            json!({"user_id": user, "centre_id": other_centre}),
        )
        .await?
        .expect(403);
        app.get(&supervisor, &path).await?.expect(404);
        app.patch(&supervisor, &path, json!({"title": "x"}))
            .await?
            .expect(404);
        app.delete(&supervisor, &path).await?.expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        let created = app
            .post(
                &supervisor,
                "/v1/staff",
                json!({"user_id": user, "centre_id": own_centre}),
            )
            .await?;
        let path = format!(
            "/v1/staff/{}",
            created.expect(201).json()["id"]
                .as_str()
                .unwrap_or_default()
        );
        app.patch(&supervisor, &path, json!({"centre_id": other_centre}))
            .await?
            .expect(403);
        app.patch(&supervisor, &path, json!({"title": "Helper"}))
            .await?
            .expect(200);
        Ok(())
    });
}
