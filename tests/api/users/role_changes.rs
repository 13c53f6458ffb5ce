//! Tests that a role does not change while a student, tutor or staff row requires it.

use serde_json::json;
use tests::{class_fixture, fixtures, help_desk, queries, role, run};

#[test]
fn a_role_cannot_change_while_a_row_requires_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
        for (table, row, others) in [
            ("students", student, ["parent", "tutor"]),
            ("tutors", tutor, ["parent", "support"]),
            ("staff", staff, ["parent", "student"]),
        ] {
            let sql = format!("select user_id from lms.{table} where id = $1");
            let user = queries::fetch_id(app, &sql, &[&row]).await?;
            let account = format!("/v1/users/{user}");
            let path = format!("/v1/{table}/{row}");
            let before = queries::write_counters(app).await?;
            for role in others {
                let rejected = app.patch(&admin, &account, json!({"role": role})).await?;
                let rejected = rejected.expect(409);
                assert_eq!(rejected.pointers(), ["/role"], "{table} {role}");
                assert!(
                    rejected.text.contains(&row.to_string()),
                    "{}",
                    rejected.text
                );
            }
            assert_eq!(queries::write_counters(app).await?, before);
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
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let class = json!({
            "centre_id": own_centre,
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
        let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
        let sql = "select user_id from lms.staff where id = $1";
        let user = queries::fetch_id(app, sql, &[&staff]).await?;
        for role in ["assessor", "supervisor", "tutor", "support"] {
            app.patch(&admin, &format!("/v1/users/{user}"), json!({"role": role}))
                .await?
                .expect(200);
        }
        for role in ["student", "parent"] {
            let user = fixtures::create_user(app, &admin, role, own_centre).await?;
            let body = json!({"user_id": user, "centre_id": own_centre});
            let rejected = app.post(&admin, "/v1/staff", body).await?.expect(422);
            assert_eq!(rejected.pointers(), ["/user_id"]);
        }
        Ok(())
    });
}

#[test]
fn a_concurrent_role_change_and_row_creation_do_not_both_succeed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for _ in 0..8 {
            let user = fixtures::create_user(app, &admin, "tutor", own_centre).await?;
            let account = format!("/v1/users/{user}");
            let (created, changed) = tokio::join!(
                app.post(
                    &admin,
                    "/v1/tutors",
                    json!({"user_id": user, "centre_id": own_centre})
                ),
                app.patch(&admin, &account, json!({"role": "support"}))
            );
            let (created, changed) = (created?.status, changed?.status);
            assert!(
                matches!((created, changed), (201, 409) | (422, 200)),
                "{created} {changed}"
            );
        }
        Ok(())
    });
}
