//! Tests the future lessons of tutors and students who are deactivated or deleted.

use http::Method;
use serde_json::json;
use tests::{class_fixture, fixtures, help_desk, queries, role, run};

use super::{
    REMOVAL_ACTIONS, class_body, count_future_lessons, family, remove, undo_removal, user_of,
};

#[test]
fn a_tutor_with_future_lessons_cannot_be_deactivated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture::class_fixture(app).await?;
        for removal_action in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            app.post(&admin, &path, json!({"tutor_id": family.tutor}))
                .await?
                .expect(200);
            let class = class_fixture::create_class(app, &admin, class_body(&family, &[])).await?;
            let before = queries::write_counters(app).await?;
            let rejected = remove(app, &admin, family.tutor_user, removal_action)
                .await?
                .expect(409);
            for part in [
                "upcoming lessons: 8",
                class["id"].as_str().unwrap_or_default(),
                "students assigned to them: 1",
            ] {
                assert!(rejected.text.contains(part), "{}", rejected.text);
            }
            app.delete(&admin, &format!("/v1/tutors/{}", family.tutor))
                .await?
                .expect(409);
            assert_eq!(queries::write_counters(app).await?, before);

            app.patch(
                &admin,
                &class_fixture::class_path(&class),
                json!({"tutor_id": fixture.other_tutor}),
            )
            .await?
            .expect(200);
            let rejected = remove(app, &admin, family.tutor_user, removal_action)
                .await?
                .expect(409);
            assert!(!rejected.text.contains("lessons"), "{}", rejected.text);
            app.post(&admin, &path, json!({"tutor_id": null}))
                .await?
                .expect(200);
            let removed = remove(app, &admin, family.tutor_user, removal_action).await?;
            assert!([200, 204].contains(&removed.status), "{}", removed.text);
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
        for removal_action in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let other = fixtures::create_student(app, &admin, family.centre).await?;
            let created = class_fixture::create_class(
                app,
                &admin,
                class_body(&family, &[family.student, other]),
            )
            .await?;
            assert_eq!(count_future_lessons(app, family.student).await?, 8);
            let removed = remove(app, &admin, family.student_user, removal_action).await?;
            assert!([200, 204].contains(&removed.status), "{}", removed.text);
            assert_eq!(
                (
                    count_future_lessons(app, family.student).await?,
                    count_future_lessons(app, other).await?
                ),
                (0, 8)
            );
            let class = app
                .get(&admin, &class_fixture::class_path(&created))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other]));

            // A user who was inactive before the deletion is restored as inactive, without lessons.
            if removal_action == "deactivate" {
                remove(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(204);
                undo_removal(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(200);
                assert_eq!(count_future_lessons(app, family.student).await?, 0);
            }
            undo_removal(app, &admin, family.student_user, removal_action)
                .await?
                .expect(200);
            assert_eq!(count_future_lessons(app, family.student).await?, 8);
            let class = app
                .get(&admin, &class_fixture::class_path(&created))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other, family.student]));
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&created)),
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
        let created =
            class_fixture::create_class(app, &admin, class_body(&family, &[family.student, other]))
                .await?;
        let path = class_fixture::class_path(&created);
        app.delete(&admin, &path).await?.expect(204);
        remove(app, &admin, family.student_user, "deactivate")
            .await?
            .expect(200);
        let reactivated =
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
        assert_eq!(
            reactivated.expect(200).json()["student_ids"],
            json!([other])
        );
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
            let (booked, removed) =
                tokio::join!(book, remove(app, &admin, family.tutor_user, "deactivate"));
            let (booked, removed) = (booked?.status, removed?.status);
            assert!(
                matches!((booked, removed), (201, 409) | (422, 200)),
                "{booked} {removed}"
            );
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            let other = fixtures::create_tutor(app, &admin, family.centre, 2).await?;
            let user = user_of(app, "tutors", other).await?;
            let (assigned, removed) = tokio::join!(
                app.post(&admin, &path, json!({"tutor_id": other})),
                remove(app, &admin, user, "delete")
            );
            let (assigned, removed) = (assigned?.status, removed?.status);
            assert!(
                matches!((assigned, removed), (200, 409) | (422, 204)),
                "{assigned} {removed}"
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
        let rejected = tests::data_subject::erase(app, &admin, family.tutor_user).await?;
        let rejected = rejected.expect(409);
        assert!(
            rejected.text.contains("upcoming lessons: 8"),
            "{}",
            rejected.text
        );
        Ok(())
    });
}
