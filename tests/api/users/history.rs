//! Tests the history of a row, and resources as of a time.

use anyhow::{Context, Result};
use http::Method;
use platform::auth::policy::Verb;
use serde_json::{Value, json};
use tests::{Application, COMPONENTS, Session, role, run};

/// Returns the kinds and times of a row's events.
async fn history(
    app: &Application,
    session: &Session,
    entity: &str,
    id: &str,
) -> Result<Vec<(String, String)>> {
    let body = app
        .get(session, &format!("/v1/events?entity={entity}&id={id}"))
        .await?
        .expect(200)
        .json();
    let events = body["data"].as_array().context("data")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(events
        .iter()
        .map(|event| (text(&event["kind"]), text(&event["at"])))
        .collect())
}

#[test]
fn a_row_is_shown_as_of_any_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before: String = app
            .superuser()
            .await?
            .query_one("select lms.utc(clock_timestamp())", &[])
            .await?
            .get(0);
        let body = json!({"name": "First", "code": "back", "time_zone": "UTC", "currency": "EUR"});
        let created = app
            .post(&admin, "/v1/centres", body)
            .await?
            .expect(201)
            .json();
        let path = format!("/v1/centres/{}", created["id"].as_str().context("an id")?);
        let changed = app
            .patch(&admin, &path, json!({"name": "Second"}))
            .await?
            .expect(200)
            .json();
        app.delete(&admin, &path).await?.expect(204);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);

        let id = created["id"].as_str().unwrap_or_default();
        let history = history(app, &admin, "centres", id).await?;
        let kinds: Vec<&str> = history.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "centre.created",
                "centre.updated",
                "centre.deleted",
                "centre.restored"
            ]
        );
        let at = |index: usize| format!("{path}?as_of={}", history[index].1);
        let first = app.get(&admin, &at(0)).await?.expect(200);
        assert_eq!(first.header("etag"), "\"1\"");
        assert_eq!(first.json(), created);
        assert_eq!(app.get(&admin, &at(1)).await?.expect(200).json(), changed);
        app.get(&admin, &at(2)).await?.expect(404);
        let now = app.get(&admin, &path).await?.expect(200).json();
        assert_eq!(app.get(&admin, &at(3)).await?.expect(200).json(), now);
        app.get(&admin, &format!("{path}?as_of={before}"))
            .await?
            .expect(404);
        Ok(())
    });
}

#[test]
fn the_present_state_of_every_resource_equals_the_event_log() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut looked_at = 0;
        for component in COMPONENTS {
            for resource in component.resources {
                let can_list = resource.verbs.contains(&Verb::List);
                if !can_list || !resource.verbs.contains(&Verb::Get) {
                    continue;
                }
                let list = app
                    .get(&admin, &format!("/v1/{}?limit=3", resource.name))
                    .await?
                    .expect(200)
                    .json();
                for row in list["data"].as_array().context("data")? {
                    let id = row["id"].as_str().context("an id")?;
                    let path = format!("/v1/{}/{id}", resource.name);
                    let moment: String = app
                        .superuser()
                        .await?
                        .query_one("select lms.utc(now())", &[])
                        .await?
                        .get(0);
                    let now = app.get(&admin, &path).await?.expect(200);
                    let then = app
                        .get(&admin, &format!("{path}?as_of={moment}"))
                        .await?
                        .expect(200);
                    assert_eq!(then.json(), now.json(), "{path}");
                    assert_eq!(then.header("etag"), now.header("etag"), "{path}");
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 40, "{looked_at}");
        Ok(())
    });
}

#[test]
fn only_admins_read_history_of_their_tenant_and_not_of_the_future() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let list = app
            .get(&admin, "/v1/centres?limit=1")
            .await?
            .expect(200)
            .json();
        let id = list["data"][0]["id"].as_str().context("an id")?.to_owned();
        let moment: String = app
            .superuser()
            .await?
            .query_one("select lms.utc(now())", &[])
            .await?
            .get(0);
        let path = format!("/v1/centres/{id}?as_of={moment}");
        for role in role::ALL.into_iter().filter(|role| *role != role::ADMIN) {
            let session = app.sign_in(role).await?;
            app.get(&session, &path).await?.expect(403);
        }
        app.get(&app.sign_in_to(1, role::ADMIN).await?, &path)
            .await?
            .expect(404);
        let future = format!("/v1/centres/{id}?as_of=2060-01-01T00:00:00Z");
        let reply = app.get(&admin, &future).await?.expect(422);
        assert_eq!(reply.pointers(), ["?as_of"]);
        for (query, pointer) in [
            ("as_of=yesterday", "?as_of"),
            ("as_of=2026-01-01", "?as_of"),
            ("at=2026-01-01T00:00:00Z", "?at"),
        ] {
            let reply = app
                .get(&admin, &format!("/v1/centres/{id}?{query}"))
                .await?
                .expect(400);
            assert_eq!(reply.pointers(), [pointer], "{query}");
        }
        Ok(())
    });
}
