//! Tests a student's progress: history, academic ages, gains, attendance and points.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, fixtures, queries, role, run};
use uuid::Uuid;

/// Inserts lessons of a student on days of March 2026, each with its attendance.
async fn lessons(
    app: &Application,
    tutor: Uuid,
    student: Uuid,
    recorded: &[(u32, Option<&str>)],
) -> Result<Uuid> {
    let class = fixtures::insert_class(app, tutor).await?;
    for (day, status) in recorded {
        let (start, end) = (
            format!("2026-03-{day:02}T10:00:00Z"),
            format!("2026-03-{day:02}T11:00:00Z"),
        );
        let lesson = fixtures::insert_lesson(app, class, &start, &end, "scheduled").await?;
        fixtures::insert_attendance(app, lesson, student, *status).await?;
    }
    Ok(class)
}

async fn history(app: &Application, session: &Session, student: Uuid) -> Result<Vec<Value>> {
    let body = app
        .get(session, &format!("/v1/students/{student}"))
        .await?
        .expect(200)
        .json();
    Ok(body["history"].as_array().cloned().unwrap_or_default())
}

#[test]
fn the_history_has_the_last_five_lessons_with_attendance() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 1).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let recorded = [
            (2, Some("present")),
            (3, Some("late")),
            (4, None),
            (5, Some("absent")),
            (6, Some("excused")),
            (7, Some("present")),
            (8, Some("present")),
            (9, None),
        ];
        let class = lessons(app, tutor, student, &recorded).await?;
        let days = |history: &[Value]| -> Vec<String> {
            history
                .iter()
                .map(|lesson| lesson["starts_at"].as_str().unwrap_or_default()[8..10].to_owned())
                .collect()
        };
        let lessons = history(app, &admin, student).await?;
        assert_eq!(days(&lessons), ["08", "07", "06", "05", "03"]);
        assert_eq!(
            lessons[4],
            json!({"class_id": class, "starts_at": "2026-03-03T10:00:00.000000Z", "status": "late", "note": null})
        );
        // Attendance is recorded for one more lesson, and then removed from another.
        let day = "update lms.attendances set status = $3, note = $4
            where student_id = $1 and starts_at = $2::text::timestamptz";
        let none: Option<&str> = None;
        queries::execute(
            app,
            day,
            &[
                &student,
                &"2026-03-09T10:00:00Z",
                &Some("late"),
                &Some("Bus."),
            ],
        )
        .await?;
        let lessons = history(app, &admin, student).await?;
        assert_eq!(days(&lessons), ["09", "08", "07", "06", "05"]);
        assert_eq!(lessons[0]["note"], "Bus.");
        queries::execute(app, day, &[&student, &"2026-03-08T10:00:00Z", &none, &none]).await?;
        assert_eq!(
            days(&history(app, &admin, student).await?),
            ["09", "07", "06", "05", "03"]
        );
        // A lesson that is cancelled after its attendance was recorded does not count.
        queries::execute(
            app,
            "update lms.attendances set is_booked = false where student_id = $1 and starts_at > '2026-03-05T12:00:00Z'",
            &[&student],
        )
        .await?;
        assert_eq!(
            days(&history(app, &admin, student).await?),
            ["05", "03", "02"]
        );
        Ok(())
    });
}

#[test]
fn progress_shows_academic_ages_gains_attendance_and_points_by_month() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 1).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        for (kind, day, age) in [
            ("reading", "2025-12-01", json!(7)),
            ("reading", "2026-01-15", json!(7.25)),
            ("reading", "2026-01-20", json!(7.5)),
            ("reading", "2026-03-31", json!(8.25)),
            ("spelling", "2026-02-10", json!(9)),
            ("numeracy", "2026-02-10", Value::Null),
        ] {
            let body = json!({"student_id": student, "type": kind, "score": 50, "assessed_on": day, "academic_age": age});
            app.post(&admin, "/v1/assessments", body).await?.expect(201);
        }
        let recorded = [
            (2, Some("present")),
            (3, Some("present")),
            (4, Some("absent")),
            (5, Some("late")),
            (6, None),
            (7, Some("excused")),
        ];
        lessons(app, tutor, student, &recorded).await?;
        app.post(
            &admin,
            "/v1/gamification",
            json!({"student_id": student, "points": 30}),
        )
        .await?
        .expect(201);
        let path = format!("/v1/students/{student}/progress?from=2026-01-31&to=2026-03-01");
        let body = app.get(&admin, &path).await?.expect(200).json();
        assert_eq!(body["student_id"], json!(student));
        assert_eq!(body["academic_age"]["reading"].as_f64(), Some(8.25));
        assert_eq!(body["academic_age"]["numeracy"], Value::Null);
        let months = body["months"].as_array().cloned().unwrap_or_default();
        let shown: Vec<Value> = months
            .iter()
            .map(|month| {
                json!([
                    month["month"],
                    month["academic_age"]["reading"].as_f64(),
                    month["gain"]["reading"].as_f64(),
                    month["academic_age"]["spelling"].as_f64(),
                ])
            })
            .collect();
        assert_eq!(
            shown,
            [
                json!(["2026-01-01", 7.5, 0.5, null]),
                json!(["2026-02-01", 7.5, 0.0, 9.0]),
                json!(["2026-03-01", 8.25, 0.75, 9.0]),
            ]
        );
        let attendance = json!({"present": 2, "late": 1, "absent": 1, "excused": 1});
        assert_eq!(months[2]["attendance"], attendance);
        assert_eq!(body["attendance"], attendance);
        assert_eq!(
            months[0]["attendance"],
            json!({"present": 0, "late": 0, "absent": 0, "excused": 0})
        );
        // The age rises from 7.25 on 15 January to 8.25 on 31 March: a year in 75 days.
        let gain = body["gain_per_month"]["reading"].as_f64().unwrap_or(0.0);
        assert!((gain - 30.436_875 / 75.0).abs() < 0.0001, "{gain}");
        assert_eq!(body["gain_per_month"]["spelling"], Value::Null);
        assert_eq!(body["points"], 0);
        // The default period is the last twelve months, which include today's points.
        let body = app
            .get(&admin, &format!("/v1/students/{student}/progress"))
            .await?
            .expect(200)
            .json();
        assert_eq!(body["months"].as_array().map(Vec::len), Some(12));
        assert_eq!(body["points"], 30);
        for query in [
            "from=2026-03-02&to=2026-03-01",
            "from=2020-01-01&to=2026-03-01",
            "from=yesterday",
        ] {
            app.get(&admin, &format!("/v1/students/{student}/progress?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}

#[test]
fn progress_requires_access_to_the_student_and_the_assessments() {
    run(async |app| {
        let (_, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_student(app).await?;
        let other_centre_student = fixtures::any_student_of(app, other_centre).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let (own_centre_status, other_centre_status) = match role {
                role::SUPPORT | role::FINANCE => (403, 403),
                role::ADMIN => (200, 200),
                _ => (200, 404),
            };
            for (student, status) in [
                (own, own_centre_status),
                (other_centre_student, other_centre_status),
            ] {
                app.get(&session, &format!("/v1/students/{student}/progress"))
                    .await?
                    .expect(status);
            }
        }
        let admin = app.sign_in(role::ADMIN).await?;
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        app.get(
            &admin,
            &format!("/v1/students/{other_tenant_student}/progress"),
        )
        .await?
        .expect(404);
        Ok(())
    });
}
