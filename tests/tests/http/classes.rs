//! Classes: the plain verbs, what is refused, and who sees and does what.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tests::{Application, Role, run};

use crate::classroom::{act, classroom, data, lessons, make, path, series, single, texts};
use crate::csv::import;
use crate::rows;

/// Who is enrolled in a class, by the table that student_ids is kept equal to.
async fn enrolled(app: &Application, class: &Value) -> anyhow::Result<Vec<String>> {
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
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
fn a_class_moves_from_scheduled_to_cancelled_or_completed_and_no_further() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let room = classroom(app).await?;
        for (day, first) in [("02", "cancel"), ("03", "complete")] {
            let class = room.class(single(
                "UTC",
                &format!("2035-04-{day}T16:00:00"),
                &format!("2035-04-{day}T17:00:00"),
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
                ["cancelled"]
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

#[test]
fn each_role_sees_the_classes_of_its_scope_and_of_them_what_it_may() {
    run(async |app| {
        let (home, _) = rows::centres(app).await?;
        for role in Role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                Role::Admin | Role::Finance | Role::Support => "true",
                Role::Supervisor | Role::Assessor => "c.centre_id = $2",
                Role::Tutor => "c.tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)",
                Role::Student | Role::Parent => {
                    "exists (
                      select from lms.students as s
                      where c.student_ids ? s.id::text
                        and (s.user_id = $3 or s.parent_id = $3 or exists (
                          select from lms.guardians as g where g.student_id = s.id and g.user_id = $3
                        ))
                    )"
                }
            };
            let sql = format!(
                "select c.id::text from lms.classes as c
                where c.tenant_id = $1 and {scope} and $2::uuid is not null and $3::uuid is not null"
            );
            let mut expected =
                rows::texts(app, &sql, &[&session.tenant, &home, &session.user]).await?;
            expected.sort();
            assert!(!expected.is_empty(), "{}", role.name());
            let mut classes = Vec::new();
            let mut query = "/v1/classes?limit=200".to_owned();
            loop {
                let body = app.get(&session, &query).await?.expect(200).json();
                classes.extend(body["data"].as_array().cloned().unwrap_or_default());
                match body["next_cursor"].as_str() {
                    Some(cursor) => query = format!("/v1/classes?limit=200&cursor={cursor}"),
                    None => break,
                }
            }
            let mut found = texts(&classes, "id");
            found.sort();
            assert_eq!(found, expected, "{}", role.name());
            let names: BTreeSet<&str> = classes[0]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            let learns = matches!(role, Role::Student | Role::Parent);
            assert_eq!(names.contains("student_ids"), !learns, "{}", role.name());
            assert!(!names.contains("planned") && !names.contains("planned_until"));
            let reply = app
                .get(&session, "/v1/classes?status=scheduled&sort=-created_at")
                .await?
                .expect(200);
            assert_eq!(reply.text.contains("student_ids"), !learns);
        }
        Ok(())
    });
}

#[test]
fn classes_are_written_by_tutors_supervisors_and_admins_in_their_scope() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let room = classroom(app).await?;
        let hour = |day: usize| {
            single(
                "UTC",
                &format!("2035-04-{day:02}T16:00:00"),
                &format!("2035-04-{day:02}T17:00:00"),
            )
        };
        let mut others = room.class(hour(28));
        others["tutor_id"] = json!(room.colleague);
        let others = make(app, &admin, others).await?;
        let mut far = room.lesson("2035-04-29T16:00:00", "2035-04-29T17:00:00");
        far["centre_id"] = json!(room.away);
        far["tutor_id"] = json!(room.colleague);
        let far = make(app, &admin, far).await?;
        for (index, role) in Role::ALL.into_iter().enumerate() {
            let session = app.sign_in(role).await?;
            let reply = app
                .post(&session, "/v1/classes", room.class(hour(index + 1)))
                .await?;
            if !matches!(role, Role::Tutor | Role::Supervisor | Role::Admin) {
                reply.expect(403);
                app.patch(&session, &path(&others), json!({"room": "Blue"}))
                    .await?
                    .expect(403);
                app.delete(&session, &path(&others)).await?.expect(403);
                for action in ["cancel", "complete", "restore"] {
                    act(app, &session, &format!("{}/{action}", path(&others)))
                        .await?
                        .expect(403);
                }
                continue;
            }
            let class = reply.expect(201).json();
            app.patch(&session, &path(&class), json!({"room": "Blue"}))
                .await?
                .expect(200);
            let at = format!(
                "{}/occurrences/2035-04-{:02}T16:00:00Z",
                path(&class),
                index + 1
            );
            let body = json!({"start": format!("2035-04-{:02}T17:00:00Z", index + 1), "end": format!("2035-04-{:02}T18:00:00Z", index + 1)});
            app.post(&session, &format!("{at}/move"), body)
                .await?
                .expect(200);
            app.delete(&session, &path(&class)).await?.expect(204);
            act(app, &session, &format!("{}/restore", path(&class)))
                .await?
                .expect(200);
            act(app, &session, &format!("{}/cancel", path(&class)))
                .await?
                .expect(200);
            let hidden: &[&Value] = match role {
                Role::Tutor => &[&others, &far],
                Role::Supervisor => &[&far],
                _ => &[],
            };
            let before = rows::written(app).await?;
            for class in hidden {
                app.get(&session, &path(class)).await?.expect(404);
                app.patch(&session, &path(class), json!({"room": "Blue"}))
                    .await?
                    .expect(404);
                app.delete(&session, &path(class)).await?.expect(404);
                act(app, &session, &format!("{}/cancel", path(class)))
                    .await?
                    .expect(404);
                app.get(&session, &format!("{}/occurrences", path(class)))
                    .await?
                    .expect(404);
                act(
                    app,
                    &session,
                    &format!("{}/occurrences/2035-04-28T16:00:00Z/cancel", path(class)),
                )
                .await?
                .expect(404);
                act(
                    app,
                    &session,
                    &format!("{}/occurrences/2035-04-28T16:00:00Z/split", path(class)),
                )
                .await?
                .expect(404);
            }
            assert_eq!(rows::written(app).await?, before);
        }
        // A tutor gives a class to nobody else, and a supervisor none to another centre.
        let tutor = app.sign_in(Role::Tutor).await?;
        let mut body = room.class(hour(20));
        body["tutor_id"] = json!(room.colleague);
        app.post(&tutor, "/v1/classes", body).await?.expect(422);
        let supervisor = app.sign_in(Role::Supervisor).await?;
        let mut body = room.lesson("2035-04-20T16:00:00", "2035-04-20T17:00:00");
        body["centre_id"] = json!(room.away);
        app.post(&supervisor, "/v1/classes", body)
            .await?
            .expect(403);
        Ok(())
    });
}

#[test]
fn classes_come_from_a_file_all_or_none() {
    run(async |app| {
        let supervisor = app.sign_in(Role::Supervisor).await?;
        let room = classroom(app).await?;
        let quoted = |value: Value| format!("\"{}\"", value.to_string().replace('"', "\"\""));
        let row = |day: u32, students: Value| {
            let day = format!("2035-04-{day:02}");
            let schedule = series(
                "UTC",
                &format!("{day}T16:00:00"),
                &format!("{day}T17:00:00"),
                "FREQ=WEEKLY;COUNT=3",
            );
            format!(
                "{},{},{},{},Reading\n",
                room.centre,
                room.tutor,
                quoted(students),
                quoted(schedule)
            )
        };
        let header = "centre_id,tutor_id,student_ids,schedule,subject\n";
        let file = format!(
            "{header}{}{}",
            row(2, json!([room.students[0]])),
            row(3, json!(room.students[..2]))
        );
        let before = rows::written(app).await?;
        let dry = import(
            app,
            &supervisor,
            "/v1/classes/import?dry_run=true",
            file.clone(),
        )
        .await?
        .expect(200)
        .json();
        assert_eq!(
            (&dry["created"], &dry["dry_run"]),
            (&json!(2), &json!(true))
        );
        // The second Monday and the first are the same tutor's.
        let clash = format!("{file}{}", row(9, json!([])));
        for query in ["?dry_run=true", ""] {
            let reply = import(
                app,
                &supervisor,
                &format!("/v1/classes/import{query}"),
                clash.clone(),
            )
            .await?
            .expect(409);
            assert_eq!(reply.pointers(), ["/tutor_id"], "{}", reply.text);
        }
        let far = rows::id(
            app,
            "select id from lms.students where tenant_id = $1 and centre_id = $2",
            &[&supervisor.tenant, &room.away],
        )
        .await?;
        let bad = format!(
            "{header}{}{},{},[],\"{{\"\"start\"\":1}}\",Reading\n",
            row(2, json!([far])),
            room.centre,
            room.tutor
        );
        let reply = import(app, &supervisor, "/v1/classes/import", bad)
            .await?
            .expect(422);
        assert_eq!(
            reply.pointers(),
            [
                "/3/schedule/start",
                "/3/schedule/end",
                "/3/schedule/time_zone"
            ],
            "{}",
            reply.text
        );
        let reply = import(
            app,
            &supervisor,
            "/v1/classes/import",
            format!("{header}{}", row(2, json!([far]))),
        )
        .await?
        .expect(422);
        assert_eq!(reply.pointers(), ["/2/student_ids"]);
        assert_eq!(rows::written(app).await?, before);
        let done = import(app, &supervisor, "/v1/classes/import", file)
            .await?
            .expect(201)
            .json();
        let first = json!({"id": done["rows"][0]["id"]});
        assert_eq!(lessons(app, &supervisor, &first).await?.len(), 3);
        assert_eq!(enrolled(app, &first).await?, [room.students[0].to_string()]);
        let tutor = app.sign_in(Role::Tutor).await?;
        import(app, &tutor, "/v1/classes/import", header)
            .await?
            .expect(403);
        let request = app
            .request(Method::GET, "/v1/classes")
            .bearer_auth(&supervisor.token)
            .header("accept", "text/csv");
        let sheet = tests::send(request).await?.expect(200);
        assert!(
            sheet
                .text
                .starts_with("id,centre_id,tutor_id,student_ids,schedule,status,subject,"),
            "{}",
            sheet.text
        );
        assert!(!sheet.text.contains("planned"));
        assert!(!data(app, &tutor, "/v1/classes").await?.is_empty());
        Ok(())
    });
}
