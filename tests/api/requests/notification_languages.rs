//! Tests the choice of the language and the template of a notification.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, notifications, role, run};

async fn template(
    app: &Application,
    admin: &Session,
    language: &str,
    subject: Option<&str>,
) -> Result<()> {
    let body = json!({
        "key": "announcement", "type": "email", "language": language,
        "subject": subject, "message": format!("{language}: {{{{text}}}}"),
    });
    app.post(admin, "/v1/notification-templates", body)
        .await?
        .expect(201);
    Ok(())
}

/// Creates a notification to a user who prefers these languages, and returns it.
async fn sent(app: &Application, admin: &Session, languages: &[&str]) -> Result<Value> {
    let student = app.user(0, role::STUDENT).id;
    app.patch(
        admin,
        &format!("/v1/users/{student}"),
        json!({"language_preferences": languages}),
    )
    .await?
    .expect(200);
    let body = json!({
        "user_id": student, "type": "email", "template": "announcement",
        "data": {"title": "T", "text": "x"},
    });
    Ok(notifications::post_notification(app, admin, body)
        .await?
        .expect(201)
        .json())
}

#[test]
fn the_users_first_language_with_a_template_is_used() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        template(app, &admin, "pt", None).await?;
        template(app, &admin, "fr-CA", Some("Avis: {{title}}")).await?;
        template(app, &admin, "DE", None).await?;
        for (requested_language, language, message) in [
            // The tenant's template matches the whole tag, or its language without a region.
            (vec!["pt-BR"], "pt", "pt: x"),
            (vec!["pt-BR", "en"], "pt", "pt: x"),
            (vec!["hi", "fr-CA", "en"], "fr-CA", "fr-CA: x"),
            // A template for a region does not stand in for the general language.
            (vec!["fr", "pt"], "pt", "pt: x"),
            // The tenant's template takes precedence over the built-in one.
            (vec!["de-AT"], "DE", "DE: x"),
            (vec!["hi", "DE"], "DE", "DE: x"),
        ] {
            let created = sent(app, &admin, &requested_language).await?;
            assert_eq!(
                (&created["language"], &created["message"]),
                (&json!(language), &json!(message)),
                "{requested_language:?}"
            );
        }
        // The built-in template in the user's language takes precedence over the tenant's in another.
        let created = sent(app, &admin, &["es-MX", "pt"]).await?;
        assert_eq!(created["language"], "es");
        // If no language matches, English is used.
        for none in [vec![], vec!["hi"], vec!["zh-Hant-TW"]] {
            assert_eq!(
                sent(app, &admin, &none).await?["language"],
                "en",
                "{none:?}"
            );
        }
        // A template without a subject gets the built-in one.
        assert_eq!(sent(app, &admin, &["pt"]).await?["subject"], "T");
        assert_eq!(sent(app, &admin, &["fr-CA"]).await?["subject"], "Avis: T");
        Ok(())
    });
}

#[test]
fn the_tenants_language_comes_before_english() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/tenants/{}", admin.tenant);
        let wrong = json!({"settings": {"language": "nonsense!"}});
        let reply = app.patch(&admin, &path, wrong).await?.expect(422);
        assert_eq!(reply.pointers(), ["/settings/language"]);
        app.patch(&admin, &path, json!({"settings": {"language": "de-CH"}}))
            .await?
            .expect(200);
        assert_eq!(sent(app, &admin, &["hi"]).await?["language"], "de");
        assert_eq!(sent(app, &admin, &["en"]).await?["language"], "en");
        Ok(())
    });
}
