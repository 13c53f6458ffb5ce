//! The leaderboard: who has how many points, and what is shown of others.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Role, Session, run};

use crate::gamification::award;
use crate::{people, rows};

/// The lines of the leaderboard.
async fn board(app: &Application, session: &Session, query: &str) -> Result<Vec<Value>> {
    let body = app
        .get(session, &format!("/v1/gamification/leaderboard?{query}"))
        .await?
        .expect(200)
        .json();
    Ok(body["data"].as_array().cloned().unwrap_or_default())
}

#[test]
fn a_leaderboard_shows_a_student_nothing_but_first_names_of_others() {
    run(async |app| {
        let (home, away) = rows::centres(app).await?;
        let own = people::own_student(app).await?;
        for role in [Role::Student, Role::Parent, Role::Tutor] {
            let session = app.sign_in(role).await?;
            let lines = board(app, &session, "").await?;
            assert!(lines.len() > 5, "{}", role.name());
            let mine: Vec<&Value> = lines.iter().filter(|line| line["is_own"] == true).collect();
            assert!(!mine.is_empty(), "{}", role.name());
            assert!(mine.iter().any(|line| line["student_id"] == json!(own)));
            for line in &lines {
                let name = line["name"].as_str().unwrap_or_default();
                if line["is_own"] == false {
                    assert_eq!(line["student_id"], Value::Null);
                    assert!(!name.contains(' '), "{name}");
                    assert!(!name.is_empty());
                }
                assert_eq!(line.as_object().map(|line| line.len()), Some(6), "{line}");
            }
            let reply = app
                .get(
                    &session,
                    &format!("/v1/gamification/leaderboard?centre_id={away}"),
                )
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["/centre_id"]);
        }
        for role in [Role::Supervisor, Role::Assessor, Role::Admin] {
            let session = app.sign_in(role).await?;
            let lines = board(app, &session, &format!("centre_id={home}")).await?;
            assert!(lines.iter().all(|line| line["student_id"].is_string()));
            assert!(
                lines
                    .iter()
                    .all(|line| line["name"].as_str().unwrap_or_default().contains(' '))
            );
        }
        for role in [Role::Support, Role::Finance] {
            let session = app.sign_in(role).await?;
            app.get(&session, "/v1/gamification/leaderboard")
                .await?
                .expect(403);
        }
        let theirs = rows::any(app, 1, "centres").await?;
        let admin = app.sign_in(Role::Admin).await?;
        let reply = app
            .get(
                &admin,
                &format!("/v1/gamification/leaderboard?centre_id={theirs}"),
            )
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/centre_id"]);
        Ok(())
    });
}

#[test]
fn a_leaderboard_counts_the_days_of_its_period_in_the_centres_zone() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let made = json!({"name": "Far", "code": "far", "time_zone": "Australia/Sydney", "currency": "AUD"});
        let centre = people::id(
            &app.post(&admin, "/v1/centres", made)
                .await?
                .expect(201)
                .json(),
        )?;
        let (first, second, third) = (
            people::student(app, &admin, centre).await?,
            people::student(app, &admin, centre).await?,
            people::student(app, &admin, centre).await?,
        );
        for (student, points, at) in [
            (first, 10, "2026-02-28T12:59:59Z"),
            (first, 20, "2026-02-28T13:00:00Z"),
            (second, 20, "2026-03-31T12:59:59Z"),
            (second, 40, "2026-03-31T13:00:00Z"),
            (third, 5, "2026-03-15T00:00:00Z"),
        ] {
            let made = award(app, &admin, student, json!({"points": points}))
                .await?
                .expect(201);
            // Only replay and restore may say when something was.
            let client = app.superuser().await?;
            client
                .batch_execute("set session_replication_role = replica")
                .await?;
            client
                .execute(
                    "update lms.gamification set created_at = $2::text::timestamptz where id = $1",
                    &[&people::id(&made.json())?, &at],
                )
                .await?;
        }
        let lines = board(
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
        let all = board(app, &admin, &format!("centre_id={centre}&limit=1")).await?;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["points"], 60);
        Ok(())
    });
}
