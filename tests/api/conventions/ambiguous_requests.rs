//! Tests that duplicate members, filters without a value and URLs with port 0 are rejected.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{Application, Reply, Session, queries, role, run, send};

async fn raw(
    app: &Application,
    session: Option<&Session>,
    method: Method,
    path: &str,
    body: &str,
) -> Result<Reply> {
    let mut request = app
        .request(method, path)
        .header("content-type", "application/json")
        .body(body.to_owned());
    if let Some(session) = session {
        request = request.bearer_auth(&session.token);
    }
    send(request).await
}

#[test]
fn a_duplicate_member_is_reported_with_its_pointer() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = format!("/v1/users/{}", admin.user);
        let before = queries::write_counters(app).await?;
        for (session, method, path, body, pointer) in [
            (
                Some(&admin),
                Method::POST,
                "/v1/users",
                r#"{"name": "Ana", "email": "ana@aurora.example", "role": "parent", "role": "admin"}"#,
                "/role",
            ),
            (
                Some(&admin),
                Method::POST,
                "/v1/users",
                r#"{"name": "A", "email": "ana@aurora.example", "role": "student", "profile": {"dob": "2015-01-01", "d\u006fb": "2016-01-01"}}"#,
                "/profile/dob",
            ),
            (
                Some(&admin),
                Method::POST,
                "/v1/centres",
                r#"{"name": "A", "holidays": [{"date": "2026-01-01"}, {"date": "2026-01-02", "name": "a", "name": "a"}]}"#,
                "/holidays/1/name",
            ),
            (
                Some(&admin),
                Method::PATCH,
                &user,
                r#"{"name": "Ana", "name": "Ana"}"#,
                "/name",
            ),
            (
                None,
                Method::POST,
                "/v1/auth/login",
                r#"{"tenant": "aurora", "email": "a@b.example", "password": "one", "password": "two"}"#,
                "/password",
            ),
        ] {
            let reply = raw(app, session, method, path, body).await?.expect(400);
            assert_eq!(reply.pointers(), [pointer], "{body}");
            assert_eq!(reply.json()["errors"][0]["code"], "duplicate");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_filter_without_a_value_is_rejected_with_the_field_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (path, parameter) in [
            ("/v1/users?status=", "?status"),
            ("/v1/users?name=", "?name"),
            ("/v1/users?name", "?name"),
            ("/v1/users?name=%20", "?name"),
            ("/v1/users?name.ne=", "?name.ne"),
            ("/v1/users?name.in=", "?name.in"),
            ("/v1/users?name.in=Ana,,Bo", "?name.in"),
            ("/v1/users?name.like=", "?name.like"),
            ("/v1/users?email=", "?email"),
            ("/v1/users?phone=", "?phone"),
            ("/v1/users?centre_id=", "?centre_id"),
            ("/v1/users?created_at.gte=", "?created_at.gte"),
            ("/v1/users?phone.null=", "?phone.null"),
            ("/v1/students?special_needs.has=", "?special_needs.has"),
            (
                "/v1/students?academic_age.reading.gte=",
                "?academic_age.reading.gte",
            ),
            ("/v1/staff?title=", "?title"),
            ("/v1/classes?subject=", "?subject"),
            ("/v1/tutors/search?subject=", "?subject"),
        ] {
            let rejected = app.get(&admin, path).await?.expect(400);
            assert!(
                rejected.pointers().contains(&parameter.to_owned()),
                "{path}: {}",
                rejected.text
            );
        }
        Ok(())
    });
}

#[test]
fn a_url_with_port_0_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for url in [
            "https://hooks.example.com:0/",
            "https://hooks.example.com:000/x",
        ] {
            let rejected = app
                .post(&admin, "/v1/webhooks", json!({"url": url}))
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/url"]);
            assert_eq!(rejected.json()["errors"][0]["code"], "invalid_port");
        }
        Ok(())
    });
}
