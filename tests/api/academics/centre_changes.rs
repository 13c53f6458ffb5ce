//! Tests moving a student, a tutor or a staff member to another centre.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{class_fixture, fixtures, help_desk, queries, role, run};
use uuid::Uuid;

#[test]
fn a_student_who_changes_centres_leaves_the_classes_and_the_tutor_of_the_old_one() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let other = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/students/{student}");
        app.patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?
            .expect(200);
        let class = |rule: &str| {
            json!({
                "centre_id": own_centre,
                "tutor_id": tutor,
                "student_ids": [student, other],
                "schedule": class_fixture::weekly_schedule(rule),
            })
        };
        let deleted =
            class_fixture::create_class(app, &admin, class("FREQ=WEEKLY;COUNT=2")).await?;
        app.delete(&admin, &class_fixture::class_path(&deleted))
            .await?
            .expect(204);
        let created =
            class_fixture::create_class(app, &admin, class("FREQ=WEEKLY;COUNT=4")).await?;

        let moved = app
            .patch(&admin, &path, json!({"centre_id": other_centre}))
            .await?
            .expect(200)
            .json();
        assert_eq!(moved["assigned_tutor_id"], Value::Null);
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        let booked = "lms.attendances where student_id = $1 and starts_at > now() and is_booked and deleted_at is null";
        assert_eq!(queries::count(app, booked, &[&student]).await?, 0);
        assert_eq!(queries::count(app, booked, &[&other]).await?, 4);
        let class = app
            .get(&admin, &class_fixture::class_path(&created))
            .await?
            .expect(200);
        assert_eq!(class.json()["student_ids"], json!([other]));
        // The class can still be split and deleted.
        let split = format!(
            "{}/split",
            class_fixture::lesson_path(&created, class_fixture::THIRD_MONDAY)
        );
        app.post(&admin, &split, json!({"room": "12"}))
            .await?
            .expect(201);
        app.delete(&admin, &class_fixture::class_path(&created))
            .await?
            .expect(204);
        // A restored class does not bring the student back.
        let restore = format!("{}/restore", class_fixture::class_path(&deleted));
        let back = class_fixture::post_without_body(app, &admin, &restore)
            .await?
            .expect(200);
        assert_eq!(back.json()["student_ids"], json!([other]));
        assert_eq!(queries::count(app, booked, &[&student]).await?, 0);
        Ok(())
    });
}

#[test]
fn a_student_keeps_a_tutor_of_the_new_centre_or_gets_the_tutor_named_in_the_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let other_centre_tutor = fixtures::create_tutor(app, &admin, other_centre, 5).await?;
        let own_centre_tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/students/{student}");
        let change = async |change: Value| -> Result<Value> {
            let changed = app.patch(&admin, &path, change).await?.expect(200);
            Ok(changed.json()["assigned_tutor_id"].clone())
        };
        change(json!({"assigned_tutor_id": other_centre_tutor})).await?;
        assert_eq!(
            change(json!({"centre_id": other_centre})).await?,
            json!(other_centre_tutor)
        );
        let both = json!({"centre_id": own_centre, "assigned_tutor_id": own_centre_tutor});
        assert_eq!(change(both).await?, json!(own_centre_tutor));
        assert_eq!(
            change(json!({"dob": "2015-01-01"})).await?,
            json!(own_centre_tutor)
        );
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        Ok(())
    });
}

#[test]
fn a_tutor_changes_centres_only_without_future_lessons_and_students() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture::class_fixture(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, fixture.centre, 5).await?;
        let student = fixtures::create_student(app, &admin, fixture.centre).await?;
        let pupil = format!("/v1/students/{student}");
        app.patch(&admin, &pupil, json!({"assigned_tutor_id": tutor}))
            .await?
            .expect(200);
        let class = json!({
            "centre_id": fixture.centre,
            "tutor_id": tutor,
            "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=4"),
        });
        let class = class_fixture::create_class(app, &admin, class).await?;
        let path = format!("/v1/tutors/{tutor}");
        let moved = json!({"centre_id": fixture.other_centre});
        let before = queries::write_counters(app).await?;
        let rejected = app.patch(&admin, &path, moved.clone()).await?.expect(409);
        assert_eq!(rejected.pointers(), ["/centre_id"]);
        for part in [
            "upcoming lessons",
            class["id"].as_str().unwrap_or_default(),
            "students assigned to them",
            &student.to_string(),
        ] {
            assert!(rejected.text.contains(part), "{}", rejected.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        app.patch(
            &admin,
            &class_fixture::class_path(&class),
            json!({"tutor_id": fixture.other_tutor}),
        )
        .await?
        .expect(200);
        let rejected = app.patch(&admin, &path, moved.clone()).await?.expect(409);
        assert!(!rejected.text.contains("lessons"), "{}", rejected.text);
        app.patch(&admin, &pupil, json!({"assigned_tutor_id": null}))
            .await?
            .expect(200);
        app.patch(&admin, &path, moved).await?.expect(200);
        Ok(())
    });
}

#[test]
fn requests_of_the_old_centre_are_unassigned_when_staff_change_centres() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", own_centre).await?;
        let request = help_desk::create_request(app, &admin).await?;
        let path = format!("{}/assign", help_desk::request_path(&request));
        app.post(&admin, &path, json!({"staff_id": staff}))
            .await?
            .expect(200);
        let assignee_after_change = async |centre: Option<Uuid>| -> Result<Value> {
            let path = format!("/v1/staff/{staff}");
            app.patch(&admin, &path, json!({"centre_id": centre}))
                .await?
                .expect(200);
            let read = app
                .get(&admin, &help_desk::request_path(&request))
                .await?
                .expect(200);
            Ok(read.json()["assigned_to"].clone())
        };
        // Staff without a centre work for all of them.
        assert_eq!(assignee_after_change(None).await?, json!(staff));
        assert_eq!(
            assignee_after_change(Some(other_centre)).await?,
            Value::Null
        );
        assert_eq!(assignee_after_change(Some(own_centre)).await?, Value::Null);
        Ok(())
    });
}
