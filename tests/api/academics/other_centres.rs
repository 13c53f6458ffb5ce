//! Moving to another centre: a student leaves the classes of the old one, and a tutor goes when nothing is left there to give.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{classroom, desk, people, role, rows, run};
use uuid::Uuid;

#[test]
fn a_student_who_moves_is_out_of_the_classes_and_without_the_tutor_of_the_old_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, away) = rows::centres(app).await?;
        let tutor = people::tutor(app, &admin, home, 5).await?;
        let student = people::student(app, &admin, home).await?;
        let other = people::student(app, &admin, home).await?;
        let path = format!("/v1/students/{student}");
        app.patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?
            .expect(200);
        let class = |rule: &str| {
            json!({
                "centre_id": home,
                "tutor_id": tutor,
                "student_ids": [student, other],
                "schedule": classroom::weekly(rule),
            })
        };
        let deleted = classroom::make(app, &admin, class("FREQ=WEEKLY;COUNT=2")).await?;
        app.delete(&admin, &classroom::path(&deleted))
            .await?
            .expect(204);
        let made = classroom::make(app, &admin, class("FREQ=WEEKLY;COUNT=4")).await?;

        let moved = app
            .patch(&admin, &path, json!({"centre_id": away}))
            .await?
            .expect(200)
            .json();
        assert_eq!(moved["assigned_tutor_id"], Value::Null);
        assert_eq!(people::miscounted(app).await?, 0);
        let booked = "lms.attendances where student_id = $1 and starts_at > now() and is_booked and deleted_at is null";
        assert_eq!(rows::count(app, booked, &[&student]).await?, 0);
        assert_eq!(rows::count(app, booked, &[&other]).await?, 4);
        let class = app.get(&admin, &classroom::path(&made)).await?.expect(200);
        assert_eq!(class.json()["student_ids"], json!([other]));
        // The class can be split and changed as before.
        let split = format!("{}/split", classroom::lesson(&made, classroom::THIRD));
        app.post(&admin, &split, json!({"room": "12"}))
            .await?
            .expect(201);
        app.delete(&admin, &classroom::path(&made))
            .await?
            .expect(204);
        // One that is restored brings the student not back.
        let restore = format!("{}/restore", classroom::path(&deleted));
        let back = classroom::act(app, &admin, &restore).await?.expect(200);
        assert_eq!(back.json()["student_ids"], json!([other]));
        assert_eq!(rows::count(app, booked, &[&student]).await?, 0);
        Ok(())
    });
}

#[test]
fn a_student_keeps_a_tutor_who_is_at_the_new_centre_or_is_named_with_the_move() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, away) = rows::centres(app).await?;
        let there = people::tutor(app, &admin, away, 5).await?;
        let here = people::tutor(app, &admin, home, 5).await?;
        let student = people::student(app, &admin, home).await?;
        let path = format!("/v1/students/{student}");
        let change = async |change: Value| -> Result<Value> {
            let changed = app.patch(&admin, &path, change).await?.expect(200);
            Ok(changed.json()["assigned_tutor_id"].clone())
        };
        change(json!({"assigned_tutor_id": there})).await?;
        assert_eq!(change(json!({"centre_id": away})).await?, json!(there));
        let both = json!({"centre_id": home, "assigned_tutor_id": here});
        assert_eq!(change(both).await?, json!(here));
        assert_eq!(change(json!({"dob": "2015-01-01"})).await?, json!(here));
        assert_eq!(people::miscounted(app).await?, 0);
        Ok(())
    });
}

#[test]
fn a_tutor_moves_when_lessons_and_students_of_the_old_centre_are_given_to_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom::classroom(app).await?;
        let tutor = people::tutor(app, &admin, room.centre, 5).await?;
        let student = people::student(app, &admin, room.centre).await?;
        let pupil = format!("/v1/students/{student}");
        app.patch(&admin, &pupil, json!({"assigned_tutor_id": tutor}))
            .await?
            .expect(200);
        let class = json!({
            "centre_id": room.centre,
            "tutor_id": tutor,
            "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=4"),
        });
        let class = classroom::make(app, &admin, class).await?;
        let path = format!("/v1/tutors/{tutor}");
        let moved = json!({"centre_id": room.away});
        let before = rows::written(app).await?;
        let refused = app.patch(&admin, &path, moved.clone()).await?.expect(409);
        assert_eq!(refused.pointers(), ["/centre_id"]);
        for part in [
            "upcoming lessons",
            class["id"].as_str().unwrap_or_default(),
            "students assigned to them",
            &student.to_string(),
        ] {
            assert!(refused.text.contains(part), "{}", refused.text);
        }
        assert_eq!(rows::written(app).await?, before);
        app.patch(
            &admin,
            &classroom::path(&class),
            json!({"tutor_id": room.colleague}),
        )
        .await?
        .expect(200);
        let refused = app.patch(&admin, &path, moved.clone()).await?.expect(409);
        assert!(!refused.text.contains("lessons"), "{}", refused.text);
        app.patch(&admin, &pupil, json!({"assigned_tutor_id": null}))
            .await?
            .expect(200);
        app.patch(&admin, &path, moved).await?.expect(200);
        Ok(())
    });
}

#[test]
fn requests_of_the_old_centre_are_nobodys_when_a_member_of_the_staff_moves() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, away) = rows::centres(app).await?;
        let staff = desk::staff(app, &admin, "support", home).await?;
        let request = desk::ask(app, &admin).await?;
        let path = format!("{}/assign", desk::path(&request));
        app.post(&admin, &path, json!({"staff_id": staff}))
            .await?
            .expect(200);
        let desk_of = async |centre: Option<Uuid>| -> Result<Value> {
            let path = format!("/v1/staff/{staff}");
            app.patch(&admin, &path, json!({"centre_id": centre}))
                .await?
                .expect(200);
            let read = app.get(&admin, &desk::path(&request)).await?.expect(200);
            Ok(read.json()["assigned_to"].clone())
        };
        // Without a centre one works for all of them.
        assert_eq!(desk_of(None).await?, json!(staff));
        assert_eq!(desk_of(Some(away)).await?, Value::Null);
        assert_eq!(desk_of(Some(home)).await?, Value::Null);
        Ok(())
    });
}
