//! Tests names and other single-line texts: their characters, the fields that are single-line, and subjects of e-mails.

use anyhow::{Context, Result};
use http::Method;
use platform::declare::endpoint::Operation;
use platform::declare::field::{Field, Kind, Writable};
use serde_json::{Value, json};
use tests::{COMPONENTS, Session, fixtures, queries, role, run, send};
use uuid::Uuid;

use crate::conventions::lists::get;

/// Texts that are not valid names.
const INVALID_NAMES: [&str; 12] = [
    "",
    "   ",
    "\u{200b}",
    "\u{2060}\u{200d}",
    "\u{3164}",
    "\u{ad}",
    "Ana\nBcc: eve@example.org",
    "Ana\r\nMore",
    "Tab\tbed",
    "\u{202e}evil",
    "a\u{2066}b",
    "a\u{2028}b",
];

/// The multiline fields. Every other text of a body is a single line.
const MULTILINE_FIELDS: [&str; 8] = [
    "body",
    "description",
    "details",
    "message",
    "note",
    "notes",
    "reason",
    "resolution",
];

fn account(name: &str) -> Value {
    let email = format!("{}@aurora.example", Uuid::now_v7().simple());
    json!({"name": name, "email": email, "role": "parent"})
}

#[test]
fn invalid_names_are_rejected_in_bodies_and_files() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = format!("/v1/users/{}", admin.user);
        let before = queries::write_counters(app).await?;
        for name in INVALID_NAMES {
            let created = app.post(&admin, "/v1/users", account(name)).await?;
            assert_eq!(created.expect(422).pointers(), ["/name"], "{name:?}");
            let changed = app.patch(&admin, &user, json!({"name": name})).await?;
            assert_eq!(changed.expect(422).pointers(), ["/name"], "{name:?}");
            if !name.is_empty() {
                let file = format!("name,email,role\n\"{name}\",ana@aurora.example,parent\n");
                let imported = tests::csv::import(app, &admin, "/v1/users/import", file).await?;
                assert_eq!(imported.expect(422).pointers(), ["/2/name"], "{name:?}");
            }
        }
        let address = json!({"address": {"line1": "Lake Street\n7"}});
        let centre = format!("/v1/centres/{}", queries::demo_centres(app).await?.0);
        let rejected = app.patch(&admin, &centre, address).await?.expect(422);
        assert_eq!(rejected.pointers(), ["/address/line1"]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn names_in_any_script_are_stored_and_found_in_any_unicode_composition() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for name in [
            "Niamh O’Hara",
            "👩\u{200d}🏫 Ms Emoji",
            "می\u{200c}خواهم",
            "שרה\u{200f} (א)",
        ] {
            let created = app.post(&admin, "/v1/users", account(name)).await?;
            assert_eq!(created.expect(201).json()["name"], name);
        }
        let composed = "Zoë Núñez-Ångström";
        let apart = "Zoe\u{308} Nu\u{301}n\u{303}ez-A\u{30a}ngstro\u{308}m";
        let mut created = Vec::new();
        for name in [composed, apart] {
            let user = app
                .post(&admin, "/v1/users", account(name))
                .await?
                .expect(201)
                .json();
            assert_eq!(user["name"], composed);
            created.push(fixtures::parse_id(&user)?.to_string());
        }
        created.sort();
        for pattern in [composed, apart] {
            for filter in ["name", "name.like"] {
                let query =
                    url::form_urlencoded::byte_serialize(pattern.as_bytes()).collect::<String>();
                let list = get(app, &admin, &format!("/v1/users?{filter}={query}")).await?;
                let mut listed = crate::conventions::lists::values(&list, "id");
                listed.sort();
                assert_eq!(listed, created, "{filter} {pattern:?}");
            }
        }
        Ok(())
    });
}

/// Adds the names of the writable text fields to `found`: the multiline ones if `is_multiline` is true,
/// and the single-line ones otherwise.
fn texts(fields: &[Field], is_multiline: bool, found: &mut Vec<&'static str>) {
    for field in fields
        .iter()
        .filter(|field| field.writable != Writable::Never)
    {
        match field.kind {
            Kind::Text { .. } if !is_multiline => found.push(field.name),
            Kind::Multiline { .. } if is_multiline => found.push(field.name),
            Kind::Object(members) | Kind::Rows(members) => texts(members, is_multiline, found),
            _ => {}
        }
    }
}

#[test]
fn every_text_field_is_single_line_unless_declared_multiline() {
    let (mut single_line, mut multiline) = (Vec::new(), Vec::new());
    for component in COMPONENTS {
        for resource in component.resources {
            texts(resource.fields, false, &mut single_line);
            texts(resource.fields, true, &mut multiline);
        }
        for endpoint in component.endpoints() {
            if let Operation::Action(action) = endpoint.operation {
                texts(action.body.unwrap_or_default(), false, &mut single_line);
                texts(action.body.unwrap_or_default(), true, &mut multiline);
            }
        }
    }
    for name in single_line {
        assert!(
            !MULTILINE_FIELDS.contains(&name),
            "{name} is declared as single-line somewhere"
        );
    }
    for name in multiline {
        assert!(
            MULTILINE_FIELDS.contains(&name),
            "{name} is declared as multiline"
        );
    }
}

async fn notify(app: &tests::Application, admin: &Session, body: Value) -> Result<tests::Reply> {
    let request = app
        .request(Method::POST, "/v1/notifications")
        .bearer_auth(&admin.token)
        .json(&body);
    send(request).await
}

#[test]
fn the_subject_of_a_notification_is_one_line_whatever_its_placeholders_contain() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::PARENT).id;
        for subject in ["Two\nlines", "Two\r\nBcc: eve@example.org"] {
            let body = json!({"user_id": user, "type": "email", "subject": subject, "message": "One\ntwo"});
            let rejected = notify(app, &admin, body).await?.expect(422);
            assert_eq!(rejected.pointers(), ["/subject"]);
            let template = json!({"key": "announcement", "type": "email", "language": "fr", "subject": subject, "message": "{{text}}"});
            let rejected = app
                .post(&admin, "/v1/notification-templates", template)
                .await?;
            assert_eq!(rejected.expect(422).pointers(), ["/subject"]);
        }
        // A placeholder may have several lines, but the subject that it fills may not.
        let data = json!({"title": "Closed\r\nBcc: eve@example.org", "text": "Until\nMonday"});
        let body =
            json!({"user_id": user, "type": "email", "template": "announcement", "data": data});
        let created = notify(app, &admin, body).await?.expect(201).json();
        let subject = created["subject"].as_str().context("a subject")?;
        assert!(
            subject.contains("Closed Bcc: eve@example.org"),
            "{subject:?}"
        );
        let message = created["message"].as_str().context("a message")?;
        assert!(message.contains("Until\nMonday"), "{message:?}");
        Ok(())
    });
}
