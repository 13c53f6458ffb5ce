//! Tests awards, which are append-only, and the badges that rules award.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    csv::{export, import},
    fixtures, queries, role, run,
};
use uuid::Uuid;

pub(crate) async fn award(
    app: &Application,
    session: &Session,
    student: Uuid,
    rest: Value,
) -> Result<tests::Reply> {
    let mut body = json!({"student_id": student});
    if let (Some(body), Some(rest)) = (body.as_object_mut(), rest.as_object()) {
        body.extend(rest.clone());
    }
    app.post(session, "/v1/gamification", body).await
}

async fn summary(app: &Application, session: &Session, student: Uuid) -> Result<Value> {
    let path = format!("/v1/gamification/students/{student}/summary");
    Ok(app.get(session, &path).await?.expect(200).json())
}

/// Sets the badge rules of the admin's tenant.
async fn set_rules(app: &Application, admin: &Session, rules: Value) -> Result<tests::Reply> {
    let path = format!("/v1/tenants/{}", admin.tenant);
    app.patch(admin, &path, json!({"settings": {"badges": rules}}))
        .await
}

#[test]
fn an_award_is_created_and_read_and_cannot_be_changed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let created = award(
            app,
            &admin,
            student,
            json!({"points": 10, "badge": "Bookworm", "metadata": {"book": "Momo"}}),
        )
        .await?
        .expect(201);
        let one = created.json();
        let path = format!("/v1/gamification/{}", fixtures::parse_id(&one)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": one["id"],
            "student_id": student,
            "points": 10,
            "badge": "Bookworm",
            "metadata": {"book": "Momo"},
            "reason": null,
            "by_rule": false,
            "created_at": one["created_at"],
            "updated_at": one["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(one, expected);
        assert_eq!(app.get(&admin, &path).await?.expect(200).json(), expected);
        let before = queries::write_counters(app).await?;
        let patched = app
            .patch(&admin, &path, json!({"points": 11}))
            .await?
            .expect(405);
        assert!(!patched.header("allow").contains("PATCH"));
        app.delete(&admin, &path).await?.expect(405);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(404);
        for (body, pointer) in [
            (json!({"points": -5}), "/reason"),
            (json!({"points": -5, "reason": null}), "/reason"),
            (json!({"points": -5, "reason": ""}), "/reason"),
            (json!({}), "/points"),
            (json!({"points": 0}), "/points"),
            (json!({"points": 1_000_001}), "/points"),
            (json!({"points": 1, "by_rule": true}), "/by_rule"),
            (json!({"points": 1, "metadata": []}), "/metadata"),
        ] {
            let reply = award(app, &admin, student, body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        award(
            app,
            &admin,
            student,
            json!({"points": -4, "reason": "Awarded twice."}),
        )
        .await?
        .expect(201);
        assert_eq!(summary(app, &admin, student).await?["points"], 6);
        Ok(())
    });
}

#[test]
fn the_database_prevents_changes_of_awards() {
    run(async |app| {
        let session = app.session(0, role::ADMIN).await?;
        let client = database::connect(&app.application_url).await?;
        for (name, value) in [
            ("app.tenant_id", session.tenant.to_string()),
            ("app.user_id", session.user.to_string()),
            ("app.role", "admin".to_owned()),
        ] {
            client
                .execute("select set_config($1, $2, false)", &[&name, &value])
                .await?;
        }
        for sql in [
            "update lms.gamification set points = 1",
            "update lms.gamification set deleted_at = now()",
            "delete from lms.gamification",
            "insert into lms.gamification (student_id, by_rule) select id, true from lms.students",
        ] {
            let rejected = client.batch_execute(sql).await.err();
            let code = rejected.as_ref().and_then(|error| error.code());
            assert_eq!(code.map(|code| code.code()), Some("42501"), "{sql}");
        }
        // Negative points require a reason, whatever the role.
        let sql = format!(
            "insert into lms.gamification (student_id, points) values ('{}', -1)",
            fixtures::demo_student(app).await?
        );
        let rejected = client.batch_execute(&sql).await.err();
        let code = rejected.as_ref().and_then(|error| error.code());
        assert_eq!(code.map(|code| code.code()), Some("23514"));
        Ok(())
    });
}

#[test]
fn each_rule_of_the_tenant_awards_its_badge_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 3).await?;
        set_rules(
            app,
            &admin,
            json!([
                {"badge": "Hundred", "when": "points_reached", "count": 100},
                {"badge": "Thousand", "when": "points_reached", "count": 1000},
                {"badge": "Always there", "when": "attendance_streak", "count": 3},
            ]),
        )
        .await?
        .expect(200);
        let badges_by_rule = async || {
            queries::fetch_texts(
                app,
                "select badge from lms.gamification where student_id = $1 and by_rule order by badge",
                &[&student],
            )
            .await
        };
        award(app, &admin, student, json!({"points": 99}))
            .await?
            .expect(201);
        assert!(badges_by_rule().await?.is_empty());
        award(app, &admin, student, json!({"points": 1}))
            .await?
            .expect(201);
        assert_eq!(badges_by_rule().await?, ["Hundred"]);
        award(
            app,
            &admin,
            student,
            json!({"points": -50, "reason": "A mistake."}),
        )
        .await?
        .expect(201);
        award(app, &admin, student, json!({"points": 70}))
            .await?
            .expect(201);
        assert_eq!(badges_by_rule().await?, ["Hundred"]);
        // A badge of the same name that a person awards is not an award by the rule.
        award(app, &admin, student, json!({"badge": "Hundred"}))
            .await?
            .expect(201);
        let file = format!("student_id,points\n{student},500\n{student},500\n");
        import(app, &admin, "/v1/gamification/import", file)
            .await?
            .expect(201);
        assert_eq!(badges_by_rule().await?, ["Hundred", "Thousand"]);

        let class = fixtures::insert_class(app, tutor).await?;
        for (day, status, expected) in [
            (2, "present", 2),
            (3, "late", 2),
            (4, "absent", 2),
            (5, "present", 2),
            (6, "excused", 2),
            (7, "present", 2),
            (8, "late", 3),
            (9, "present", 3),
        ] {
            let (start, end) = (
                format!("2026-03-0{day}T10:00:00Z"),
                format!("2026-03-0{day}T11:00:00Z"),
            );
            let lesson = fixtures::insert_lesson(app, class, &start, &end, "scheduled").await?;
            let attendance = fixtures::insert_attendance(app, lesson, student, None).await?;
            queries::execute(
                app,
                "update lms.attendances set status = $2 where id = $1",
                &[&attendance, &status],
            )
            .await?;
            assert_eq!(badges_by_rule().await?.len(), expected, "{day} {status}");
        }
        let summary = summary(app, &admin, student).await?;
        assert_eq!(summary["attendance_streak"], 4);
        assert_eq!(summary["points"], 1120);
        let hundred = summary["badges"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|badge| badge["badge"] == "Hundred")
            .cloned()
            .unwrap_or_default();
        assert_eq!(hundred["count"], 2);
        Ok(())
    });
}

#[test]
fn invalid_badge_rules_are_rejected_with_a_pointer() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let rule = json!({"badge": "A", "when": "points_reached", "count": 1});
        let mut wrong_when = rule.clone();
        wrong_when["when"] = json!("moon_is_full");
        let mut wrong_count = rule.clone();
        wrong_count["count"] = json!(0);
        for (rules, pointer) in [
            (json!({}), "/settings/badges"),
            (json!([7]), "/settings/badges/0"),
            (json!([rule, wrong_when]), "/settings/badges/1/when"),
            (json!([wrong_count]), "/settings/badges/0/count"),
            (
                json!([{"when": "points_reached", "count": 1}]),
                "/settings/badges/0/badge",
            ),
        ] {
            let reply = set_rules(app, &admin, rules).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        set_rules(app, &admin, json!([rule])).await?.expect(200);
        let cleared = set_rules(app, &admin, Value::Null).await?.expect(200);
        assert!(cleared.json()["settings"].get("badges").is_none());
        Ok(())
    });
}

#[test]
fn each_role_reads_and_creates_awards_within_its_scope() {
    run(async |app| {
        let (_, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_student(app).await?;
        let other_centre_student = fixtures::any_student_of(app, other_centre).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            if matches!(role, role::SUPPORT | role::FINANCE) {
                app.get(&session, "/v1/gamification").await?.expect(403);
                continue;
            }
            let sees_far = matches!(role, role::ADMIN | role::ASSESSOR);
            let list = async |student: Uuid| -> Result<usize> {
                let body = app
                    .get(&session, &format!("/v1/gamification?student_id={student}"))
                    .await?
                    .expect(200)
                    .json();
                Ok(body["data"].as_array().map_or(0, Vec::len))
            };
            assert!(list(own).await? > 0, "{}", role.name());
            assert_eq!(
                list(other_centre_student).await? > 0,
                sees_far,
                "{}",
                role.name()
            );
            summary(app, &session, own).await?;
            let path = format!("/v1/gamification/students/{other_centre_student}/summary");
            let expected = if role == role::ADMIN { 200 } else { 404 };
            app.get(&session, &path).await?.expect(expected);
            let writes = matches!(role, role::TUTOR | role::SUPERVISOR | role::ADMIN);
            let created = award(app, &session, own, json!({"points": 1})).await?;
            assert_eq!(
                created.status,
                if writes { 201 } else { 403 },
                "{}",
                created.text
            );
            if writes && role != role::ADMIN {
                let reply = award(app, &session, other_centre_student, json!({"points": 1}))
                    .await?
                    .expect(422);
                assert_eq!(reply.pointers(), ["/student_id"]);
            }
        }
        let admin = app.sign_in(role::ADMIN).await?;
        let file = export(app, &admin, &format!("/v1/gamification?student_id={own}"))
            .await?
            .expect(200);
        assert!(file.text.lines().count() > 2);
        Ok(())
    });
}
