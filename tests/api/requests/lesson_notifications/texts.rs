//! Tests the texts of notifications without optional parts, and with the optional sections of templates.

use serde_json::{Value, json};
use tests::{class_fixture, fixtures, notifications, queries, role, run};

use super::{families, last};

#[test]
fn notifications_without_subject_room_or_reason_read_well_in_every_language() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let families = families(app, &admin).await?;
        let languages = queries::fetch_texts(
            app,
            "select distinct language from lms_private.notification_texts order by 1",
            &[],
        )
        .await?;
        assert!(languages.len() >= 3, "{languages:?}");
        let centre = queries::fetch_texts(
            app,
            "select name from lms.centres where id = $1",
            &[&families.centre],
        )
        .await?;
        for language in &languages {
            let body = json!({"language_preferences": [language]});
            app.patch(&admin, &format!("/v1/users/{}", families.parent), body)
                .await?
                .expect(200);
            let mut bare = families.class_body(json!({}));
            bare["schedule"] = class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=6");
            let class = class_fixture::create_class(app, &admin, bare).await?;
            let body =
                json!({"starts_at": "2035-04-03T16:00:00Z", "ends_at": "2035-04-03T17:00:00Z"});
            let at = class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY);
            app.post(&admin, &format!("{at}/move"), body)
                .await?
                .expect(200);
            let at = class_fixture::lesson_path(&class, class_fixture::SECOND_MONDAY);
            let body = json!({"starts_at": class_fixture::SECOND_MONDAY, "ends_at": "2035-04-09T17:00:00Z", "room": "Red"});
            app.post(&admin, &format!("{at}/move"), body)
                .await?
                .expect(200);
            let at = class_fixture::lesson_path(&class, class_fixture::THIRD_MONDAY);
            app.post(&admin, &format!("{at}/cancel"), json!({}))
                .await?
                .expect(200);
            app.patch(
                &admin,
                &class_fixture::class_path(&class),
                json!({"room": "Blue"}),
            )
            .await?
            .expect(200);
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&class)),
            )
            .await?
            .expect(200);
            for template in [
                "lesson_moved",
                "lesson_changed",
                "lesson_cancelled",
                "lessons_changed",
                "lessons_cancelled",
            ] {
                let text = last(app, families.parent, template).await?;
                for wrong in ["—", "  ", " .", " ,", "()", "{{", "::", ",,", ": ."] {
                    assert!(!text.contains(wrong), "{wrong:?} in {text}");
                }
                for part in [
                    "Ada Lee",
                    "Ben Lee",
                    "Tess Tutor",
                    "2035-04-",
                    centre[0].as_str(),
                ] {
                    assert!(text.contains(part), "{part}: {text}");
                }
                assert!(
                    !text.contains("Reason") && !text.contains("Grund") && !text.contains("Motivo"),
                    "{text}"
                );
                let read = queries::fetch_texts(
                    app,
                    "select language from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1",
                    &[&families.parent],
                )
                .await?;
                assert_eq!(&read[0], language);
            }
        }
        Ok(())
    });
}

#[test]
fn a_tenants_templates_may_have_optional_sections() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = "/v1/notification-templates";
        let families = families(app, &admin).await?;
        let template = |message: &str, language: &str| json!({"key": "lesson_cancelled", "type": "email", "language": language, "message": message});
        for (message, part) in [
            ("{{#reason}}Why: {{reason}}", "must end with"),
            ("{{reason}}{{/reason}}", "must begin with"),
            (
                "{{#reason}}{{#room}}x{{/room}}{{/reason}}",
                "must begin with",
            ),
            ("{{#reason}}x{{/room}}", "must begin with"),
            ("{{#reasons}}x{{/reasons}}", "No such placeholder"),
        ] {
            let rejected = app
                .post(&admin, path, template(message, "en"))
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/message"]);
            assert!(rejected.text.contains(part), "{}", rejected.text);
        }
        let own = "{{lesson}} of {{students}} at {{starts_at}}: {{reason}}";
        let template_row = app
            .post(&admin, path, template(own, "en"))
            .await?
            .expect(201)
            .json();
        let cancel = async |start: &str, class: &Value| {
            let at = class_fixture::lesson_path(class, start);
            app.post(&admin, &format!("{at}/cancel"), json!({}))
                .await?
                .expect(200);
            last(app, families.parent, "lesson_cancelled").await
        };
        let class = class_fixture::create_class(
            app,
            &admin,
            families.class_body(json!({"subject": "Harp & <Söhne>"})),
        )
        .await?;
        let text = cancel(class_fixture::FIRST_MONDAY, &class).await?;
        assert!(
            text.contains("Harp & <Söhne> of Ada Lee and Ben Lee at 2035-04-02 ")
                && text.ends_with(": —"),
            "{text}"
        );
        let patch = json!({"message": "{{^ room }}No room{{/ room }}{{#room}}In {{room}}{{/room}}{{# reason }} for {{reason}}{{/reason}}."});
        let one = format!("{path}/{}", fixtures::parse_id(&template_row)?);
        app.patch(&admin, &one, patch).await?.expect(200);
        assert!(
            cancel(class_fixture::SECOND_MONDAY, &class)
                .await?
                .ends_with(": No room.")
        );
        app.patch(
            &admin,
            &class_fixture::class_path(&class),
            json!({"room": "{{tutor}}"}),
        )
        .await?
        .expect(200);
        assert!(
            cancel(class_fixture::THIRD_MONDAY, &class)
                .await?
                .ends_with(": In {{tutor}}.")
        );

        // Names are given as a list, which is joined into a phrase, or as a phrase.
        for (students, expected) in [
            (json!(["A", "B", "C"]), "A, B and C"),
            (json!("A & B"), "A & B"),
        ] {
            let patch = json!({"message": "{{students}}"});
            app.patch(&admin, &one, patch).await?.expect(200);
            let body = json!({
                "user_id": families.parent, "type": "email", "template": "lesson_cancelled",
                "data": {"students": students, "tutor": "T", "centre": "C", "starts_at": "now", "lesson": "L"},
            });
            let created = notifications::post_notification(app, &admin, body)
                .await?
                .expect(201)
                .json();
            assert_eq!(created["message"], expected);
            assert_eq!(created["data"]["students"], expected);
        }
        let body = json!({
            "user_id": families.parent, "type": "email", "template": "lesson_cancelled",
            "data": {"students": ["A", 1], "tutor": ["T"]},
        });
        let rejected = notifications::post_notification(app, &admin, body)
            .await?
            .expect(422);
        assert_eq!(rejected.pointers(), ["/data/students"]);
        Ok(())
    });
}
