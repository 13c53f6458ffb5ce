//! A role that changes: never from under a student, a tutor or a member of the staff, for that would be leaving by another door.

use serde_json::json;
use tests::{classroom, desk, people, role, rows, run};

#[test]
fn a_role_does_not_change_while_a_row_needs_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let tutor = people::tutor(app, &admin, home, 5).await?;
        let staff = desk::staff(app, &admin, "support", home).await?;
        for (table, row, others) in [
            ("students", student, ["parent", "tutor"]),
            ("tutors", tutor, ["parent", "support"]),
            ("staff", staff, ["parent", "student"]),
        ] {
            let sql = format!("select user_id from lms.{table} where id = $1");
            let user = rows::id(app, &sql, &[&row]).await?;
            let account = format!("/v1/users/{user}");
            let path = format!("/v1/{table}/{row}");
            let before = rows::written(app).await?;
            for role in others {
                let refused = app.patch(&admin, &account, json!({"role": role})).await?;
                let refused = refused.expect(409);
                assert_eq!(refused.pointers(), ["/role"], "{table} {role}");
                assert!(refused.text.contains(&row.to_string()), "{}", refused.text);
            }
            assert_eq!(rows::written(app).await?, before);
            // Without the row it may, and then the row does not come back.
            app.delete(&admin, &path).await?.expect(204);
            for role in others {
                app.patch(&admin, &account, json!({"role": role}))
                    .await?
                    .expect(200);
                let back = classroom::act(app, &admin, &format!("{path}/restore")).await?;
                assert_eq!(back.expect(409).pointers(), ["/user_id"], "{table} {role}");
            }
        }
        Ok(())
    });
}

#[test]
fn a_tutor_with_lessons_stays_a_tutor_and_what_fits_the_rows_may_change() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let tutor = people::tutor(app, &admin, home, 5).await?;
        let class = json!({
            "centre_id": home,
            "tutor_id": tutor,
            "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=4"),
        });
        let class = classroom::make(app, &admin, class).await?;
        let sql = "select user_id from lms.tutors where id = $1";
        let user = rows::id(app, sql, &[&tutor]).await?;
        let account = format!("/v1/users/{user}");
        app.patch(&admin, &account, json!({"role": "parent"}))
            .await?
            .expect(409);
        app.patch(&admin, &account, json!({"role": "tutor", "name": "Ana"}))
            .await?
            .expect(200);
        app.delete(&admin, &classroom::path(&class))
            .await?
            .expect(204);
        // A member of the staff has any role but a family's.
        let staff = desk::staff(app, &admin, "support", home).await?;
        let sql = "select user_id from lms.staff where id = $1";
        let user = rows::id(app, sql, &[&staff]).await?;
        for role in ["assessor", "supervisor", "tutor", "support"] {
            app.patch(&admin, &format!("/v1/users/{user}"), json!({"role": role}))
                .await?
                .expect(200);
        }
        for role in ["student", "parent"] {
            let user = people::user(app, &admin, role, home).await?;
            let body = json!({"user_id": user, "centre_id": home});
            let refused = app.post(&admin, "/v1/staff", body).await?.expect(422);
            assert_eq!(refused.pointers(), ["/user_id"]);
        }
        Ok(())
    });
}

#[test]
fn of_changing_a_role_and_making_a_row_at_once_one_is_refused() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        for _ in 0..8 {
            let user = people::user(app, &admin, "tutor", home).await?;
            let account = format!("/v1/users/{user}");
            let (made, changed) = tokio::join!(
                app.post(
                    &admin,
                    "/v1/tutors",
                    json!({"user_id": user, "centre_id": home})
                ),
                app.patch(&admin, &account, json!({"role": "support"}))
            );
            let (made, changed) = (made?.status, changed?.status);
            assert!(
                matches!((made, changed), (201, 409) | (422, 200)),
                "{made} {changed}"
            );
        }
        Ok(())
    });
}
