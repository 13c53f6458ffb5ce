//! Tests analytics on students and tutors: the materialized views within each role's scope.

use serde_json::{Value, json};
use tests::{analytics::refresh, fixtures, queries, role, run};

fn ids(body: &Value, name: &str) -> Vec<String> {
    body["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one[name].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn each_role_reads_analytics_within_its_scope() {
    run(async |app| {
        refresh(app).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let students = app
                .get(&session, "/v1/analytics/student-progress?limit=200")
                .await?;
            let tutors = app
                .get(&session, "/v1/analytics/tutor-load?limit=200")
                .await?;
            if matches!(role, role::SUPPORT | role::FINANCE) {
                students.expect(403);
                tutors.expect(403);
                continue;
            }
            let scope = match role {
                role::ADMIN => "true",
                role::SUPERVISOR | role::ASSESSOR => "s.centre_id = $2",
                role::PARENT => {
                    "(s.parent_id = $3 or s.id in (select g.student_id from lms.guardians as g where g.user_id = $3))"
                }
                role::TUTOR => {
                    "s.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
                }
                _ => "s.user_id = $3",
            };
            let expected = queries::fetch_texts(
                app,
                &format!(
                    "select s.id::text from lms.students as s where s.tenant_id = $1 and {scope}
                    and ($2::uuid is not null and $3::uuid is not null) order by s.id"
                ),
                &[&session.tenant, &own_centre, &session.user],
            )
            .await?;
            let students = students.expect(200).json();
            assert_eq!(ids(&students, "student_id"), expected, "{}", role.name());
            assert!(students["refreshed_at"].is_string());
            let count = match role {
                role::TUTOR => 1,
                role::SUPERVISOR => 3,
                role::ADMIN => 5,
                _ => {
                    tutors.expect(403);
                    continue;
                }
            };
            let tutors = tutors.expect(200).json();
            assert_eq!(ids(&tutors, "tutor_id").len(), count, "{}", role.name());
        }
        Ok(())
    });
}

#[test]
fn analytics_show_the_last_refresh_and_are_paginated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/analytics/student-progress?student_id={student}");
        let none = app.get(&admin, &path).await?.expect(200).json();
        assert_eq!(
            none,
            json!({"data": [], "next_cursor": null, "refreshed_at": null})
        );
        for score in [40, 60] {
            let body = json!({"student_id": student, "type": "reading", "score": score});
            app.post(&admin, "/v1/assessments", body).await?.expect(201);
        }
        app.post(
            &admin,
            "/v1/gamification",
            json!({"student_id": student, "points": 5, "badge": "A"}),
        )
        .await?
        .expect(201);
        refresh(app).await?;
        let body = app.get(&admin, &path).await?.expect(200).json();
        let one = &body["data"][0];
        assert_eq!(one["assessments"], 2);
        assert_eq!(one["reading_average"].as_f64(), Some(50.0));
        assert_eq!(one["reading_latest"], 60);
        assert_eq!(one["spelling_average"], Value::Null);
        assert_eq!((&one["points"], &one["badges"]), (&json!(5), &json!(1)));

        let all = app
            .get(&admin, "/v1/analytics/student-progress?limit=200")
            .await?
            .expect(200)
            .json();
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/analytics/student-progress?limit=7{cursor}");
            let page = app.get(&admin, &path).await?.expect(200).json();
            let listed = ids(&page, "student_id");
            assert!(listed.len() <= 7);
            paged.extend(listed);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, ids(&all, "student_id"));
        let own = fixtures::demo_tutor(app).await?;
        let load = app
            .get(&admin, &format!("/v1/analytics/tutor-load?tutor_id={own}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(load["data"][0]["max_students"], 12);
        assert!(load["data"][0]["students"].as_i64() > Some(0));
        Ok(())
    });
}
