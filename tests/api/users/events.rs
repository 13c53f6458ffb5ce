//! Tests the tenant's event log, read by position.

use anyhow::{Context, Result};
use http::Method;
use operations::events::verify;
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run, send};

async fn page(app: &Application, session: &Session, query: &str) -> Result<(Vec<Value>, Value)> {
    let body = app
        .get(session, &format!("/v1/events{query}"))
        .await?
        .expect(200)
        .json();
    Ok((
        body["data"].as_array().cloned().context("data")?,
        body["next_after"].clone(),
    ))
}

#[test]
fn events_are_listed_in_order_without_gaps_after_a_position() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut positions = Vec::new();
        let mut after = json!(0);
        loop {
            let (data, next) = page(app, &admin, &format!("?after={after}&limit=200")).await?;
            positions.extend(data.iter().filter_map(|event| event["position"].as_i64()));
            if data.is_empty() {
                assert_eq!(next, after);
                break;
            }
            assert!(data.len() <= 200);
            assert_eq!(data.last().map(|event| &event["position"]), Some(&next));
            after = next;
        }
        let last = i64::try_from(positions.len())?;
        assert_eq!(positions, (1..=last).collect::<Vec<_>>());
        let total =
            queries::count(app, "lms.event_log where tenant_id = $1", &[&admin.tenant]).await?;
        assert_eq!(last, total);
        let (data, _) = page(app, &admin, "").await?;
        assert_eq!(data.len(), 50);
        Ok(())
    });
}

#[test]
fn an_event_has_its_actor_kind_and_request_id() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (_, before) = page(app, &admin, "?after=0&limit=1").await?;
        assert_eq!(before, 1);
        let end =
            queries::count(app, "lms.event_log where tenant_id = $1", &[&admin.tenant]).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let request = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .header("x-request-id", "made-by-the-test")
            .json(&body);
        let created = send(request).await?.expect(201).json();
        let (data, next) = page(app, &admin, &format!("?after={end}")).await?;
        assert_eq!(data.len(), 1);
        assert_eq!(next, end + 1);
        let event = &data[0];
        assert_eq!(event["position"], end + 1);
        assert_eq!(event["entity"], "centres");
        assert_eq!(event["entity_id"], created["id"]);
        assert_eq!(event["kind"], "centre.created");
        assert_eq!(event["actor"], json!(admin.user));
        assert_eq!(event["request_id"], "made-by-the-test");
        assert_eq!(event["hash"].as_str().map(str::len), Some(64));
        assert_eq!(event["state"]["code"], "lake");
        assert_eq!(event["state"]["version"], 1);
        assert!(event["at"].as_str().is_some_and(|at| at.ends_with('Z')));

        let id = created["id"].as_str().unwrap_or_default();
        let (by_id, _) = page(app, &admin, &format!("?id={id}")).await?;
        assert_eq!(by_id, data);
        let (by_entity, _) = page(app, &admin, &format!("?entity=centres&after={end}")).await?;
        assert_eq!(by_entity, data);
        Ok(())
    });
}

#[test]
fn only_admins_read_the_log_of_their_own_tenant() {
    run(async |app| {
        for role in role::ALL.into_iter().filter(|role| *role != role::ADMIN) {
            let session = app.sign_in(role).await?;
            app.get(&session, "/v1/events").await?.expect(403);
        }
        app.call(None, Method::GET, "/v1/events", None)
            .await?
            .expect(401);
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let (first, _) = page(app, &ours, "?limit=200").await?;
        let (second, _) = page(app, &other_tenant_admin, "?limit=200").await?;
        assert!(
            first
                .iter()
                .all(|event| !second.iter().any(|other| other["id"] == event["id"]))
        );
        let id = first[0]["entity_id"].as_str().unwrap_or_default();
        let (found, next) = page(app, &other_tenant_admin, &format!("?id={id}")).await?;
        assert_eq!((found.len(), next), (0, json!(0)));
        for (method, path) in [(Method::POST, "/v1/events"), (Method::DELETE, "/v1/events")] {
            let reply = app.call(Some(&ours), method, path, None).await?.expect(405);
            assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
        }
        Ok(())
    });
}

#[test]
fn the_chain_stays_valid_under_concurrent_writes() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let writes = (0..12).map(|number| {
            let body = json!({"name": "x", "code": format!("side-{number}"), "time_zone": "UTC", "currency": "EUR"});
            let request = app.request(Method::POST, "/v1/centres").bearer_auth(&admin.token).json(&body);
            tokio::spawn(send(request))
        });
        for write in writes.collect::<Vec<_>>() {
            write.await??.expect(201);
        }
        let reports = verify::run(&app.superuser_url, None, None).await?;
        assert!(
            reports.iter().all(|report| report.broken.is_none()),
            "{reports:?}"
        );
        Ok(())
    });
}

#[test]
fn an_invalid_query_parameter_is_rejected_and_named() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (query, name) in [
            ("after=-1", "?after"),
            ("after=x", "?after"),
            ("after=99999999999999999999", "?after"),
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("id=7", "?id"),
            ("cursor=x", "?cursor"),
            ("after=1&after=2", "?after"),
        ] {
            let reply = app
                .get(&admin, &format!("/v1/events?{query}"))
                .await?
                .expect(400);
            assert_eq!(reply.pointers(), [name], "{query}");
        }
        Ok(())
    });
}
