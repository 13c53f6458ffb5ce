//! Tests assessments and the academic age that follows from them.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    csv::{export, import},
    fixtures, queries, role, run,
};
use uuid::Uuid;

async fn ages(app: &Application, session: &Session, student: Uuid) -> Result<Value> {
    let body = app
        .get(session, &format!("/v1/students/{student}"))
        .await?
        .expect(200)
        .json();
    Ok(body["academic_age"].clone())
}

#[test]
fn an_assessment_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let body = json!({"student_id": student, "type": "reading", "score": 87, "notes": "Well done.", "assessed_on": "2026-03-02"});
        let created = app.post(&admin, "/v1/assessments", body).await?.expect(201);
        let one = created.json();
        let path = format!("/v1/assessments/{}", fixtures::parse_id(&one)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": one["id"],
            "student_id": student,
            "tutor_id": null,
            "type": "reading",
            "score": 87,
            "notes": "Well done.",
            "assessed_on": "2026-03-02",
            "academic_age": null,
            "created_at": one["created_at"],
            "updated_at": one["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(one, expected);
        let changed = app
            .patch(&admin, &path, json!({"score": 100, "notes": null}))
            .await?
            .expect(200);
        assert_eq!(changed.json()["score"], 100);
        for field in ["student_id", "type"] {
            let reply = app
                .patch(&admin, &path, json!({ field: one[field] }))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
        }
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        // Without a date, the assessment gets today's date.
        let body = json!({"student_id": student, "type": "custom", "score": 1000});
        let created = app.post(&admin, "/v1/assessments", body).await?.expect(201);
        let today = chrono::Utc::now().date_naive().to_string();
        assert_eq!(created.json()["assessed_on"], json!(today));
        Ok(())
    });
}

#[test]
fn a_score_outside_the_range_of_its_type_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = fixtures::demo_student(app).await?;
        let before = queries::write_counters(app).await?;
        for (kind, score, pointer) in [
            ("reading", json!(101), "/score"),
            ("spelling", json!(101), "/score"),
            ("numeracy", json!(500), "/score"),
            ("custom", json!(1001), "/score"),
            ("reading", json!(-1), "/score"),
            ("reading", json!(7.5), "/score"),
            ("dancing", json!(7), "/type"),
        ] {
            let body = json!({"student_id": student, "type": kind, "score": score});
            let reply = app.post(&admin, "/v1/assessments", body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{kind} {score}");
        }
        let custom =
            json!({"student_id": student, "type": "custom", "score": 7, "academic_age": 7});
        let reply = app
            .post(&admin, "/v1/assessments", custom)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/academic_age"]);
        let future = json!({"student_id": student, "type": "reading", "score": 7, "assessed_on": "2199-01-01"});
        let reply = app
            .post(&admin, "/v1/assessments", future)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/assessed_on"]);
        assert_eq!(queries::write_counters(app).await?, before);
        // An update has no type, so the stored one applies.
        let body = json!({"student_id": student, "type": "reading", "score": 100});
        let created = app.post(&admin, "/v1/assessments", body).await?.expect(201);
        let path = created.header("location").to_owned();
        let reply = app
            .patch(&admin, &path, json!({"score": 101}))
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/score"]);
        Ok(())
    });
}

#[test]
fn the_latest_assessment_sets_the_students_academic_age_in_the_same_transaction() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let assess = async |kind: &str, day: &str, age: Value| -> Result<String> {
            let body = json!({"student_id": student, "type": kind, "score": 50, "assessed_on": day, "academic_age": age});
            let created = app.post(&admin, "/v1/assessments", body).await?.expect(201);
            Ok(created.header("location").to_owned())
        };
        let first = assess("reading", "2026-01-10", json!(7.25)).await?;
        assert_eq!(ages(app, &admin, student).await?, json!({"reading": 7.25}));
        let events = queries::fetch_texts(
            app,
            "select kind from lms.event_log where tenant_id = $1
            and request_id = (select request_id from lms.event_log where entity_id = $2 order by position desc limit 1)
            order by position",
            &[&admin.tenant, &student],
        )
        .await?;
        assert_eq!(events, ["assessment.created", "student.updated"]);
        let second = assess("reading", "2026-02-10", json!(7.75)).await?;
        assess("reading", "2025-12-01", json!(6.5)).await?;
        assess("reading", "2026-03-01", Value::Null).await?;
        assess("numeracy", "2026-01-01", json!(9.5)).await?;
        assert_eq!(
            ages(app, &admin, student).await?,
            json!({"numeracy": 9.5, "reading": 7.75})
        );
        // The first assessment gets another date and another age. Then both are deleted, and the
        // second is restored.
        app.patch(&admin, &first, json!({"assessed_on": "2026-02-11"}))
            .await?
            .expect(200);
        assert_eq!(ages(app, &admin, student).await?["reading"], json!(7.25));
        app.patch(&admin, &first, json!({"academic_age": 8.5}))
            .await?
            .expect(200);
        assert_eq!(ages(app, &admin, student).await?["reading"], json!(8.5));
        app.delete(&admin, &first).await?.expect(204);
        assert_eq!(ages(app, &admin, student).await?["reading"], json!(7.75));
        app.delete(&admin, &second).await?.expect(204);
        assert_eq!(ages(app, &admin, student).await?["reading"], json!(6.5));
        app.call(
            Some(&admin),
            Method::POST,
            &format!("{second}/restore"),
            None,
        )
        .await?
        .expect(200);
        assert_eq!(ages(app, &admin, student).await?["reading"], json!(7.75));
        Ok(())
    });
}

#[test]
fn each_role_reads_and_writes_assessments_within_its_scope() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_student(app).await?;
        let other_centre_student = fixtures::any_student_of(app, other_centre).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::SUPPORT | role::FINANCE => {
                    app.get(&session, "/v1/assessments").await?.expect(403);
                    continue;
                }
                role::ADMIN => "true",
                role::SUPERVISOR | role::ASSESSOR => "s.centre_id = $2",
                role::PARENT => {
                    "(s.parent_id = $3 or s.id in (select g.student_id from lms.guardians as g where g.user_id = $3))"
                }
                role::STUDENT => "s.user_id = $3",
                role::TUTOR => {
                    "s.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
                }
                other => unreachable!("the role {} has no scope", other.name()),
            };
            let sql = format!(
                "select a.id::text from lms.assessments as a
                join lms.students as s on s.id = a.student_id
                where a.tenant_id = $1 and a.deleted_at is null and {scope}
                  and ($2::uuid is not null and $3::uuid is not null)
                order by a.id"
            );
            let expected =
                queries::fetch_texts(app, &sql, &[&session.tenant, &own_centre, &session.user])
                    .await?;
            let body = app
                .get(&session, "/v1/assessments?limit=200&sort=id")
                .await?
                .expect(200)
                .json();
            let listed: Vec<&str> = body["data"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["id"].as_str())
                .collect();
            assert_eq!(listed, expected, "{}", role.name());
            let body = |student: Uuid| json!({"student_id": student, "type": "reading", "score": 50, "academic_age": 9.5});
            let writes = matches!(
                role,
                role::TUTOR | role::ASSESSOR | role::SUPERVISOR | role::ADMIN
            );
            let created = app.post(&session, "/v1/assessments", body(own)).await?;
            assert_eq!(
                created.status,
                if writes { 201 } else { 403 },
                "{}",
                created.text
            );
            if writes && role != role::ADMIN {
                let reply = app
                    .post(&session, "/v1/assessments", body(other_centre_student))
                    .await?
                    .expect(422);
                assert_eq!(reply.pointers(), ["/student_id"]);
            }
        }
        Ok(())
    });
}

#[test]
fn assessments_are_exported_and_imported_as_csv() {
    run(async |app| {
        let assessor = app.sign_in(role::ASSESSOR).await?;
        let student = fixtures::demo_student(app).await?;
        let file = format!(
            "student_id,type,score,assessed_on,academic_age\n{student},reading,80,2026-01-01,9.25\n{student},reading,81,2026-02-01,9.5\n"
        );
        let before = queries::write_counters(app).await?;
        import(
            app,
            &assessor,
            "/v1/assessments/import?dry_run=true",
            file.clone(),
        )
        .await?
        .expect(200);
        let wrong = format!(
            "student_id,type,score\n{student},reading,101\n{student},custom,1001\n{student},poetry,1\n"
        );
        let reply = import(app, &assessor, "/v1/assessments/import", wrong)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/2/score", "/3/score", "/4/type"]);
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        let wrong = format!(
            "student_id,type,score\n{student},reading,1\n{other_tenant_student},reading,1\n"
        );
        let reply = import(app, &assessor, "/v1/assessments/import", wrong)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/student_id"]);
        assert_eq!(queries::write_counters(app).await?, before);
        import(app, &assessor, "/v1/assessments/import", file)
            .await?
            .expect(201);
        assert_eq!(ages(app, &assessor, student).await?["reading"], json!(9.5));
        let file = export(
            app,
            &assessor,
            &format!("/v1/assessments?student_id={student}&assessed_on.lte=2026-02-01"),
        )
        .await?
        .expect(200);
        assert_eq!(file.text.lines().count(), 3, "{}", file.text);
        Ok(())
    });
}
