//! Tests that rows of an account are reactivated with it, and that requests stay unassigned.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, class_fixture, fixtures, help_desk, queries, role, run};
use uuid::Uuid;

use crate::users::deactivation::{remove, undo_removal};

async fn deactivate(app: &Application, admin: &Session, user: Uuid) -> Result<()> {
    remove(app, admin, user, "deactivate").await?.expect(200);
    Ok(())
}

async fn activate(app: &Application, admin: &Session, user: Uuid) -> Result<()> {
    undo_removal(app, admin, user, "deactivate")
        .await?
        .expect(200);
    Ok(())
}

/// Returns whether a student, a tutor or a staff member is neither inactive nor deleted.
async fn exists(app: &Application, table: &str, id: Uuid) -> Result<bool> {
    let from = format!("lms.{table} where id = $1 and left_at is null and deleted_at is null");
    Ok(queries::count(app, &from, &[&id]).await? == 1)
}

#[test]
fn rows_created_while_the_account_was_inactive_are_reactivated_with_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for (table, role) in [
            ("students", "student"),
            ("tutors", "tutor"),
            ("staff", "support"),
        ] {
            let user = fixtures::create_user(app, &admin, role, own_centre).await?;
            deactivate(app, &admin, user).await?;
            let body = json!({"user_id": user, "centre_id": own_centre});
            let created = app.post(&admin, &format!("/v1/{table}"), body).await?;
            let row = fixtures::parse_id(&created.expect(201).json())?;
            assert!(!exists(app, table, row).await?, "{table}");
            activate(app, &admin, user).await?;
            assert!(exists(app, table, row).await?, "{table}");
            // The second deactivation includes the rows that were reactivated.
            deactivate(app, &admin, user).await?;
            assert!(!exists(app, table, row).await?, "{table}");
            activate(app, &admin, user).await?;
            assert!(exists(app, table, row).await?, "{table}");
        }
        Ok(())
    });
}

#[test]
fn rows_restored_while_the_account_was_inactive_are_reactivated_with_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
        for (table, row) in [("students", student), ("tutors", tutor), ("staff", staff)] {
            let sql = format!("select user_id from lms.{table} where id = $1");
            let user = queries::fetch_id(app, &sql, &[&row]).await?;
            let path = format!("/v1/{table}/{row}");
            let restore = format!("{path}/restore");
            // The row is deleted once before and once while the account is inactive.
            for is_first in [true, false] {
                if is_first {
                    app.delete(&admin, &path).await?.expect(204);
                    deactivate(app, &admin, user).await?;
                } else {
                    deactivate(app, &admin, user).await?;
                    app.delete(&admin, &path).await?.expect(204);
                }
                class_fixture::post_without_body(app, &admin, &restore)
                    .await?
                    .expect(200);
                assert!(!exists(app, table, row).await?, "{table}");
                activate(app, &admin, user).await?;
                assert!(exists(app, table, row).await?, "{table}");
            }
            // A row that is still deleted stays deleted.
            app.delete(&admin, &path).await?.expect(204);
            deactivate(app, &admin, user).await?;
            activate(app, &admin, user).await?;
            app.get(&admin, &path).await?.expect(404);
            class_fixture::post_without_body(app, &admin, &restore)
                .await?
                .expect(200);
            assert!(exists(app, table, row).await?, "{table}");
        }
        Ok(())
    });
}

#[test]
fn inactive_staff_stay_inactive_when_the_account_is_reactivated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
        let sql = "select user_id from lms.staff where id = $1";
        let user = queries::fetch_id(app, sql, &[&staff]).await?;
        deactivate(app, &admin, user).await?;
        let path = format!("/v1/staff/{staff}");
        app.patch(&admin, &path, json!({"status": "inactive"}))
            .await?
            .expect(200);
        activate(app, &admin, user).await?;
        assert!(!exists(app, "staff", staff).await?);
        app.patch(&admin, &path, json!({"status": "active"}))
            .await?
            .expect(200);
        assert!(exists(app, "staff", staff).await?);
        Ok(())
    });
}

#[test]
fn a_restored_request_is_unassigned_if_its_assignee_has_left() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for assignee_change in ["stays", "deleted", "inactive"] {
            let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
            let mut requests = Vec::new();
            for moves in [
                vec!["start", "resolve"],
                vec!["start", "resolve", "close"],
                vec![],
            ] {
                let request = help_desk::create_request(app, &admin).await?;
                let path = format!("{}/assign", help_desk::request_path(&request));
                app.post(&admin, &path, json!({"staff_id": staff}))
                    .await?
                    .expect(200);
                for one in moves {
                    help_desk::transition(app, &admin, &request, one)
                        .await?
                        .expect(200);
                }
                requests.push(request);
            }
            let deleted = &requests[2];
            app.delete(&admin, &help_desk::request_path(deleted))
                .await?
                .expect(204);
            let path = format!("/v1/staff/{staff}");
            match assignee_change {
                "deleted" => {
                    app.delete(&admin, &path).await?.expect(204);
                }
                "inactive" => {
                    app.patch(&admin, &path, json!({"status": "inactive"}))
                        .await?
                        .expect(200);
                }
                _ => {}
            }
            let expected = if assignee_change == "stays" {
                json!(staff)
            } else {
                Value::Null
            };
            for (request, back) in requests.iter().zip(["reopen", "reopen", "restore"]) {
                let reply = help_desk::transition(app, &admin, request, back)
                    .await?
                    .expect(200);
                assert_eq!(
                    reply.json()["assigned_to"],
                    expected,
                    "{assignee_change} {back}"
                );
            }
        }
        Ok(())
    });
}
