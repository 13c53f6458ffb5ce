//! Classes: the plain verbs, status moves, and what is refused.

use serde_json::{Value, json};
use tests::{
    Application,
    classroom::{act, classroom, lessons, make, path, series, single, texts},
    role, rows, run,
};

/// Who is enrolled in a class, by the table that student_ids is kept equal to.
pub(crate) async fn enrolled(app: &Application, class: &Value) -> anyhow::Result<Vec<String>> {
    rows::texts(
        app,
        "select student_id::text from lms.enrolments where class_id = $1::text::uuid and deleted_at is null order by 1",
        &[&class["id"].as_str().unwrap_or_default()],
    )
    .await
}

#[test]
fn a_class_is_made_read_changed_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let schedule = series(
            "Europe/London",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        let body = json!({
            "centre_id": room.centre,
            "tutor_id": room.tutor,
            "student_ids": room.students[..2],
            "schedule": schedule,
            "subject": "Latin",
            "level": "Beginners",
            "room": "Blue",
            "meeting_provider": "zoom",
            "meeting_url": "https://zoom.us/j/123?pwd=abc",
        });
        let made = app
            .post(&admin, "/v1/classes", body.clone())
            .await?
            .expect(201);
        let class = made.json();
        assert_eq!(made.header("location"), path(&class));
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
            app.get(&admin, &path(&class)).await?.expect(200).json(),
            class
        );
        let changed = json!({
            "level": null, "room": "Red", "meeting_provider": null, "meeting_url": null,
            "schedule": single("UTC", "2035-05-01T09:00:00", "2035-05-01T10:00:00"),
        });
        let changed = app
            .patch(&admin, &path(&class), changed)
            .await?
            .expect(200)
            .json();
        assert_eq!(
            changed["schedule"],
            single("UTC", "2035-05-01T09:00:00", "2035-05-01T10:00:00")
        );
        assert_eq!(
            (&changed["level"], &changed["room"], &changed["meeting_url"]),
            (&Value::Null, &json!("Red"), &Value::Null)
        );
        assert_eq!(lessons(app, &admin, &class).await?.len(), 1);
        app.delete(&admin, &path(&class)).await?.expect(204);
        app.get(&admin, &path(&class)).await?.expect(404);
        app.get(&admin, &format!("{}/occurrences", path(&class)))
            .await?
            .expect(404);
        act(app, &admin, &format!("{}/restore", path(&class)))
            .await?
            .expect(200);
        assert_eq!(lessons(app, &admin, &class).await?.len(), 1);
        Ok(())
    });
}

#[test]
fn the_students_of_a_class_are_its_enrolments() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut body = room.class(series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=2",
        ));
        body["student_ids"] = json!(room.students[..2]);
        let class = make(app, &admin, body).await?;
        let sorted = |students: &[uuid::Uuid]| {
            let mut ids: Vec<String> = students.iter().map(ToString::to_string).collect();
            ids.sort();
            ids
        };
        assert_eq!(enrolled(app, &class).await?, sorted(&room.students[..2]));
        app.patch(
            &admin,
            &path(&class),
            json!({"student_ids": room.students[1..4]}),
        )
        .await?
        .expect(200);
        assert_eq!(enrolled(app, &class).await?, sorted(&room.students[1..4]));
        let booked = "lms.attendances where class_id = $1::text::uuid and deleted_at is null";
        let id = class["id"].as_str().unwrap_or_default();
        assert_eq!(rows::count(app, booked, &[&id]).await?, 6);
        app.delete(&admin, &path(&class)).await?.expect(204);
        assert!(enrolled(app, &class).await?.is_empty());
        assert_eq!(rows::count(app, booked, &[&id]).await?, 0);
        act(app, &admin, &format!("{}/restore", path(&class)))
            .await?
            .expect(200);
        assert_eq!(enrolled(app, &class).await?, sorted(&room.students[1..4]));
        assert_eq!(rows::count(app, booked, &[&id]).await?, 6);
        app.patch(&admin, &path(&class), json!({"student_ids": []}))
            .await?
            .expect(200);
        assert_eq!(rows::count(app, booked, &[&id]).await?, 0);
        Ok(())
    });
}

#[test]
fn what_a_class_refers_to_is_there_and_students_are_of_its_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let far = rows::id(
            app,
            "select id from lms.students where tenant_id = $1 and centre_id = $2",
            &[&admin.tenant, &room.away],
        )
        .await?;
        let (student, tutor, centre) = (
            rows::any(app, 1, "students").await?,
            rows::any(app, 1, "tutors").await?,
            rows::any(app, 1, "centres").await?,
        );
        let hour = room.class(single("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00"));
        let class = make(
            app,
            &admin,
            room.class(single("UTC", "2035-04-03T16:00:00", "2035-04-03T17:00:00")),
        )
        .await?;
        let before = rows::written(app).await?;
        for (field, value, pointer) in [
            (
                "student_ids",
                json!([room.students[0], far]),
                "/student_ids",
            ),
            ("student_ids", json!([student]), "/student_ids"),
            ("student_ids", json!([room.tutor]), "/student_ids"),
            ("student_ids", json!(["x"]), "/student_ids/0"),
            (
                "student_ids",
                json!([room.students[0], room.students[0]]),
                "/student_ids/1",
            ),
            ("student_ids", json!(room.students[0]), "/student_ids"),
            ("tutor_id", json!(tutor), "/tutor_id"),
            ("tutor_id", json!(null), "/tutor_id"),
            ("centre_id", json!(centre), "/centre_id"),
            ("centre_id", json!(room.away), "/student_ids"),
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
                .patch(&admin, &path(&class), json!({field: value}))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{field} {value}");
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_tutor_without_the_subject_is_a_warning() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        rows::execute(
            app,
            "update lms.tutors set subjects = '[{\"subject\": \"Maths\", \"level\": \"GCSE\"}, {\"subject\": \"Latin\"}]' where id = $1",
            &[&room.tutor],
        )
        .await?;
        let class = make(
            app,
            &admin,
            room.class(single("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00")),
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
                    &path(&class),
                    json!({"subject": subject, "level": level}),
                )
                .await?
                .expect(200)
                .json();
            assert_eq!(changed["warnings"], expected, "{subject} {level}");
        }
        app.patch(&admin, &path(&class), json!({"subject": "Maths"}))
            .await?
            .expect(200);
        let changed = app
            .patch(&admin, &path(&class), json!({"tutor_id": room.colleague}))
            .await?
            .expect(200)
            .json();
        assert_eq!(changed["warnings"], odd);
        Ok(())
    });
}

#[test]
fn a_class_of_which_no_lesson_has_begun_is_not_completed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let ahead = room.class(single("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00"));
        let ahead = make(app, &admin, ahead).await?;
        let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
        let off = room.class(single(
            "UTC",
            &format!("{yesterday}T03:00:00"),
            &format!("{yesterday}T04:00:00"),
        ));
        let off = make(app, &admin, off).await?;
        let lesson = tests::classroom::lesson(&off, &format!("{yesterday}T03:00:00Z"));
        act(app, &admin, &format!("{lesson}/cancel"))
            .await?
            .expect(200);
        let before = rows::written(app).await?;
        for class in [&ahead, &off] {
            let reply = act(app, &admin, &format!("{}/complete", path(class)))
                .await?
                .expect(409);
            assert_eq!(reply.pointers(), ["/status"]);
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_class_moves_from_scheduled_to_cancelled_or_completed_and_no_further() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let yesterday = (chrono::Utc::now().date_naive() - chrono::Days::new(1)).to_string();
        for (day, first) in [("2035-04-02", "cancel"), (yesterday.as_str(), "complete")] {
            let class = room.class(single(
                "UTC",
                &format!("{day}T03:00:00"),
                &format!("{day}T04:00:00"),
            ));
            let class = make(app, &admin, class).await?;
            let done = act(app, &admin, &format!("{}/{first}", path(&class)))
                .await?
                .expect(200);
            let status = if first == "cancel" {
                "cancelled"
            } else {
                "completed"
            };
            assert_eq!(done.json()["status"], status);
            assert_eq!(done.header("etag"), "\"2\"");
            assert_eq!(
                texts(&lessons(app, &admin, &class).await?, "status"),
                [status]
            );
            for next in ["cancel", "complete"] {
                let reply = act(app, &admin, &format!("{}/{next}", path(&class)))
                    .await?
                    .expect(409);
                assert_eq!(reply.pointers(), ["/status"]);
            }
            for patch in [
                json!({"schedule": single("UTC", "2035-04-09T16:00:00", "2035-04-09T17:00:00")}),
                json!({"tutor_id": room.colleague}),
                json!({"student_ids": []}),
                json!({"room": "Blue"}),
            ] {
                let reply = app.patch(&admin, &path(&class), patch).await?.expect(409);
                assert_eq!(reply.pointers(), ["/status"]);
            }
            app.patch(&admin, &path(&class), json!({"subject": "Latin"}))
                .await?
                .expect(200);
        }
        act(app, &admin, &format!("/v1/classes/{}/cancel", room.tutor))
            .await?
            .expect(404);
        let class = make(
            app,
            &admin,
            room.class(single("UTC", "2035-04-04T16:00:00", "2035-04-04T17:00:00")),
        )
        .await?;
        app.post(
            &admin,
            &format!("{}/cancel", path(&class)),
            json!({"reason": "Flood"}),
        )
        .await?
        .expect(200);
        assert_eq!(lessons(app, &admin, &class).await?[0]["reason"], "Flood");
        app.post(
            &admin,
            &format!("{}/cancel", path(&class)),
            json!({"why": "Flood"}),
        )
        .await?
        .expect(422);
        Ok(())
    });
}
