//! Tests that every invalid body is answered with a 4xx problem and writes nothing.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, queries, role, run, send};

/// Sends a body unchanged.
pub(crate) async fn raw(
    app: &Application,
    session: &Session,
    method: Method,
    path: &str,
    body: impl Into<Vec<u8>>,
) -> Result<Reply> {
    let request = app
        .request(method, path)
        .bearer_auth(&session.token)
        .header("content-type", "application/json")
        .body(body.into());
    send(request).await
}

#[track_caller]
fn assert_problem(reply: &Reply, status: u16, pointers: &[&str]) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["status"], status);
    assert_eq!(reply.pointers(), pointers, "{}", reply.text);
    for internal in [
        "lms.", "SQLSTATE", "_check", "_fkey", "_key\"", "panicked", "src/",
    ] {
        assert!(
            !reply.text.contains(internal),
            "{internal} in {}",
            reply.text
        );
    }
}

#[test]
fn a_body_that_is_not_a_json_object_is_malformed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let one = format!("/v1/centres/{own_centre}");
        let before = queries::write_counters(app).await?;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let nested = format!(
            "{{\"settings\": {}1{}}}",
            "{\"a\":".repeat(500),
            "}".repeat(500)
        );
        let bodies: Vec<Vec<u8>> = [
            "",
            " ",
            "{",
            "}",
            "{\"name\"",
            "{\"name\": }",
            "{\"name\": \"x\",}",
            "{'name': 'x'}",
            "{\"name\": NaN}",
            "{\"name\": 1e999}",
            "{\"name\": \"\\ud800\"}",
            "{\"name\": \"tab\there\"}",
            "{\"name\": \"x\"} trailing",
            "[]",
            "null",
            "7",
            "\"text\"",
            "\u{feff}{}",
            deep.as_str(),
            nested.as_str(),
        ]
        .into_iter()
        .map(|body| body.as_bytes().to_vec())
        .chain([
            b"{\"name\": \"caf\xe9\"}".to_vec(),
            vec![0; 16],
            vec![0xff; 16],
        ])
        .collect();
        for body in bodies {
            for (method, path) in [
                (Method::POST, "/v1/centres"),
                (Method::PATCH, one.as_str()),
                (Method::POST, "/v1/users"),
            ] {
                let reply = raw(app, &admin, method, path, body.clone()).await?;
                assert_problem(&reply, 400, &[]);
            }
        }
        let login = raw(app, &admin, Method::POST, "/v1/auth/login", "{").await?;
        assert_problem(&login, 400, &[]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn an_invalid_value_is_rejected_with_its_pointer() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = format!("/v1/users/{}", app.user(0, role::TUTOR).id);
        let staff = format!("/v1/staff/{}", queries::first_id(app, 0, "staff").await?);
        let (own_centre, _) = queries::demo_centres(app).await?;
        let centre = format!("/v1/centres/{own_centre}");
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let before = queries::write_counters(app).await?;
        let text = |count: usize| Value::from("x".repeat(count));
        let mut cases: Vec<(&str, Value, &str)> = vec![
            (&user, json!({"name": null}), "/name"),
            (&user, json!({"name": ""}), "/name"),
            (&user, json!({"name": "   "}), "/name"),
            (&user, json!({"name": text(201)}), "/name"),
            (&user, json!({"name": "a\u{0}b"}), "/name"),
            (&user, json!({"name": "a\u{7}b"}), "/name"),
            (&user, json!({"email": null}), "/email"),
            (&user, json!({"email": "a@b"}), "/email"),
            (&user, json!({"email": "a b@example.org"}), "/email"),
            (
                &user,
                json!({"email": format!("{}@example.org", "x".repeat(65))}),
                "/email",
            ),
            (&user, json!({"email": "a\u{0}@example.org"}), "/email"),
            (&user, json!({"phone": "0123"}), "/phone"),
            (&user, json!({"phone": 441632960000_i64}), "/phone"),
            (&user, json!({"role": "Admin"}), "/role"),
            (&user, json!({"role": ["admin"]}), "/role"),
            (&user, json!({"centre_id": "7"}), "/centre_id"),
            (&user, json!({"centre_id": ""}), "/centre_id"),
            (
                &user,
                json!({"centre_id": "00000000-0000-0000-0000-000000000000"}),
                "/centre_id",
            ),
            (&user, json!({"centre_id": admin.user}), "/centre_id"),
            (
                &user,
                json!({"language_preferences": "en"}),
                "/language_preferences",
            ),
            (
                &user,
                json!({"language_preferences": null}),
                "/language_preferences",
            ),
            (
                &user,
                json!({"language_preferences": ["en", 7]}),
                "/language_preferences/1",
            ),
            (
                &user,
                json!({"language_preferences": ["en", "en"]}),
                "/language_preferences/1",
            ),
            (
                &user,
                json!({"language_preferences": ["not a tag"]}),
                "/language_preferences/0",
            ),
            (
                &user,
                json!({"language_preferences": vec!["en"; 21]}),
                "/language_preferences",
            ),
            (
                &user,
                json!({"accessibility_settings": []}),
                "/accessibility_settings",
            ),
            (
                &user,
                json!({"accessibility_settings": {"large_text": "yes"}}),
                "/accessibility_settings/large_text",
            ),
            (
                &user,
                json!({"accessibility_settings": {"a/b~c": true}}),
                "/accessibility_settings/a~1b~0c",
            ),
            (&user, json!({"": 1}), "/"),
            (&user, json!({"Name": "x"}), "/Name"),
            (&user, json!({"id": app.user(0, role::ADMIN).id}), "/id"),
            (
                &user,
                json!({"created_at": "2026-01-01T00:00:00Z"}),
                "/created_at",
            ),
            (&user, json!({"deleted_at": null}), "/deleted_at"),
            (&user, json!({"version": 9}), "/version"),
            (&staff, json!({"hired_on": "2026-02-30"}), "/hired_on"),
            (&staff, json!({"hired_on": "2026-2-3"}), "/hired_on"),
            (&staff, json!({"hired_on": "0001-01-01"}), "/hired_on"),
            (&staff, json!({"hired_on": "9999-01-01"}), "/hired_on"),
            (&staff, json!({"hired_on": 20_260_101}), "/hired_on"),
            (&staff, json!({"hired_on": "infinity"}), "/hired_on"),
            (&centre, json!({"time_zone": "utc+5"}), "/time_zone"),
            (
                &centre,
                json!({"time_zone": "../../etc/passwd"}),
                "/time_zone",
            ),
            (&centre, json!({"currency": "eur"}), "/currency"),
            (&centre, json!({"code": text(64)}), "/code"),
            (&centre, json!({"code": "-a"}), "/code"),
            (&centre, json!({"address": "Lake Street"}), "/address"),
            (&tenant, json!({"settings": "x"}), "/settings"),
            (&tenant, json!({"settings": []}), "/settings"),
            (
                &tenant,
                json!({"settings": {"a": text(70_000)}}),
                "/settings",
            ),
            (&tenant, json!({"settings": {"a": "x\u{0}"}}), "/settings"),
            (&tenant, json!({"settings": {"x\u{0}": 1}}), "/settings"),
        ];
        // The body is within the limit, but PostgreSQL's text of it has a space after each comma.
        let spacious: Vec<u8> = vec![1; 32_000];
        cases.push((&tenant, json!({"settings": {"a": spacious}}), "/settings"));
        for (path, body, pointer) in cases {
            let shown = body.to_string();
            let reply = app.patch(&admin, path, body).await?;
            assert_eq!(
                reply.status,
                422,
                "{}: {}",
                &shown[..shown.len().min(200)],
                reply.text
            );
            assert_problem(&reply, 422, &[pointer]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_number_out_of_range_or_of_another_type_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let before = queries::write_counters(app).await?;
        for number in [
            "-1",
            "1001",
            "9223372036854775807",
            "9223372036854775808",
            "1e300",
            "1.5",
            "-0.1",
            "\"7\"",
            "true",
            "null",
        ] {
            let body = format!(
                "{{\"name\": \"Ana\", \"email\": \"ana@aurora.example\", \"role\": \"tutor\", \
                \"centre_id\": \"{own_centre}\", \"profile\": {{\"max_students\": {number}}}}}"
            );
            let reply = raw(app, &admin, Method::POST, "/v1/users", body).await?;
            assert_problem(&reply, 422, &["/profile/max_students"]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        // The settings keep integers above 2^53 exactly.
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let updated = raw(
            app,
            &admin,
            Method::PATCH,
            &tenant,
            "{\"settings\": {\"n\": 9007199254740993, \"f\": 1.5}}",
        );
        let updated = updated.await?.expect(200);
        assert!(
            updated.text.contains("9007199254740993"),
            "{}",
            updated.text
        );
        let extreme = raw(
            app,
            &admin,
            Method::PATCH,
            &tenant,
            "{\"settings\": {\"n\": 1e308, \"m\": -1e-300}}",
        )
        .await?;
        assert!([200, 422].contains(&extreme.status), "{}", extreme.text);
        Ok(())
    });
}
