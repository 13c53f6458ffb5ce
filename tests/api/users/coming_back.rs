//! Coming back: rows of an account return with it however they left, and nothing returns to the desk of somebody who is gone.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, classroom, desk, people, role, rows, run};
use uuid::Uuid;

use crate::users::leaving::{come_back, leave};

async fn deactivate(app: &Application, admin: &Session, user: Uuid) -> Result<()> {
    leave(app, admin, user, "deactivate").await?.expect(200);
    Ok(())
}

async fn activate(app: &Application, admin: &Session, user: Uuid) -> Result<()> {
    come_back(app, admin, user, "deactivate").await?.expect(200);
    Ok(())
}

/// Returns true while a student, a tutor or a member of the staff is there.
async fn is_there(app: &Application, table: &str, id: Uuid) -> Result<bool> {
    let from = format!("lms.{table} where id = $1 and left_at is null and deleted_at is null");
    Ok(rows::count(app, &from, &[&id]).await? == 1)
}

#[test]
fn rows_that_were_made_while_the_account_was_deactivated_come_back_with_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        for (table, role) in [
            ("students", "student"),
            ("tutors", "tutor"),
            ("staff", "support"),
        ] {
            let user = people::user(app, &admin, role, home).await?;
            deactivate(app, &admin, user).await?;
            let body = json!({"user_id": user, "centre_id": home});
            let made = app.post(&admin, &format!("/v1/{table}"), body).await?;
            let row = people::id(&made.expect(201).json())?;
            assert!(!is_there(app, table, row).await?, "{table}");
            activate(app, &admin, user).await?;
            assert!(is_there(app, table, row).await?, "{table}");
            // And once more, as those that were there before.
            deactivate(app, &admin, user).await?;
            assert!(!is_there(app, table, row).await?, "{table}");
            activate(app, &admin, user).await?;
            assert!(is_there(app, table, row).await?, "{table}");
        }
        Ok(())
    });
}

#[test]
fn rows_that_were_deleted_and_restored_while_the_account_was_deactivated_come_back_with_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let tutor = people::tutor(app, &admin, home, 5).await?;
        let staff = desk::staff(app, &admin, "support", home).await?;
        for (table, row) in [("students", student), ("tutors", tutor), ("staff", staff)] {
            let sql = format!("select user_id from lms.{table} where id = $1");
            let user = rows::id(app, &sql, &[&row]).await?;
            let path = format!("/v1/{table}/{row}");
            let restore = format!("{path}/restore");
            // Deleted before the account went, and while it was away.
            for is_first in [true, false] {
                if is_first {
                    app.delete(&admin, &path).await?.expect(204);
                    deactivate(app, &admin, user).await?;
                } else {
                    deactivate(app, &admin, user).await?;
                    app.delete(&admin, &path).await?.expect(204);
                }
                classroom::act(app, &admin, &restore).await?.expect(200);
                assert!(!is_there(app, table, row).await?, "{table}");
                activate(app, &admin, user).await?;
                assert!(is_there(app, table, row).await?, "{table}");
            }
            // One that is still deleted stays so.
            app.delete(&admin, &path).await?.expect(204);
            deactivate(app, &admin, user).await?;
            activate(app, &admin, user).await?;
            app.get(&admin, &path).await?.expect(404);
            classroom::act(app, &admin, &restore).await?.expect(200);
            assert!(is_there(app, table, row).await?, "{table}");
        }
        Ok(())
    });
}

#[test]
fn a_member_of_the_staff_who_is_inactive_stays_so_when_the_account_comes_back() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let staff = desk::staff(app, &admin, "support", home).await?;
        let sql = "select user_id from lms.staff where id = $1";
        let user = rows::id(app, sql, &[&staff]).await?;
        deactivate(app, &admin, user).await?;
        let path = format!("/v1/staff/{staff}");
        app.patch(&admin, &path, json!({"status": "inactive"}))
            .await?
            .expect(200);
        activate(app, &admin, user).await?;
        assert!(!is_there(app, "staff", staff).await?);
        app.patch(&admin, &path, json!({"status": "active"}))
            .await?
            .expect(200);
        assert!(is_there(app, "staff", staff).await?);
        Ok(())
    });
}

#[test]
fn a_request_that_comes_back_is_nobodys_when_whoever_had_it_is_gone() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        for way in ["stays", "deleted", "inactive"] {
            let staff = desk::staff(app, &admin, "support", home).await?;
            let mut requests = Vec::new();
            for moves in [
                vec!["start", "resolve"],
                vec!["start", "resolve", "close"],
                vec![],
            ] {
                let request = desk::ask(app, &admin).await?;
                let path = format!("{}/assign", desk::path(&request));
                app.post(&admin, &path, json!({"staff_id": staff}))
                    .await?
                    .expect(200);
                for one in moves {
                    desk::act(app, &admin, &request, one).await?.expect(200);
                }
                requests.push(request);
            }
            let deleted = &requests[2];
            app.delete(&admin, &desk::path(deleted)).await?.expect(204);
            let path = format!("/v1/staff/{staff}");
            match way {
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
            let expected = if way == "stays" {
                json!(staff)
            } else {
                Value::Null
            };
            for (request, back) in requests.iter().zip(["reopen", "reopen", "restore"]) {
                let reply = desk::act(app, &admin, request, back).await?.expect(200);
                assert_eq!(reply.json()["assigned_to"], expected, "{way} {back}");
            }
        }
        Ok(())
    });
}
