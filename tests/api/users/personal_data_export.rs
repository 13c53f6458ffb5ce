//! Tests the export of all personal data of a person, and of no one else's.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    data_subject::{NAMES, create_data_subject},
    fixtures, queries, role, run,
};
use uuid::Uuid;

async fn export(app: &Application, session: &Session, user: Uuid) -> Result<Value> {
    let path = format!("/v1/privacy/subjects/{user}/export");
    let reply = app.call(Some(session), Method::POST, &path, None).await?;
    Ok(reply.expect(200).json())
}

/// Returns the rows of each file, by table.
fn files(document: &Value) -> Result<BTreeMap<String, Vec<Value>>> {
    let files = document["files"].as_array().context("files")?;
    files
        .iter()
        .map(|file| {
            let table = file["table"].as_str().context("a table")?;
            assert_eq!(file["name"], json!(format!("{table}.json")));
            Ok((
                table.to_owned(),
                file["rows"].as_array().cloned().context("rows")?,
            ))
        })
        .collect()
}

#[test]
fn an_export_has_all_personal_data_in_a_file_per_table() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let document = export(app, &admin, subject.user).await?;
        assert_eq!(document["subject"], json!(subject.user));
        assert_eq!(document["children"], json!([]));
        let files = files(&document)?;
        for table in [
            "assessments",
            "attendances",
            "calendar_feeds",
            "enrolments",
            "finance_records",
            "gamification",
            "guardians",
            "inventory_loans",
            "notification_preferences",
            "notifications",
            "request_comments",
            "requests",
            "sessions",
            "students",
            "users",
        ] {
            assert!(files.contains_key(table), "{table}: {:?}", files.keys());
        }
        assert_eq!(files["users"][0]["name"], NAMES[1]);
        assert_eq!(files["students"][0]["special_needs"], json!(["Dyspraxia"]));
        assert_eq!(files["finance_records"][0]["amount"], "125.50");
        assert_eq!(files["finance_records"].len(), 2);
        assert_eq!(files["request_comments"].len(), 1, "only the person's own");
        for hidden in ["password_hash", "token_hash", "tenant_id"] {
            assert!(!document["files"].to_string().contains(hidden), "{hidden}");
        }
        for (table, what) in [
            ("users", "password_hash"),
            ("calendar_feeds", "token_hash"),
            ("refresh_tokens", "rows"),
            ("event_log", "rows"),
        ] {
            let is_told = document["withheld"].as_array().is_some_and(|withheld| {
                withheld.iter().any(|one| {
                    one["table"] == table
                        && one["what"] == what
                        && one["reason"]
                            .as_str()
                            .is_some_and(|reason| !reason.is_empty())
                })
            });
            assert!(is_told, "{table} {what}: {}", document["withheld"]);
        }
        Ok(())
    });
}

#[test]
fn an_export_has_only_rows_of_the_person_and_their_children() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let own = files(&export(app, &admin, subject.user).await?)?;
        assert_eq!(own["users"].len(), 1);
        let document = export(app, &admin, subject.parent).await?;
        assert_eq!(document["children"], json!([subject.user]));
        let family = files(&document)?;
        assert_eq!(family["users"].len(), 2);
        assert_eq!(family["assessments"], own["assessments"]);
        assert_eq!(family["finance_records"], own["finance_records"]);
        for private_file in ["sessions", "requests", "request_comments"] {
            assert!(!family.contains_key(private_file), "{private_file}");
        }
        for (table, rows) in &family {
            for row in rows {
                for (column, ids) in [
                    ("user_id", [subject.user, subject.parent]),
                    ("student_id", [subject.student; 2]),
                ] {
                    let id = row[column].as_str().and_then(|id| id.parse().ok());
                    assert!(id.is_none_or(|id| ids.contains(&id)), "{table}: {row}");
                }
            }
        }
        let tutor = files(&export(app, &admin, app.user(0, role::TUTOR).id).await?)?;
        assert!(tutor.contains_key("classes") && !tutor.contains_key("assessments"));
        assert!(
            tutor["classes"]
                .iter()
                .all(|class| class.get("student_ids").is_none())
        );
        Ok(())
    });
}

#[test]
fn unknown_people_and_oversized_exports_are_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for user in [Uuid::now_v7(), app.user(1, role::STUDENT).id] {
            let path = format!("/v1/privacy/subjects/{user}/export");
            app.call(Some(&admin), Method::POST, &path, None)
                .await?
                .expect(404);
        }
        let student = fixtures::demo_student(app).await?;
        queries::execute(
            app,
            "insert into lms.enrolments (tenant_id, class_id, student_id, deleted_at)
            select c.tenant_id, c.id, $1, now()
            from (select tenant_id, id from lms.classes where tenant_id = $2 limit 1) as c
            cross join generate_series(1, 20001)",
            &[&student, &admin.tenant],
        )
        .await?;
        let user = app.user(0, role::STUDENT).id;
        let path = format!("/v1/privacy/subjects/{user}/export");
        let rejected = app
            .call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        assert!(
            rejected.text.contains("lms privacy export"),
            "{}",
            rejected.text
        );
        let text = operations::privacy::export(&app.superuser_url, "aurora", user).await?;
        let document: Value = serde_json::from_str(&text)?;
        assert!(files(&document)?["enrolments"].len() > 20_000);
        Ok(())
    });
}
