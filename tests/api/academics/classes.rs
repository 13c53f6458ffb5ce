//! Tests classes: the standard verbs, status transitions and invalid input.

use serde_json::{Value, json};
use tests::{
    Application,
    class_fixture::{
        class_fixture, class_path, create_class, get_lessons, post_without_body,
        recurring_schedule, single_schedule,
    },
    queries, role, run,
};

/// Returns the enrolled students of a class, from the table that `student_ids` is synchronized with.
pub(crate) async fn enrolled(app: &Application, class: &Value) -> anyhow::Result<Vec<String>> {
    queries::fetch_texts(
        app,
        "select student_id::text from lms.enrolments where class_id = $1::text::uuid and deleted_at is null order by 1",
        &[&class["id"].as_str().unwrap_or_default()],
    )
    .await
}

#[test]
fn a_class_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let schedule = recurring_schedule(
            "Europe/London",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        let body = json!({
            "centre_id": fixture.centre,
            "tutor_id": fixture.tutor,
            "student_ids": fixture.students[..2],
            "schedule": schedule,
            "subject": "Latin",
            "level": "Beginners",
            "room": "Blue",
            "meeting_provider": "zoom",
            "meeting_url": "https://zoom.us/j/123?pwd=abc",
        });
        let created = app
            .post(&admin, "/v1/classes", body.clone())
            .await?
            .expect(201);
        let class = created.json();
        assert_eq!(created.header("location"), class_path(&class));
        let mut expected = body;
        for (name, value) in [
            ("id", class["id"].clone()),
            ("status", json!("scheduled")),
            ("warnings", json!(["tutor_without_subject"])),
            ("planned_until", Value::Null),
            ("created_at", class["created_at"].clone()),
            ("updated_at", class["created_at"].clone()),
            ("created_by", json!(admin.user)),
            ("updated_by", json!(admin.user)),
            ("deleted_at", Value::Null),
        ] {
            expected[name] = value;
        }
        assert_eq!(class, expected);
        assert_eq!(
            app.get(&admin, &class_path(&class))
                .await?
                .expect(200)
                .json(),
            class
        );
        let changed = json!({
            "level": null, "room": "Red", "meeting_provider": null, "meeting_url": null,
            "schedule": single_schedule("UTC", "2035-05-01T09:00:00", "2035-05-01T10:00:00"),
        });
        let changed = app
            .patch(&admin, &class_path(&class), changed)
            .await?
            .expect(200)
            .json();
        assert_eq!(
            changed["schedule"],
            single_schedule("UTC", "2035-05-01T09:00:00", "2035-05-01T10:00:00")
        );
        assert_eq!(
            (&changed["level"], &changed["room"], &changed["meeting_url"]),
            (&Value::Null, &json!("Red"), &Value::Null)
        );
        assert_eq!(get_lessons(app, &admin, &class).await?.len(), 1);
        app.delete(&admin, &class_path(&class)).await?.expect(204);
        app.get(&admin, &class_path(&class)).await?.expect(404);
        app.get(&admin, &format!("{}/occurrences", class_path(&class)))
            .await?
            .expect(404);
        post_without_body(app, &admin, &format!("{}/restore", class_path(&class)))
            .await?
            .expect(200);
        assert_eq!(get_lessons(app, &admin, &class).await?.len(), 1);
        Ok(())
    });
}

#[test]
fn the_students_of_a_class_are_its_enrolments() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut body = fixture.class_body(recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=2",
        ));
        body["student_ids"] = json!(fixture.students[..2]);
        let class = create_class(app, &admin, body).await?;
        let sorted = |students: &[uuid::Uuid]| {
            let mut ids: Vec<String> = students.iter().map(ToString::to_string).collect();
            ids.sort();
            ids
        };
        assert_eq!(enrolled(app, &class).await?, sorted(&fixture.students[..2]));
        app.patch(
            &admin,
            &class_path(&class),
            json!({"student_ids": fixture.students[1..4]}),
        )
        .await?
        .expect(200);
        assert_eq!(
            enrolled(app, &class).await?,
            sorted(&fixture.students[1..4])
        );
        let booked = "lms.attendances where class_id = $1::text::uuid and deleted_at is null";
        let id = class["id"].as_str().unwrap_or_default();
        assert_eq!(queries::count(app, booked, &[&id]).await?, 6);
        app.delete(&admin, &class_path(&class)).await?.expect(204);
        assert!(enrolled(app, &class).await?.is_empty());
        assert_eq!(queries::count(app, booked, &[&id]).await?, 0);
        post_without_body(app, &admin, &format!("{}/restore", class_path(&class)))
            .await?
            .expect(200);
        assert_eq!(
            enrolled(app, &class).await?,
            sorted(&fixture.students[1..4])
        );
        assert_eq!(queries::count(app, booked, &[&id]).await?, 6);
        app.patch(&admin, &class_path(&class), json!({"student_ids": []}))
            .await?
            .expect(200);
        assert_eq!(queries::count(app, booked, &[&id]).await?, 0);
        Ok(())
    });
}

#[test]
fn invalid_classes_are_rejected_with_the_field() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let other_centre_student = queries::fetch_id(
            app,
            "select id from lms.students where tenant_id = $1 and centre_id = $2",
            &[&admin.tenant, &fixture.other_centre],
        )
        .await?;
        let (student, tutor, centre) = (
            queries::first_id(app, 1, "students").await?,
            queries::first_id(app, 1, "tutors").await?,
            queries::first_id(app, 1, "centres").await?,
        );
        let hour = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
        ));
        let class = create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(
                "UTC",
                "2035-04-03T16:00:00",
                "2035-04-03T17:00:00",
            )),
        )
        .await?;
        let before = queries::write_counters(app).await?;
        for (field, value, pointer) in [
            (
                "student_ids",
                json!([fixture.students[0], other_centre_student]),
                "/student_ids",
            ),
            ("student_ids", json!([student]), "/student_ids"),
            ("student_ids", json!([fixture.tutor]), "/student_ids"),
            ("student_ids", json!(["x"]), "/student_ids/0"),
            (
                "student_ids",
                json!([fixture.students[0], fixture.students[0]]),
                "/student_ids/1",
            ),
            ("student_ids", json!(fixture.students[0]), "/student_ids"),
            ("tutor_id", json!(tutor), "/tutor_id"),
            ("tutor_id", json!(null), "/tutor_id"),
            ("centre_id", json!(centre), "/centre_id"),
            ("centre_id", json!(fixture.other_centre), "/student_ids"),
            ("status", json!("completed"), "/status"),
            ("warnings", json!([]), "/warnings"),
            ("planned", json!([]), "/planned"),
            ("planned_until", json!(null), "/planned_until"),
            ("meeting_provider", json!("skype"), "/meeting_provider"),
            ("meeting_url", json!("http://zoom.us/j/1"), "/meeting_url"),
            ("meeting_url", json!("javascript:alert(1)"), "/meeting_url"),
            (
                "meeting_url",
                json!("https://ana:secret@zoom.us"),
                "/meeting_url",
            ),
            ("room", json!(""), "/room"),
        ] {
            let mut body = hour.clone();
            body[field] = value.clone();
            let reply = app.post(&admin, "/v1/classes", body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{field} {value}");
            let reply = app
                .patch(&admin, &class_path(&class), json!({field: value}))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{field} {value}");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_tutor_who_does_not_teach_the_subject_causes_a_warning() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        queries::execute(
            app,
            "update lms.tutors set subjects = '[{\"subject\": \"Maths\", \"level\": \"GCSE\"}, {\"subject\": \"Latin\"}]' where id = $1",
            &[&fixture.tutor],
        )
        .await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(
                "UTC",
                "2035-04-02T16:00:00",
                "2035-04-02T17:00:00",
            )),
        )
        .await?;
        assert_eq!(class["warnings"], json!([]), "without a subject");
        let odd = json!(["tutor_without_subject"]);
        for (subject, level, expected) in [
            (json!("maths"), json!("gcse"), json!([])),
            (json!("Maths"), json!("A level"), odd.clone()),
            (json!("Maths"), json!(null), json!([])),
            (json!("Latin"), json!("A level"), json!([])),
            (json!("Greek"), json!(null), odd.clone()),
        ] {
            let changed = app
                .patch(
                    &admin,
                    &class_path(&class),
                    json!({"subject": subject, "level": level}),
                )
                .await?
                .expect(200)
                .json();
            assert_eq!(changed["warnings"], expected, "{subject} {level}");
        }
        app.patch(&admin, &class_path(&class), json!({"subject": "Maths"}))
            .await?
            .expect(200);
        let changed = app
            .patch(
                &admin,
                &class_path(&class),
                json!({"tutor_id": fixture.other_tutor}),
            )
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["warnings"], odd);
        Ok(())
    });
}
