//! Tests tenants: everyone reads their own, admins change it, and no other is visible.

use http::Method;
use serde_json::json;
use tests::{queries, role, run};

#[test]
fn everyone_sees_only_their_own_tenant() {
    run(async |app| {
        let (own, other) = (app.demo.tenants[0].id, app.demo.tenants[1].id);
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let list = app.get(&session, "/v1/tenants").await?.expect(200).json();
            assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
            assert_eq!(list["next_cursor"], json!(null));
            let one = app
                .get(&session, &format!("/v1/tenants/{own}"))
                .await?
                .expect(200);
            assert!(!one.header("etag").is_empty());
            let one = one.json();
            assert_eq!(list["data"][0], one);
            if matches!(role, role::STUDENT | role::PARENT) {
                let expected = json!({"id": own, "name": "Aurora Learning", "slug": "aurora"});
                assert_eq!(one, expected);
            } else {
                assert_eq!(one["region"], "eu");
                assert_eq!(one["retention_class"], "standard");
                assert_eq!(one["status"], "active");
            }
            app.get(&session, &format!("/v1/tenants/{other}"))
                .await?
                .expect(404);
        }
        Ok(())
    });
}

#[test]
fn only_admins_change_name_and_settings() {
    run(async |app| {
        let path = format!("/v1/tenants/{}", app.demo.tenants[0].id);
        let body =
            json!({"name": "Aurora", "settings": {"week_begins": "monday", "grace": {"days": 3}}});
        let before = queries::write_counters(app).await?;
        for role in role::ALL.into_iter().filter(|role| *role != role::ADMIN) {
            let session = app.sign_in(role).await?;
            let events = queries::write_counters(app).await?;
            app.patch(&session, &path, body.clone()).await?.expect(403);
            assert_eq!(queries::write_counters(app).await?, events);
        }
        let admin = app.sign_in(role::ADMIN).await?;
        assert_ne!(
            queries::write_counters(app).await?,
            before,
            "sign-ins are events"
        );
        let changed = app.patch(&admin, &path, body).await?.expect(200);
        assert_eq!(changed.json()["name"], "Aurora");
        assert_eq!(
            changed.json()["settings"],
            json!({"week_begins": "monday", "grace": {"days": 3}})
        );
        assert_eq!(changed.json()["updated_by"], json!(admin.user));
        let read = app.get(&admin, &path).await?.expect(200);
        assert_eq!(read.json(), changed.json());
        assert_eq!(read.header("etag"), changed.header("etag"));
        let events = queries::count(
            app,
            "lms.event_log where entity = 'tenants' and kind = 'tenant.updated' and actor = $1",
            &[&admin.user],
        )
        .await?;
        assert_eq!(events, 1);
        Ok(())
    });
}

#[test]
fn a_patch_merges_the_settings_as_rfc_7396_says() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/tenants/{}", admin.tenant);
        let first = json!({"settings": {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}});
        app.patch(&admin, &path, first).await?.expect(200);
        let second =
            json!({"settings": {"a": null, "b": {"c": 4}, "e": [3], "f": {"g": null, "h": 5}}});
        let merged = app.patch(&admin, &path, second).await?.expect(200).json();
        let expected = json!({"b": {"c": 4, "d": 3}, "e": [3], "f": {"h": 5}});
        assert_eq!(merged["settings"], expected);
        Ok(())
    });
}

#[test]
fn fields_set_by_the_operator_are_read_only() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/tenants/{}", admin.tenant);
        let before = queries::write_counters(app).await?;
        for field in [
            "id",
            "slug",
            "region",
            "retention_class",
            "status",
            "created_at",
            "deleted_at",
        ] {
            let reply = app
                .patch(&admin, &path, json!({ field: "au" }))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
            assert_eq!(reply.json()["errors"][0]["code"], "read_only");
        }
        let other = format!("/v1/tenants/{}", app.demo.tenants[1].id);
        app.patch(&admin, &other, json!({"name": "Ours now"}))
            .await?
            .expect(404);
        for (method, path, allow) in [
            (Method::POST, "/v1/tenants", "GET, HEAD, OPTIONS"),
            (Method::DELETE, path.as_str(), "GET, HEAD, OPTIONS, PATCH"),
        ] {
            let reply = app
                .call(Some(&admin), method, path, None)
                .await?
                .expect(405);
            assert_eq!(reply.header("allow"), allow);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}
