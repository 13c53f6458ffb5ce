//! Tests students: the standard verbs, the access of each role, export and import.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tests::{Role, csv::import, fixtures, queries, role, run};

#[test]
fn a_student_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let user = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let body = json!({
            "user_id": user,
            "centre_id": own_centre,
            "dob": "2016-02-29",
            "academic_age": {"reading": 7.5, "numeracy": 8.25},
            "special_needs": ["Autism", "ADHD"],
            "languages": ["en", "pt-BR"],
        });
        let created = app
            .post(&admin, "/v1/students", body.clone())
            .await?
            .expect(201);
        let student = created.json();
        let path = format!("/v1/students/{}", fixtures::parse_id(&student)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": student["id"],
            "user_id": user,
            "centre_id": own_centre,
            "dob": "2016-02-29",
            "academic_age": {"reading": 7.5, "numeracy": 8.25},
            "special_needs": ["Autism", "ADHD"],
            "assigned_tutor_id": null,
            "parent_id": null,
            "leaderboard_name": null,
            "languages": ["en", "pt-BR"],
            "history": [],
            "created_at": student["created_at"],
            "updated_at": student["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(student, expected);
        let twice = app.post(&admin, "/v1/students", body).await?.expect(409);
        assert_eq!(twice.pointers(), ["/user_id"]);

        // An object is merged and a list is replaced.
        let change = json!({
            "academic_age": {"reading": null, "spelling": 9},
            "special_needs": ["Dyslexia"],
            "centre_id": other_centre,
            "dob": null,
        });
        let changed = app.patch(&admin, &path, change).await?.expect(200).json();
        assert_eq!(
            changed["academic_age"].as_object().map(|ages| ages.len()),
            Some(2)
        );
        assert_eq!(changed["academic_age"]["spelling"].as_f64(), Some(9.0));
        assert_eq!(changed["special_needs"], json!(["Dyslexia"]));
        assert_eq!(changed["dob"], Value::Null);
        let fixed = app
            .patch(&admin, &path, json!({"user_id": admin.user}))
            .await?
            .expect(422);
        assert_eq!(fixed.pointers(), ["/user_id"]);
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        app.get(&admin, &path).await?.expect(200);
        Ok(())
    });
}

#[test]
fn invalid_students_are_rejected_with_the_field() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let path = format!("/v1/students/{}", fixtures::demo_student(app).await?);
        let other_tenant_tutor = queries::first_id(app, 1, "tutors").await?;
        let before = queries::write_counters(app).await?;
        for (change, pointer) in [
            (json!({"dob": "2199-01-01"}), "/dob"),
            (json!({"dob": "2025-02-29"}), "/dob"),
            (
                json!({"academic_age": {"reading": 31}}),
                "/academic_age/reading",
            ),
            (
                json!({"academic_age": {"reading": -1}}),
                "/academic_age/reading",
            ),
            (
                json!({"academic_age": {"reading": 7.555}}),
                "/academic_age/reading",
            ),
            (
                json!({"academic_age": {"reading": "7"}}),
                "/academic_age/reading",
            ),
            (
                json!({"academic_age": {"history": 7}}),
                "/academic_age/history",
            ),
            (json!({"academic_age": [7]}), "/academic_age"),
            (json!({"special_needs": "Autism"}), "/special_needs"),
            (
                json!({"special_needs": ["Autism", "Autism"]}),
                "/special_needs/1",
            ),
            (json!({"special_needs": [""]}), "/special_needs/0"),
            (json!({"special_needs": [7]}), "/special_needs/0"),
            (json!({"languages": ["not a tag"]}), "/languages/0"),
            (json!({"history": []}), "/history"),
            (
                json!({"assigned_tutor_id": other_tenant_tutor}),
                "/assigned_tutor_id",
            ),
            (
                json!({"assigned_tutor_id": own_centre}),
                "/assigned_tutor_id",
            ),
            (json!({"centre_id": null}), "/centre_id"),
            (json!({"academic_age_reading": 7}), "/academic_age_reading"),
            (json!({"parent_id": admin.user}), "/parent_id"),
        ] {
            let reply = app.patch(&admin, &path, change).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        let body = json!({"user_id": admin.user, "centre_id": own_centre});
        for path in ["/v1/students", "/v1/tutors"] {
            let reply = app.post(&admin, path, body.clone()).await?.expect(422);
            assert_eq!(reply.pointers(), ["/user_id"], "{path}");
        }
        let profile = json!({"name": "A", "email": "a@aurora.example", "role": "student", "centre_id": own_centre, "profile": {"dob": "2199-01-01"}});
        let reply = app.post(&admin, "/v1/users", profile).await?.expect(422);
        assert_eq!(reply.pointers(), ["/profile/dob"]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

/// Returns the students that a role sees, as a condition on `s` with the centre `$2` and the user `$3`.
fn scope(role: Role) -> &'static str {
    match role {
        role::ADMIN | role::FINANCE | role::SUPPORT => "true",
        role::SUPERVISOR | role::ASSESSOR => "s.centre_id = $2",
        role::PARENT => {
            "(s.parent_id = $3 or s.id in (select g.student_id from lms.guardians as g where g.user_id = $3))"
        }
        role::STUDENT => "s.user_id = $3",
        role::TUTOR => {
            "s.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
        }
        other => unreachable!("the role {} has no scope", other.name()),
    }
}

#[test]
fn each_role_sees_the_students_within_its_scope() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let sql = format!(
                "select s.id::text from lms.students as s
                where s.tenant_id = $1 and {}
                  and ($2::uuid is not null and $3::uuid is not null)
                order by s.id",
                scope(role)
            );
            let expected =
                queries::fetch_texts(app, &sql, &[&session.tenant, &own_centre, &session.user])
                    .await?;
            assert!(!expected.is_empty(), "{}", role.name());
            let body = app
                .get(&session, "/v1/students?limit=200&sort=id")
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
            let hidden = queries::fetch_texts(
                app,
                &format!(
                    "select s.id::text from lms.students as s
                    where not (s.tenant_id = $1 and {}) and ($2::uuid is not null and $3::uuid is not null)
                    limit 1",
                    scope(role)
                ),
                &[&session.tenant, &own_centre, &session.user],
            )
            .await?;
            app.get(&session, &format!("/v1/students/{}", hidden[0]))
                .await?
                .expect(404);
        }
        Ok(())
    });
}

#[test]
fn tutors_and_assessors_may_set_only_the_academic_age() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let own = format!("/v1/students/{}", fixtures::demo_student(app).await?);
        let other_centre_student = queries::fetch_id(
            app,
            "select id from lms.students where centre_id = $1",
            &[&other_centre],
        )
        .await?;
        for role in [role::TUTOR, role::ASSESSOR] {
            let session = app.sign_in(role).await?;
            let change = json!({"academic_age": {"reading": 11.5}});
            let changed = app
                .patch(&session, &own, change.clone())
                .await?
                .expect(200)
                .json();
            assert_eq!(changed["academic_age"]["reading"].as_f64(), Some(11.5));
            app.patch(
                &session,
                &format!("/v1/students/{other_centre_student}"),
                change,
            )
            .await?
            .expect(404);
            for field in ["dob", "special_needs", "centre_id", "assigned_tutor_id"] {
                let reply = app
                    .patch(&session, &own, json!({field: null}))
                    .await?
                    .expect(403);
                assert_eq!(reply.pointers(), [format!("/{field}")]);
            }
            app.delete(&session, &own).await?.expect(403);
        }
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        app.patch(&supervisor, &own, json!({"dob": "2015-05-05"}))
            .await?
            .expect(200);
        app.patch(&supervisor, &own, json!({"centre_id": other_centre}))
            .await?
            .expect(403);
        app.patch(&supervisor, &own, json!({"centre_id": own_centre}))
            .await?
            .expect(200);
        for role in [role::STUDENT, role::PARENT, role::SUPPORT, role::FINANCE] {
            let session = app.sign_in(role).await?;
            app.patch(&session, &own, json!({"academic_age": {}}))
                .await?
                .expect(403);
        }
        Ok(())
    });
}

#[test]
fn students_are_exported_and_imported_as_csv() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 2).await?;
        let mut users = Vec::new();
        for _ in 0..3 {
            users.push(fixtures::create_user(app, &admin, "student", own_centre).await?);
        }
        let header =
            "user_id,centre_id,dob,academic_age,special_needs,languages,assigned_tutor_id\n";
        let row = |user, tutor: String| {
            format!(
                "{user},{own_centre},2015-01-31,\"{{\"\"reading\"\":7.5}}\",\"[\"\"Autism\"\"]\",\"[\"\"en\"\"]\",{tutor}\n"
            )
        };
        let file = format!(
            "{header}{}{}{}",
            row(users[0], tutor.to_string()),
            row(users[1], tutor.to_string()),
            row(users[2], String::new()),
        );
        let before = queries::write_counters(app).await?;
        let dry = import(
            app,
            &admin,
            "/v1/students/import?dry_run=true",
            file.clone(),
        )
        .await?
        .expect(200);
        assert_eq!(dry.json()["created"], 3);
        assert_eq!(queries::write_counters(app).await?, before);

        // One student too many for the tutor rejects the whole file.
        let full = format!(
            "{header}{}{}{}",
            row(users[0], tutor.to_string()),
            row(users[1], tutor.to_string()),
            row(users[2], tutor.to_string()),
        );
        let reply = import(app, &admin, "/v1/students/import", full)
            .await?
            .expect(409);
        assert_eq!(reply.pointers(), ["/4/assigned_tutor_id"]);
        assert_eq!(queries::write_counters(app).await?, before);

        // Errors have row, column and reason.
        let wrong = format!(
            "{header}{}{},{own_centre},2199-01-01,\"{{\"\"reading\"\":99}}\",x,,\n",
            row(users[0], String::new()),
            users[1],
        );
        let reply = import(app, &admin, "/v1/students/import", wrong)
            .await?
            .expect(422);
        let found = reply.pointers();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert!(found.contains("/3/special_needs"), "{found:?}");
        assert!(found.contains("/3/academic_age/reading"), "{found:?}");
        let future = format!("{header}{},{own_centre},2199-01-01,,,,\n", users[1]);
        let reply = import(app, &admin, "/v1/students/import", future)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/2/dob"]);
        assert_eq!(queries::write_counters(app).await?, before);

        let done = import(app, &admin, "/v1/students/import", file)
            .await?
            .expect(201);
        assert_eq!(done.json()["created"], 3);
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        let exported = app
            .request(
                Method::GET,
                &format!("/v1/students?assigned_tutor_id={tutor}"),
            )
            .header("accept", "text/csv")
            .bearer_auth(&admin.token);
        let exported = tests::send(exported).await?.expect(200);
        assert_eq!(exported.text.lines().count(), 3, "{}", exported.text);
        assert!(exported.text.contains(&users[0].to_string()));
        let finance = app.sign_in(role::FINANCE).await?;
        let rejected = app
            .request(Method::GET, "/v1/students")
            .header("accept", "text/csv")
            .bearer_auth(&finance.token);
        tests::send(rejected).await?.expect(200);
        Ok(())
    });
}
