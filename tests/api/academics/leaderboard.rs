//! Tests the leaderboard and the names under which it shows other students.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, fixtures, queries, role, run};

use crate::academics::gamification::award;

/// Returns the rows of the leaderboard.
async fn leaderboard_rows(app: &Application, session: &Session, query: &str) -> Result<Vec<Value>> {
    let body = app
        .get(session, &format!("/v1/gamification/leaderboard?{query}"))
        .await?
        .expect(200)
        .json();
    Ok(body["data"].as_array().cloned().unwrap_or_default())
}

#[test]
fn students_parents_and_tutors_see_only_first_names_and_initials_of_others() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_student(app).await?;
        for role in [role::STUDENT, role::PARENT, role::TUTOR] {
            let session = app.sign_in(role).await?;
            let lines = leaderboard_rows(app, &session, "").await?;
            assert!(lines.len() > 5, "{}", role.name());
            let mine: Vec<&Value> = lines.iter().filter(|line| line["is_own"] == true).collect();
            assert!(!mine.is_empty(), "{}", role.name());
            assert!(mine.iter().any(|line| line["student_id"] == json!(own)));
            for line in &lines {
                let name = line["name"].as_str().unwrap_or_default();
                if line["is_own"] == false {
                    assert_eq!(line["student_id"], Value::Null);
                    // A name is a first name, alone or with an initial, such as Ana B.
                    let (first, initial) = name.split_once(' ').unwrap_or((name, "-."));
                    assert!(!first.is_empty() && initial.ends_with('.'), "{name}");
                    assert_eq!(initial.chars().count(), 2, "{name}");
                }
                assert_eq!(line.as_object().map(|line| line.len()), Some(6), "{line}");
            }
            let reply = app
                .get(
                    &session,
                    &format!("/v1/gamification/leaderboard?centre_id={other_centre}"),
                )
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["?centre_id"]);
        }
        for role in [role::SUPERVISOR, role::ASSESSOR, role::ADMIN] {
            let session = app.sign_in(role).await?;
            let lines = leaderboard_rows(app, &session, &format!("centre_id={own_centre}")).await?;
            assert!(lines.iter().all(|line| line["student_id"].is_string()));
            assert!(
                lines
                    .iter()
                    .all(|line| line["name"].as_str().unwrap_or_default().contains(' '))
            );
        }
        for role in [role::SUPPORT, role::FINANCE] {
            let session = app.sign_in(role).await?;
            app.get(&session, "/v1/gamification/leaderboard")
                .await?
                .expect(403);
        }
        let other_tenant_centre = queries::first_id(app, 1, "centres").await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let reply = app
            .get(
                &admin,
                &format!("/v1/gamification/leaderboard?centre_id={other_tenant_centre}"),
            )
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["?centre_id"]);
        Ok(())
    });
}

#[test]
fn a_leaderboards_period_is_counted_in_the_centres_time_zone() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "Far", "code": "far", "time_zone": "Australia/Sydney", "currency": "AUD"});
        let centre = fixtures::parse_id(
            &app.post(&admin, "/v1/centres", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let (first, second, third) = (
            fixtures::create_student(app, &admin, centre).await?,
            fixtures::create_student(app, &admin, centre).await?,
            fixtures::create_student(app, &admin, centre).await?,
        );
        for (student, points, at) in [
            (first, 10, "2026-02-28T12:59:59Z"),
            (first, 20, "2026-02-28T13:00:00Z"),
            (second, 20, "2026-03-31T12:59:59Z"),
            (second, 40, "2026-03-31T13:00:00Z"),
            (third, 5, "2026-03-15T00:00:00Z"),
        ] {
            let created = award(app, &admin, student, json!({"points": points}))
                .await?
                .expect(201);
            // A trigger keeps `created_at` as it is unless `session_replication_role` is `replica`.
            let client = app.superuser().await?;
            client
                .batch_execute("set session_replication_role = replica")
                .await?;
            client
                .execute(
                    "update lms.gamification set created_at = $2::text::timestamptz where id = $1",
                    &[&fixtures::parse_id(&created.json())?, &at],
                )
                .await?;
        }
        let lines = leaderboard_rows(
            app,
            &admin,
            &format!("centre_id={centre}&from=2026-03-01&to=2026-03-31"),
        )
        .await?;
        let points: Vec<(i64, i64)> = lines
            .iter()
            .map(|line| {
                (
                    line["rank"].as_i64().unwrap_or_default(),
                    line["points"].as_i64().unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(points, [(1, 20), (1, 20), (3, 5)]);
        let all = leaderboard_rows(app, &admin, &format!("centre_id={centre}&limit=1")).await?;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["points"], 60);
        Ok(())
    });
}

#[test]
fn a_guardian_chooses_how_a_student_appears_to_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let parent = fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        award(app, &admin, student, json!({"points": 900_000}))
            .await?
            .expect(201);
        fixtures::link_guardian(app, &admin, parent.user, student).await?;
        let path = format!("/v1/students/{student}");
        let stranger = app.sign_in(role::STUDENT).await?;
        let displayed_name = async |session: &Session| -> Result<Value> {
            Ok(leaderboard_rows(app, session, "").await?[0]["name"].clone())
        };
        assert_eq!(displayed_name(&stranger).await?, "New s.");
        let choice = json!({"leaderboard_name": "The Comet"});
        let changed = app.patch(&parent, &path, choice.clone()).await?.expect(200);
        assert_eq!(changed.json()["leaderboard_name"], "The Comet");
        assert_eq!(displayed_name(&stranger).await?, "The Comet");
        assert_eq!(displayed_name(&parent).await?, "New student");
        assert_eq!(displayed_name(&admin).await?, "New student");
        // A parent may change this setting only of their own child, and no other field.
        let other = app.sign_in(role::PARENT).await?;
        app.patch(&other, &path, choice.clone()).await?.expect(404);
        for field in ["dob", "parent_id", "centre_id"] {
            let reply = app
                .patch(&parent, &path, json!({ field: null }))
                .await?
                .expect(403);
            assert_eq!(reply.pointers(), [format!("/{field}")]);
        }
        app.patch(&stranger, &path, choice).await?.expect(403);
        app.patch(&admin, &path, json!({"leaderboard_name": null}))
            .await?
            .expect(200);
        assert_eq!(displayed_name(&stranger).await?, "New s.");
        Ok(())
    });
}

#[test]
fn a_name_is_abbreviated_in_its_script() {
    run(async |app| {
        let client = app.superuser().await?;
        for (name, short) in [
            ("Ana Byron", "Ana B."),
            ("  Ana   Byron ", "Ana B."),
            ("Ana\u{a0}Byron", "Ana B."),
            ("Byron, Ada", "Ada B."),
            ("van der Berg, Ada Maria", "Ada B."),
            ("Anna de Vries", "Anna V."),
            ("Gerard 't Hooft", "Gerard H."),
            ("Sean O'Brien", "Sean O."),
            ("Jean-Luc Picard", "Jean-Luc P."),
            ("Cher", "Cher"),
            ("O'Brien", "O'Brien"),
            ("Ana -", "Ana"),
            ("José A\u{301}lvarez", "José Á."),
            ("Ann Q\u{308}sen", "Ann Q\u{308}."),
            ("Ólafur Þórsson", "Ólafur Þ."),
            ("Тарас Шевченко", "Тарас Ш."),
            ("रवि किशोर", "रवि कि."),
            ("김 철수", "김 철."),
            ("王小明", "王."),
        ] {
            let row = client
                .query_one("select lms_private.short_name($1)", &[&name])
                .await?;
            assert_eq!(row.get::<_, String>(0), short, "{name}");
        }
        Ok(())
    });
}
