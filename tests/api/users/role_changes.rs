//! Tests that a role does not change while a student, tutor or staff row requires it.

use serde_json::json;
use tests::{class_fixture, fixtures, help_desk, queries, role, run};

#[test]
fn a_role_cannot_change_while_a_row_requires_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, home).await?;
        let tutor = fixtures::create_tutor(app, &admin, home, 5).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", home).await?;
        for (table, row, others) in [
            ("students", student, ["parent", "tutor"]),
            ("tutors", tutor, ["parent", "support"]),
            ("staff", staff, ["parent", "student"]),
        ] {
            let sql = format!("select user_id from lms.{table} where id = $1");
            let user = queries::fetch_id(app, &sql, &[&row]).await?;
            let account = format!("/v1/users/{user}");
            let path = format!("/v1/{table}/{row}");
            let before = queries::write_marks(app).await?;
            for role in others {
                let refused = app.patch(&admin, &account, json!({"role": role})).await?;
                let refused = refused.expect(409);
                assert_eq!(refused.pointers(), ["/role"], "{table} {role}");
                assert!(refused.text.contains(&row.to_string()), "{}", refused.text);
            }
            assert_eq!(queries::write_marks(app).await?, before);
            // Without the row the role may change, and then the row cannot be restored.
            app.delete(&admin, &path).await?.expect(204);
            for role in others {
                app.patch(&admin, &account, json!({"role": role}))
                    .await?
                    .expect(200);
                let back =
                    class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
                        .await?;
                assert_eq!(back.expect(409).pointers(), ["/user_id"], "{table} {role}");
            }
        }
        Ok(())
    });
}

#[test]
fn a_tutor_with_lessons_stays_a_tutor_and_compatible_roles_may_change() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, home, 5).await?;
        let class = json!({
            "centre_id": home,
            "tutor_id": tutor,
            "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=4"),
        });
        let class = class_fixture::create_class(app, &admin, class).await?;
        let sql = "select user_id from lms.tutors where id = $1";
        let user = queries::fetch_id(app, sql, &[&tutor]).await?;
        let account = format!("/v1/users/{user}");
        app.patch(&admin, &account, json!({"role": "parent"}))
            .await?
            .expect(409);
        app.patch(&admin, &account, json!({"role": "tutor", "name": "Ana"}))
            .await?
            .expect(200);
        app.delete(&admin, &class_fixture::class_path(&class))
            .await?
            .expect(204);
        // Staff may have any role but those of families.
        let staff = help_desk::create_staff_member(app, &admin, "support", home).await?;
        let sql = "select user_id from lms.staff where id = $1";
        let user = queries::fetch_id(app, sql, &[&staff]).await?;
        for role in ["assessor", "supervisor", "tutor", "support"] {
            app.patch(&admin, &format!("/v1/users/{user}"), json!({"role": role}))
                .await?
                .expect(200);
        }
        for role in ["student", "parent"] {
            let user = fixtures::create_user(app, &admin, role, home).await?;
            let body = json!({"user_id": user, "centre_id": home});
            let refused = app.post(&admin, "/v1/staff", body).await?.expect(422);
            assert_eq!(refused.pointers(), ["/user_id"]);
        }
        Ok(())
    });
}

#[test]
fn a_concurrent_role_change_and_row_creation_do_not_both_succeed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = queries::demo_centres(app).await?;
        for _ in 0..8 {
            let user = fixtures::create_user(app, &admin, "tutor", home).await?;
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
