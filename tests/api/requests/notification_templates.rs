//! Tests a tenant's templates and their placeholders.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, fixtures, queries, role, run};

const PATH: &str = "/v1/notification-templates";

async fn create_template(app: &Application, session: &Session, message: &str) -> Result<Reply> {
    let body =
        json!({"key": "announcement", "type": "email", "language": "fr", "message": message});
    app.post(session, PATH, body).await
}

#[test]
fn a_template_is_created_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let created = create_template(app, &admin, "Bonjour {{name}}, {{ text }}")
            .await?
            .expect(201)
            .json();
        assert!(created["subject"].is_null(), "{created}");
        let path = format!("{PATH}/{}", fixtures::parse_id(&created)?);
        let twice = create_template(app, &admin, "Encore {{text}}")
            .await?
            .expect(409);
        assert_eq!(twice.pointers(), ["/language"]);
        let changed = app
            .patch(&admin, &path, json!({"subject": "{{title}} – {{tenant}}"}))
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["message"], "Bonjour {{name}}, {{ text }}");
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        create_template(app, &admin, "Encore {{text}}")
            .await?
            .expect(201);
        let clash = app
            .call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?;
        assert_eq!(clash.expect(409).pointers(), ["/language"]);
        let french = app
            .get(&admin, &format!("{PATH}?language=fr"))
            .await?
            .expect(200)
            .json();
        assert_eq!(french["data"].as_array().map(Vec::len), Some(1));
        Ok(())
    });
}

#[test]
fn an_unknown_placeholder_is_reported_and_nothing_is_written() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let created = create_template(app, &admin, "Bonjour {{name}}")
            .await?
            .expect(201)
            .json();
        let path = format!("{PATH}/{}", fixtures::parse_id(&created)?);
        let before = queries::write_counters(app).await?;
        let body = |key: &str, subject: Option<&str>, message: &str| -> Value {
            json!({"key": key, "type": "sms", "language": "fr", "subject": subject, "message": message})
        };
        for (body, pointer, part) in [
            (body("announcement", None, "{{nme}}"), "/message", "{{nme}}"),
            (
                body("announcement", Some("{{when}}"), "{{text}}"),
                "/subject",
                "{{when}}",
            ),
            (
                body("announcement", None, "{{starts_at}}"),
                "/message",
                "{{starts_at}}",
            ),
            (
                body("lesson_moved", None, "{{count}}"),
                "/message",
                "{{was_at}}",
            ),
            (
                body("announcement", None, "{{name}"),
                "/message",
                "in pairs",
            ),
            (body("announcement", None, "name}}"), "/message", "in pairs"),
            (
                body("announcement", None, "{{{{name}}}}"),
                "/message",
                "in pairs",
            ),
            (body("announcement", None, "{{}}"), "/message", "{{}}"),
            (
                body("announcement", None, "{{Name}}"),
                "/message",
                "{{Name}}",
            ),
            (
                body("announcement", None, "{{name; drop table}}"),
                "/message",
                "drop table",
            ),
            (
                body("password_reset", None, "No code."),
                "/message",
                "{{token}}",
            ),
            (
                body("password_reset", Some("{{token}}"), "{{token}}"),
                "/subject",
                "{{token}}",
            ),
        ] {
            let shown = body.to_string();
            let reply = app.post(&admin, PATH, body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{shown}: {}", reply.text);
            let detail = reply.json()["errors"][0]["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(detail.contains(part), "{shown}: {detail}");
        }
        for (patch, pointer) in [
            (json!({"message": "{{reason}}"}), "/message"),
            (json!({"subject": "{{reason}}"}), "/subject"),
            (json!({"key": "lesson_moved"}), "/key"),
            (json!({"language": "de"}), "/language"),
        ] {
            let reply = app.patch(&admin, &path, patch).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        for (key, language, pointer) in [
            ("birthday", "fr", "/key"),
            ("announcement", "french!", "/language"),
        ] {
            let body = json!({"key": key, "type": "email", "language": language, "message": "x"});
            let reply = app.post(&admin, PATH, body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn errors_in_an_import_of_templates_name_the_row_and_column() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let import = async |file: &'static str| {
            tests::send(
                app.request(Method::POST, &format!("{PATH}/import"))
                    .bearer_auth(&admin.token)
                    .header("content-type", "text/csv")
                    .body(file),
            )
            .await
        };
        let before = queries::write_counters(app).await?;
        let reply = import(
            "key,type,language,message\nannouncement,email,fr,{{text}}\nannouncement,email,it,{{testo}}\n",
        )
        .await?
        .expect(422);
        assert_eq!(reply.pointers(), ["/3/message"], "{}", reply.text);
        assert_eq!(queries::write_counters(app).await?, before);
        import("key,type,language,message\nannouncement,email,fr,{{text}}\nannouncement,email,it,{{text}}\n")
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn admins_write_templates_and_support_and_supervisors_read_them() {
    run(async |app| {
        let own = queries::first_id(app, 0, "notification_templates").await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let reads = matches!(role, role::ADMIN | role::SUPPORT | role::SUPERVISOR);
            let read = app.get(&session, &format!("{PATH}/{own}")).await?;
            assert_eq!(
                read.status,
                if reads { 200 } else { 403 },
                "{}",
                role.name()
            );
            let reply = create_template(app, &session, "{{text}}").await?;
            let expected = if role == role::ADMIN { 201 } else { 403 };
            assert_eq!(reply.status, expected, "{}", role.name());
        }
        Ok(())
    });
}
