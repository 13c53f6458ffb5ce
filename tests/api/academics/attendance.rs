//! Tests the recording of attendance and the access to it.

use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    class_fixture::{
        class_fixture, class_path, create_class, get_data, get_lessons, lesson_path,
        post_without_body, recurring_schedule, single_schedule, text_fields,
    },
    queries, role, run,
};

async fn record_attendance(
    app: &Application,
    session: &Session,
    path: &str,
    students: Value,
) -> anyhow::Result<Reply> {
    app.call(
        Some(session),
        Method::PUT,
        path,
        Some(json!({"students": students})),
    )
    .await
}

#[test]
fn attendance_is_recorded_as_a_whole_and_read_back() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let fixture = class_fixture(app).await?;
        let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
        let mut class = fixture.class_body(single_schedule(
            "UTC",
            &format!("{yesterday}T03:00:00"),
            &format!("{yesterday}T04:00:00"),
        ));
        class["student_ids"] = json!(fixture.students[..4]);
        let admin = app.sign_in(role::ADMIN).await?;
        let class = create_class(app, &admin, class).await?;
        let start = format!("{yesterday}T03:00:00Z");
        let at = format!("{}/attendance", lesson_path(&class, &start));
        let before = get_data(app, &tutor, &at).await?;
        let mut ids: Vec<String> = fixture.students[..4]
            .iter()
            .map(ToString::to_string)
            .collect();
        ids.sort();
        assert_eq!(text_fields(&before, "student_id"), ids);
        assert!(
            before
                .iter()
                .all(|one| one["status"].is_null() && one["note"].is_null())
        );
        let record = json!([
            {"student_id": ids[0], "status": "present"},
            {"student_id": ids[1], "status": "late", "note": "Ten minutes"},
            {"student_id": ids[2], "status": "absent", "note": null},
            {"student_id": ids[3], "status": "excused"},
        ]);
        let done = record_attendance(app, &tutor, &at, record)
            .await?
            .expect(200)
            .json();
        let listed = get_data(app, &tutor, &at).await?;
        assert_eq!(done["data"], json!(listed));
        assert_eq!(
            text_fields(&listed, "status"),
            ["present", "late", "absent", "excused"]
        );
        assert_eq!(listed[1]["note"], "Ten minutes");
        let events = queries::write_counters(app).await?;
        record_attendance(app, &tutor, &at, done["data"].clone())
            .await?
            .expect(200);
        assert_eq!(
            queries::write_counters(app).await?,
            events,
            "recording the same attendance again changes nothing"
        );
        // The list replaces all recorded attendance, so a student who is not in it has no status.
        record_attendance(
            app,
            &tutor,
            &at,
            json!([{"student_id": ids[0], "status": "late"}]),
        )
        .await?
        .expect(200);
        assert_eq!(
            text_fields(&get_data(app, &tutor, &at).await?, "status"),
            ["late", "", "", ""]
        );
        Ok(())
    });
}

#[test]
fn before_a_lesson_starts_students_can_only_be_excused() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let fixture = class_fixture(app).await?;
        let mut class = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
        ));
        class["student_ids"] = json!(fixture.students[..2]);
        let class = create_class(app, &tutor, class).await?;
        let at = format!("{}/attendance", lesson_path(&class, "2035-04-02T16:00:00Z"));
        let before = queries::write_counters(app).await?;
        for status in ["present", "absent", "late"] {
            let record = json!([
                {"student_id": fixture.students[0], "status": "excused"},
                {"student_id": fixture.students[1], "status": status},
            ]);
            let reply = record_attendance(app, &tutor, &at, record)
                .await?
                .expect(409);
            assert_eq!(reply.pointers(), ["/students/1/status"], "{}", reply.text);
        }
        record_attendance(app, &tutor, &at, json!([]))
            .await?
            .expect(200);
        assert_eq!(queries::write_counters(app).await?, before);
        let ill = json!([{"student_id": fixture.students[0], "status": "excused", "note": "Flu"}]);
        record_attendance(app, &tutor, &at, ill).await?.expect(200);
        let listed = get_data(app, &tutor, &at).await?;
        let mut statuses = text_fields(&listed, "status");
        statuses.sort();
        assert_eq!(statuses, ["", "excused"]);
        // An excused absence does not complete the lesson.
        assert_eq!(
            get_lessons(app, &tutor, &class).await?[0]["status"],
            "scheduled"
        );
        record_attendance(app, &tutor, &at, json!([]))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn recording_attendance_completes_a_lesson_that_has_started() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let fixture = class_fixture(app).await?;
        let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
        let class = fixture.class_body(recurring_schedule(
            "UTC",
            &format!("{yesterday}T03:00:00"),
            &format!("{yesterday}T03:30:00"),
            "FREQ=WEEKLY;COUNT=2",
        ));
        // The first lesson has started, and a tutor may not create a class with a past lesson.
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let class = create_class(app, &supervisor, class).await?;
        let at = lesson_path(&class, &format!("{yesterday}T03:00:00Z"));
        let record = json!([{"student_id": fixture.students[0], "status": "present"}]);
        record_attendance(app, &tutor, &format!("{at}/attendance"), record)
            .await?
            .expect(200);
        assert_eq!(
            text_fields(&get_lessons(app, &tutor, &class).await?, "status"),
            ["completed", "scheduled"]
        );
        let reply = post_without_body(app, &tutor, &format!("{at}/cancel"))
            .await?
            .expect(409);
        assert_eq!(reply.pointers(), ["/status"]);
        Ok(())
    });
}

#[test]
fn invalid_attendance_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let class = create_class(
            app,
            &admin,
            fixture.class_body(recurring_schedule(
                "UTC",
                "2035-04-02T16:00:00",
                "2035-04-02T17:00:00",
                "FREQ=WEEKLY;COUNT=2",
            )),
        )
        .await?;
        let at = lesson_path(&class, "2035-04-02T16:00:00Z");
        let attendance = format!("{at}/attendance");
        let student = fixture.students[0];
        let before = queries::write_counters(app).await?;
        for (students, pointer) in [
            (
                json!([{"student_id": fixture.students[1], "status": "present"}]),
                "/students/0/student_id",
            ),
            (
                json!([{"student_id": student, "status": "present"}, {"student_id": class["id"], "status": "late"}]),
                "/students/1/student_id",
            ),
            (
                json!([{"student_id": student, "status": "asleep"}]),
                "/students/0/status",
            ),
            (json!([{"student_id": student}]), "/students/0/status"),
            (json!([{"status": "present"}]), "/students/0/student_id"),
            (
                json!([{"student_id": student, "status": "late", "note": "x".repeat(1001)}]),
                "/students/0/note",
            ),
            (
                json!([{"student_id": student, "status": "late"}, {"student_id": student, "status": "absent"}]),
                "/students/1/student_id",
            ),
            (json!({}), "/students"),
        ] {
            let reply = record_attendance(app, &admin, &attendance, students)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        record_attendance(
            app,
            &admin,
            &format!("{}/attendance", lesson_path(&class, "2035-04-03T16:00:00Z")),
            json!([]),
        )
        .await?
        .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        post_without_body(app, &admin, &format!("{at}/cancel"))
            .await?
            .expect(200);
        record_attendance(app, &admin, &attendance, json!([]))
            .await?
            .expect(409);
        Ok(())
    });
}

#[test]
fn students_and_parents_read_their_own_attendance_only() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut class = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
        ));
        let own = app.user(0, role::PARENT).id;
        let child = queries::fetch_id(
            app,
            "select id from lms.students where parent_id = $1 and centre_id = $2",
            &[&own, &fixture.centre],
        )
        .await?;
        let mut students = vec![fixture.students[0], fixture.students[1]];
        if !students.contains(&child) {
            students.push(child);
        }
        class["student_ids"] = json!(students);
        let class = create_class(app, &admin, class).await?;
        let at = format!("{}/attendance", lesson_path(&class, "2035-04-02T16:00:00Z"));
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let listed = get_data(app, &session, &at).await?;
            match role {
                role::STUDENT => {
                    assert_eq!(
                        text_fields(&listed, "student_id"),
                        [fixture.students[0].to_string()]
                    )
                }
                role::PARENT => {
                    assert!(!listed.is_empty());
                    for one in &listed {
                        let student = one["student_id"].as_str().unwrap_or_default();
                        let of_them = queries::count(
                            app,
                            "lms.students as s where s.id = $1::text::uuid and (s.parent_id = $2 or exists (
                              select from lms.guardians as g where g.student_id = s.id and g.user_id = $2))",
                            &[&student, &own],
                        )
                        .await?;
                        assert_eq!(of_them, 1);
                    }
                }
                _ => assert_eq!(listed.len(), students.len(), "{}", role.name()),
            }
            let may = matches!(role, role::TUTOR | role::SUPERVISOR | role::ADMIN);
            record_attendance(app, &session, &at, json!([]))
                .await?
                .expect(if may { 200 } else { 403 });
        }
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        app.get(&other_tenant_admin, &at).await?.expect(404);
        record_attendance(app, &other_tenant_admin, &at, json!([]))
            .await?
            .expect(404);
        app.delete(&admin, &class_path(&class)).await?.expect(204);
        app.get(&admin, &at).await?.expect(404);
        record_attendance(app, &admin, &at, json!([]))
            .await?
            .expect(404);
        Ok(())
    });
}
