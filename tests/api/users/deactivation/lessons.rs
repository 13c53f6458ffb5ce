//! Tests the future lessons of tutors and students who are deactivated or deleted.

use http::Method;
use serde_json::json;
use tests::{class_fixture, fixtures, help_desk, queries, role, run};

use super::{
    REMOVAL_ACTIONS, bring_back, class_body, count_future_lessons, family, remove, user_of,
};

#[test]
fn a_tutor_with_future_lessons_cannot_be_deactivated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = class_fixture::class_fixture(app).await?;
        for way in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            app.post(&admin, &path, json!({"tutor_id": family.tutor}))
                .await?
                .expect(200);
            let class = class_fixture::create_class(app, &admin, class_body(&family, &[])).await?;
            let before = queries::write_marks(app).await?;
            let refused = remove(app, &admin, family.tutor_user, way)
                .await?
                .expect(409);
            for part in [
                "upcoming lessons: 8",
                class["id"].as_str().unwrap_or_default(),
                "students assigned to them: 1",
            ] {
                assert!(refused.text.contains(part), "{}", refused.text);
            }
            app.delete(&admin, &format!("/v1/tutors/{}", family.tutor))
                .await?
                .expect(409);
            assert_eq!(queries::write_marks(app).await?, before);

            app.patch(
                &admin,
                &class_fixture::class_path(&class),
                json!({"tutor_id": room.other_tutor}),
            )
            .await?
            .expect(200);
            let refused = remove(app, &admin, family.tutor_user, way)
                .await?
                .expect(409);
            assert!(!refused.text.contains("lessons"), "{}", refused.text);
            app.post(&admin, &path, json!({"tutor_id": null}))
                .await?
                .expect(200);
            let done = remove(app, &admin, family.tutor_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&class)),
            )
            .await?
            .expect(200);
        }
        // A class without an end gets future lessons from the worker.
        let family = family(app, &admin).await?;
        let mut endless = class_body(&family, &[]);
        endless["schedule"] = class_fixture::recurring_schedule(
            "UTC",
            "2026-01-05T05:00:00",
            "2026-01-05T06:00:00",
            "FREQ=YEARLY",
        );
        class_fixture::create_class(app, &admin, endless).await?;
        remove(app, &admin, family.tutor_user, "delete")
            .await?
            .expect(409);
        Ok(())
    });
}

#[test]
fn a_deactivated_student_leaves_future_lessons_and_rejoins_them_when_reactivated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for way in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let other = fixtures::create_student(app, &admin, family.centre).await?;
            let made = class_fixture::create_class(
                app,
                &admin,
                class_body(&family, &[family.student, other]),
            )
            .await?;
            assert_eq!(count_future_lessons(app, family.student).await?, 8);
            let done = remove(app, &admin, family.student_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            assert_eq!(
                (
                    count_future_lessons(app, family.student).await?,
                    count_future_lessons(app, other).await?
                ),
                (0, 8)
            );
            let class = app
                .get(&admin, &class_fixture::class_path(&made))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other]));

            // A user who was inactive before the deletion is restored as inactive, without lessons.
            if way == "deactivate" {
                remove(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(204);
                bring_back(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(200);
                assert_eq!(count_future_lessons(app, family.student).await?, 0);
            }
            bring_back(app, &admin, family.student_user, way)
                .await?
                .expect(200);
            assert_eq!(count_future_lessons(app, family.student).await?, 8);
            let class = app
                .get(&admin, &class_fixture::class_path(&made))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other, family.student]));
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&made)),
            )
            .await?
            .expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_restored_class_does_not_bring_back_students_who_have_left() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        let other = fixtures::create_student(app, &admin, family.centre).await?;
        let made =
            class_fixture::create_class(app, &admin, class_body(&family, &[family.student, other]))
                .await?;
        let path = class_fixture::class_path(&made);
        app.delete(&admin, &path).await?.expect(204);
        remove(app, &admin, family.student_user, "deactivate")
            .await?
            .expect(200);
        let back =
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
        assert_eq!(back.expect(200).json()["student_ids"], json!([other]));
        assert_eq!(count_future_lessons(app, family.student).await?, 0);
        assert_eq!(count_future_lessons(app, other).await?, 8);
        Ok(())
    });
}

#[test]
fn a_concurrent_deactivation_and_booking_do_not_both_succeed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for _ in 0..8 {
            let family = family(app, &admin).await?;
            let book = app.call(
                Some(&admin),
                Method::POST,
                "/v1/classes",
                Some(class_body(&family, &[])),
            );
            let (booked, left) =
                tokio::join!(book, remove(app, &admin, family.tutor_user, "deactivate"));
            let (booked, left) = (booked?.status, left?.status);
            assert!(
                matches!((booked, left), (201, 409) | (422, 200)),
                "{booked} {left}"
            );
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            let other = fixtures::create_tutor(app, &admin, family.centre, 2).await?;
            let user = user_of(app, "tutors", other).await?;
            let (given, left) = tokio::join!(
                app.post(&admin, &path, json!({"tutor_id": other})),
                remove(app, &admin, user, "delete")
            );
            let (given, left) = (given?.status, left?.status);
            assert!(
                matches!((given, left), (200, 409) | (422, 204)),
                "{given} {left}"
            );
        }
        Ok(())
    });
}

#[test]
fn erasure_is_blocked_only_by_future_lessons_with_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        let item = help_desk::create_item(app, &admin, family.centre, 2).await?;
        help_desk::lend_item(app, &admin, &item, family.student_user, 1)
            .await?
            .expect(201);
        class_fixture::create_class(app, &admin, class_body(&family, &[family.student])).await?;
        tests::data_subject::erase(app, &admin, family.student_user)
            .await?
            .expect(200);
        assert_eq!(count_future_lessons(app, family.student).await?, 0);
        let refused = tests::data_subject::erase(app, &admin, family.tutor_user).await?;
        let refused = refused.expect(409);
        assert!(
            refused.text.contains("upcoming lessons: 8"),
            "{}",
            refused.text
        );
        Ok(())
    });
}
