//! Tests centres, which admins write and everyone reads.

use anyhow::Context;
use http::Method;
use serde_json::json;
use tests::{queries, role, run};

#[test]
fn a_centre_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": " Lakeside ", "code": "lake", "time_zone": "Europe/Madrid", "currency": "EUR"});
        let created = app.post(&admin, "/v1/centres", body).await?.expect(201);
        let id = created.json()["id"].as_str().context("id")?.to_owned();
        let path = format!("/v1/centres/{id}");
        assert_eq!(created.header("location"), path);
        assert_eq!(created.header("etag"), "\"1\"");
        let at = created.json()["created_at"].clone();
        assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
        let hours = ["monday", "tuesday", "wednesday", "thursday", "friday"]
            .map(|day| json!({"weekday": day, "start": "09:00", "end": "17:00"}));
        let expected = json!({
            "id": id,
            "name": "Lakeside",
            "code": "lake",
            "time_zone": "Europe/Madrid",
            "currency": "EUR",
            "address": {},
            "working_hours": hours,
            "holidays": [],
            "phone": null,
            "email": null,
            "status": "active",
            "created_at": at,
            "updated_at": at,
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(created.json(), expected);
        let read = app.get(&admin, &path).await?.expect(200);
        assert_eq!(read.json(), expected);
        assert_eq!(read.header("etag"), "\"1\"");

        let patch = json!({"email": "Lake@Aurora.example", "phone": "+34 600 000 000", "status": "inactive"});
        let changed = app.patch(&admin, &path, patch).await?.expect(200);
        assert_eq!(changed.header("etag"), "\"2\"");
        assert_eq!(changed.json()["email"], "lake@aurora.example");
        assert_eq!(changed.json()["phone"], "+34600000000");
        assert_eq!(changed.json()["status"], "inactive");
        assert_eq!(changed.json()["name"], "Lakeside");
        let cleared = app
            .patch(&admin, &path, json!({"phone": null}))
            .await?
            .expect(200);
        assert_eq!(cleared.json()["phone"], json!(null));

        let deletion = app.delete(&admin, &path).await?.expect(204);
        assert_eq!(deletion.text, "");
        app.get(&admin, &path).await?.expect(404);
        app.patch(&admin, &path, json!({"name": "x"}))
            .await?
            .expect(404);
        app.delete(&admin, &path).await?.expect(404);
        let list = app
            .get(&admin, "/v1/centres?code=lake")
            .await?
            .expect(200)
            .json();
        assert_eq!(list["data"], json!([]));
        let restore = format!("{path}/restore");
        let back = app
            .call(Some(&admin), Method::POST, &restore, None)
            .await?
            .expect(200);
        assert_eq!(back.json()["deleted_at"], json!(null));
        app.call(Some(&admin), Method::POST, &restore, None)
            .await?
            .expect(404);
        app.get(&admin, &path).await?.expect(200);

        let kinds = queries::fetch_texts(
            app,
            "select kind from lms.event_log where entity_id = $1::text::uuid order by position",
            &[&id],
        )
        .await?;
        let expected = [
            "centre.created",
            "centre.updated",
            "centre.updated",
            "centre.deleted",
            "centre.restored",
        ];
        assert_eq!(kinds, expected);
        Ok(())
    });
}

#[test]
fn a_code_is_unique_among_centres_that_are_not_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let first = app
            .post(&admin, "/v1/centres", body.clone())
            .await?
            .expect(201)
            .json();
        let before = queries::write_counters(app).await?;
        let clash = app
            .post(&admin, "/v1/centres", body.clone())
            .await?
            .expect(409);
        assert_eq!(clash.pointers(), ["/code"]);
        assert_eq!(clash.json()["errors"][0]["code"], "not_unique");
        assert!(!clash.text.contains("centres_code_key"), "{}", clash.text);
        assert_eq!(queries::write_counters(app).await?, before);

        let path = format!("/v1/centres/{}", first["id"].as_str().unwrap_or_default());
        app.delete(&admin, &path).await?.expect(204);
        app.post(&admin, "/v1/centres", body).await?.expect(201);
        let restore = format!("{path}/restore");
        let clash = app
            .call(Some(&admin), Method::POST, &restore, None)
            .await?
            .expect(409);
        assert_eq!(clash.pointers(), ["/code"]);
        Ok(())
    });
}

#[test]
fn everyone_reads_centres_and_only_admins_write_them() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let path = format!("/v1/centres/{other_centre}");
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        for role in role::ALL.into_iter().filter(|role| *role != role::ADMIN) {
            let session = app.sign_in(role).await?;
            let before = queries::write_counters(app).await?;
            let list = app.get(&session, "/v1/centres").await?.expect(200).json();
            assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
            let one = app.get(&session, &path).await?.expect(200).json();
            assert_eq!(one.get("deleted_at"), None);
            if matches!(role, role::STUDENT | role::PARENT) {
                let expected =
                    json!({"id": other_centre, "name": "Hillcrest", "time_zone": "Europe/Berlin"});
                assert_eq!(one, expected);
                app.get(&session, "/v1/centres?currency=EUR")
                    .await?
                    .expect(400);
                app.get(&session, "/v1/centres?sort=code")
                    .await?
                    .expect(400);
            }
            app.post(&session, "/v1/centres", body.clone())
                .await?
                .expect(403);
            app.patch(
                &session,
                &format!("/v1/centres/{own_centre}"),
                json!({"name": "x"}),
            )
            .await?
            .expect(403);
            app.delete(&session, &path).await?.expect(403);
            app.call(
                Some(&session),
                Method::POST,
                &format!("{path}/restore"),
                None,
            )
            .await?
            .expect(403);
            assert_eq!(queries::write_counters(app).await?, before);
        }
        Ok(())
    });
}

#[test]
fn all_errors_of_a_body_are_reported_together() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let body = json!({
            "name": "",
            "code": "Not A Slug",
            "time_zone": "Europe/Nowhere",
            "currency": "EURO",
            "address": {"line1": 7, "planet": "Earth", "country": "Spain"},
            "phone": "call me",
            "email": "nobody",
            "status": "asleep",
            "tenant_id": app.demo.tenants[1].id,
        });
        let reply = app.post(&admin, "/v1/centres", body).await?.expect(422);
        let mut pointers = reply.pointers();
        pointers.sort();
        let expected = [
            "/address/country",
            "/address/line1",
            "/address/planet",
            "/code",
            "/currency",
            "/email",
            "/name",
            "/phone",
            "/status",
            "/tenant_id",
            "/time_zone",
        ];
        assert_eq!(pointers, expected);
        let missing = app
            .post(&admin, "/v1/centres", json!({}))
            .await?
            .expect(422);
        assert_eq!(
            missing.pointers(),
            ["/name", "/code", "/time_zone", "/currency"]
        );
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_patch_merges_the_address_as_rfc_7396_says() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let address =
            json!({"line1": "Lake Street 7", "line2": "Rear", "city": "Madrid", "country": "ES"});
        let body = json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR", "address": address});
        let created = app
            .post(&admin, "/v1/centres", body)
            .await?
            .expect(201)
            .json();
        let path = format!("/v1/centres/{}", created["id"].as_str().unwrap_or_default());
        let patch = json!({"address": {"line2": null, "city": "Toledo"}});
        let changed = app.patch(&admin, &path, patch).await?.expect(200).json();
        assert_eq!(
            changed["address"],
            json!({"line1": "Lake Street 7", "city": "Toledo", "country": "ES"})
        );
        let wrong = app
            .patch(&admin, &path, json!({"address": {"planet": "Earth"}}))
            .await?
            .expect(422);
        assert_eq!(wrong.pointers(), ["/address/planet"]);
        Ok(())
    });
}
