//! Tests tutors: the standard verbs, the access of each role, export, import and search.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tests::{
    csv::{export, import},
    fixtures, queries, role, run,
};

#[test]
fn a_tutor_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let user = fixtures::create_user(app, &admin, "tutor", own_centre).await?;
        let body = json!({
            "user_id": user,
            "centre_id": own_centre,
            "subjects": [{"subject": "mathematics", "level": "primary"}, {"subject": "english", "level": null}],
            "max_students": 4,
            "availability": {
                "weekly": [{"weekday": "monday", "start": "09:00", "end": "24:00"}],
                "exceptions": [{"date": "2026-12-25", "available": false}],
            },
        });
        let created = app
            .post(&admin, "/v1/tutors", body.clone())
            .await?
            .expect(201);
        let tutor = created.json();
        let path = format!("/v1/tutors/{}", fixtures::parse_id(&tutor)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": tutor["id"],
            "user_id": user,
            "name": "New tutor",
            "centre_id": own_centre,
            "subjects": body["subjects"],
            "max_students": 4,
            "current_students": 0,
            "availability": body["availability"],
            "created_at": tutor["created_at"],
            "updated_at": tutor["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(tutor, expected);
        let twice = app.post(&admin, "/v1/tutors", body).await?.expect(409);
        assert_eq!(twice.pointers(), ["/user_id"]);
        let change = json!({"centre_id": other_centre, "availability": {"exceptions": null}});
        let changed = app.patch(&admin, &path, change).await?.expect(200).json();
        assert_eq!(
            changed["availability"],
            json!({"weekly": [{"weekday": "monday", "start": "09:00", "end": "24:00"}]})
        );
        // The name belongs to the account.
        app.patch(
            &admin,
            &format!("/v1/users/{user}"),
            json!({"name": "Ana Lopez"}),
        )
        .await?
        .expect(200);
        let renamed = app.get(&admin, &path).await?.expect(200).json();
        assert_eq!(renamed["name"], "Ana Lopez");
        let body = json!({"name": "Bo Li", "email": "bo@aurora.example", "role": "tutor", "centre_id": own_centre, "profile": {}});
        let user = fixtures::parse_id(
            &app.post(&admin, "/v1/users", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let tutor_of_user = app
            .get(&admin, &format!("/v1/tutors?user_id={user}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(tutor_of_user["data"][0]["name"], "Bo Li");
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn invalid_tutors_are_rejected_with_the_field() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/tutors/{}", fixtures::demo_tutor(app).await?);
        let window = |start: &str, end: &str| json!({"availability": {"weekly": [{"weekday": "monday", "start": start, "end": end}]}});
        let exception = |rest: Value| {
            let mut row = json!({"date": "2026-03-29", "available": true});
            if let (Some(row), Some(rest)) = (row.as_object_mut(), rest.as_object()) {
                row.extend(rest.clone());
            }
            json!({"availability": {"exceptions": [row]}})
        };
        let weekly = "/availability/weekly/0";
        let dated = "/availability/exceptions/0";
        let before = queries::write_counters(app).await?;
        for (change, pointer) in [
            (window("10:00", "09:00"), format!("{weekly}/end")),
            (window("10:00", "10:00"), format!("{weekly}/end")),
            (window("10:00", "25:00"), format!("{weekly}/end")),
            (window("10", "11:00"), format!("{weekly}/start")),
            (exception(json!({"start": "10:00"})), format!("{dated}/end")),
            (exception(json!({"end": "10:00"})), format!("{dated}/start")),
            (
                exception(json!({"start": "10:00", "end": "09:00"})),
                format!("{dated}/end"),
            ),
            (
                exception(json!({"date": "2026-02-30"})),
                format!("{dated}/date"),
            ),
            (
                json!({"availability": {"weekly": [{"weekday": "Monday", "start": "09:00", "end": "10:00"}]}}),
                format!("{weekly}/weekday"),
            ),
            (json!({"availability": []}), "/availability".to_owned()),
            (
                json!({"availability": {"daily": []}}),
                "/availability/daily".to_owned(),
            ),
            (
                json!({"subjects": ["mathematics"]}),
                "/subjects/0".to_owned(),
            ),
            (
                json!({"subjects": [{"level": "primary"}]}),
                "/subjects/0/subject".to_owned(),
            ),
            (json!({"max_students": -1}), "/max_students".to_owned()),
            (
                json!({"current_students": 1}),
                "/current_students".to_owned(),
            ),
            (json!({"name": "x"}), "/name".to_owned()),
        ] {
            let reply = app.patch(&admin, &path, change).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_fields_of_tutors_it_may_read() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        let own = fixtures::demo_tutor(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let body = app.get(&session, "/v1/tutors").await?.expect(200).json();
            let data = body["data"].as_array().cloned().unwrap_or_default();
            let expected = match role {
                role::TUTOR => 1,
                role::SUPERVISOR => 3,
                _ => 5,
            };
            assert_eq!(data.len(), expected, "{}", role.name());
            for one in &data {
                let names: BTreeSet<&str> = one
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .collect();
                match role {
                    role::STUDENT | role::PARENT => {
                        assert_eq!(names, BTreeSet::from(["id", "name", "subjects"]));
                    }
                    role::TUTOR => assert_eq!(one["id"], json!(own)),
                    role::SUPERVISOR => assert_eq!(one["centre_id"], json!(own_centre)),
                    _ => assert!(names.contains("availability")),
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_tutor_may_set_only_their_own_availability() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let own = format!("/v1/tutors/{}", fixtures::demo_tutor(app).await?);
        let colleague = queries::fetch_id(
            app,
            "select id from lms.tutors where centre_id = $1 and user_id <> $2",
            &[&own_centre, &tutor.user],
        )
        .await?;
        let change = json!({"availability": {"weekly": []}});
        app.patch(&tutor, &own, change.clone()).await?.expect(200);
        app.patch(&tutor, &format!("/v1/tutors/{colleague}"), change)
            .await?
            .expect(404);
        for field in ["subjects", "max_students", "centre_id"] {
            let reply = app
                .patch(&tutor, &own, json!({ field: [] }))
                .await?
                .expect(403);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
        }
        app.get(&tutor, "/v1/tutors/search").await?.expect(403);
        Ok(())
    });
}

#[test]
fn tutors_are_exported_and_imported_as_csv() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let user = fixtures::create_user(app, &admin, "tutor", own_centre).await?;
        let file = |subjects: &str, availability: &str| {
            format!(
                "user_id,centre_id,subjects,max_students,availability\n{user},{own_centre},\"{}\",3,\"{}\"\n",
                subjects.replace('"', "\"\""),
                availability.replace('"', "\"\""),
            )
        };
        let good = file(
            r#"[{"subject":"mathematics","level":"primary"}]"#,
            r#"{"weekly":[{"weekday":"friday","start":"13:00","end":"18:00"}]}"#,
        );
        let before = queries::write_counters(app).await?;
        let wrong = file(
            r#"[{"subject":""}]"#,
            r#"{"weekly":[{"weekday":"friday","start":"13:00","end":"12:00"}]}"#,
        );
        let reply = import(app, &admin, "/v1/tutors/import", wrong)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/2/subjects/0/subject"]);
        let wrong = file(
            r#"[]"#,
            r#"{"weekly":[{"weekday":"friday","start":"13:00","end":"12:00"}]}"#,
        );
        let reply = import(app, &admin, "/v1/tutors/import", wrong)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/2/availability/weekly/0/end"]);
        let wrong = good.replace(&user.to_string(), &admin.user.to_string());
        let reply = import(app, &admin, "/v1/tutors/import", wrong)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/2/user_id"]);
        import(app, &admin, "/v1/tutors/import?dry_run=true", good.clone())
            .await?
            .expect(200);
        assert_eq!(queries::write_counters(app).await?, before);
        import(app, &admin, "/v1/tutors/import", good)
            .await?
            .expect(201);
        let file = export(app, &admin, &format!("/v1/tutors?user_id={user}"))
            .await?
            .expect(200);
        assert!(file.text.contains("mathematics"), "{}", file.text);
        assert_eq!(file.text.lines().count(), 2);
        Ok(())
    });
}

/// Returns the names that a search finds, in order.
async fn search_names(
    app: &tests::Application,
    session: &tests::Session,
    query: &str,
) -> anyhow::Result<Vec<String>> {
    let body = app
        .get(session, &format!("/v1/tutors/search?{query}"))
        .await?
        .expect(200)
        .json();
    Ok(body["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str().map(str::to_owned))
        .collect())
}

#[test]
fn tutors_are_found_by_subject_level_slot_and_capacity() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        // The demo tutors are marked as deleted, so that a search finds only those created here.
        let sql = format!(
            "set session_replication_role = replica;
            update lms.tutors set deleted_at = now(), left_at = now() where tenant_id = '{}'",
            admin.tenant
        );
        app.superuser().await?.batch_execute(&sql).await?;
        for (name, centre, subjects, places, weekday) in [
            (
                "Ana",
                own_centre,
                json!([{"subject": "Mathematics", "level": "primary"}]),
                3,
                "monday",
            ),
            (
                "Ben",
                own_centre,
                json!([{"subject": "mathematics", "level": null}]),
                2,
                "monday",
            ),
            (
                "Cem",
                other_centre,
                json!([{"subject": "mathematics", "level": "secondary"}, {"subject": "english", "level": "primary"}]),
                1,
                "tuesday",
            ),
            ("Dan", own_centre, json!([]), 0, "tuesday"),
        ] {
            let user = fixtures::create_user(app, &admin, "tutor", centre).await?;
            app.patch(&admin, &format!("/v1/users/{user}"), json!({"name": name}))
                .await?
                .expect(200);
            let body = json!({
                "user_id": user,
                "centre_id": centre,
                "subjects": subjects,
                "max_students": places,
                "availability": {"weekly": [{"weekday": weekday, "start": "10:00", "end": "12:00"}]},
            });
            app.post(&admin, "/v1/tutors", body).await?.expect(201);
        }
        // 2 March 2026 is a Monday. The first centre is in Dublin's time zone, the other in Berlin's.
        let monday = "from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z";
        for (query, expected) in [
            ("", vec!["Ana", "Ben", "Cem", "Dan"]),
            ("subject=MATHEMATICS", vec!["Ana", "Ben", "Cem"]),
            ("subject=mathematics&level=primary", vec!["Ana", "Ben"]),
            ("subject=english&level=primary", vec!["Cem"]),
            ("level=secondary", vec!["Ben", "Cem"]),
            ("subject=music", vec![]),
            ("places=1", vec!["Ana", "Ben", "Cem"]),
            ("places=3", vec!["Ana"]),
            (&format!("centre_id={other_centre}"), vec!["Cem"]),
            ("limit=2", vec!["Ana", "Ben"]),
            (monday, vec!["Ana", "Ben"]),
            (&format!("{monday}&minutes=120"), vec!["Ana", "Ben"]),
            (&format!("{monday}&minutes=121"), vec![]),
            (
                "from=2026-03-02T11:00:00Z&to=2026-03-02T12:00:00Z&minutes=60&places=3",
                vec!["Ana"],
            ),
            (
                "from=2026-03-03T09:00:00Z&to=2026-03-03T11:00:00Z&minutes=120",
                vec!["Cem"],
            ),
        ] {
            assert_eq!(search_names(app, &admin, query).await?, expected, "{query}");
        }
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        assert_eq!(
            search_names(app, &supervisor, "subject=mathematics").await?,
            ["Ana", "Ben"]
        );
        for query in [
            "from=2026-03-02T00:00:00Z",
            "to=2026-03-02T00:00:00Z",
            "minutes=30",
            "from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z",
            "from=2026-03-02T00:00:00Z&to=2026-05-12T00:00:00Z",
            "minutes=0",
            "colour=red",
        ] {
            app.get(&admin, &format!("/v1/tutors/search?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}
