//! Tests conditional requests with `ETag`, `If-None-Match` and `If-Match`.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, queries, role, run, send};

async fn send_with_header(
    app: &Application,
    session: &Session,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Option<Value>,
) -> Result<Reply> {
    let request = app
        .request(method, path)
        .bearer_auth(&session.token)
        .header(header.0, header.1);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[test]
fn if_none_match_with_the_current_tag_returns_304() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let path = format!("/v1/centres/{own_centre}");
        let first = app.get(&admin, &path).await?.expect(200);
        let tag = first.header("etag").to_owned();
        assert!(
            tag.starts_with('"') && tag.ends_with('"'),
            "{tag} is not strong"
        );
        let weak = format!("W/{tag}");
        let list_of_tags = format!("\"other\", {tag}");
        for known in [tag.as_str(), "*", &weak, &list_of_tags] {
            for method in [Method::GET, Method::HEAD] {
                let reply =
                    send_with_header(app, &admin, method, &path, ("if-none-match", known), None)
                        .await?
                        .expect(304);
                assert_eq!(reply.text, "");
                assert_eq!(reply.header("etag"), tag);
            }
        }
        for unknown in ["\"other\"", "", "nonsense", "\""] {
            let reply = send_with_header(
                app,
                &admin,
                Method::GET,
                &path,
                ("if-none-match", unknown),
                None,
            )
            .await?
            .expect(200);
            assert_eq!(reply.json(), first.json());
        }
        app.patch(&admin, &path, json!({"name": "Riverside II"}))
            .await?
            .expect(200);
        let changed = send_with_header(
            app,
            &admin,
            Method::GET,
            &path,
            ("if-none-match", &tag),
            None,
        )
        .await?
        .expect(200);
        assert_ne!(changed.header("etag"), tag);
        Ok(())
    });
}

#[test]
fn an_entity_tag_belongs_to_one_representation() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        let path = format!("/v1/centres/{own_centre}");
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let whole = app
            .get(&admin, &path)
            .await?
            .expect(200)
            .header("etag")
            .to_owned();
        let names = app
            .get(&student, &path)
            .await?
            .expect(200)
            .header("etag")
            .to_owned();
        assert_ne!(whole, names);
        send_with_header(
            app,
            &student,
            Method::GET,
            &path,
            ("if-none-match", &whole),
            None,
        )
        .await?
        .expect(200);
        send_with_header(
            app,
            &student,
            Method::GET,
            &path,
            ("if-none-match", &names),
            None,
        )
        .await?
        .expect(304);
        Ok(())
    });
}

#[test]
fn if_match_with_an_old_tag_changes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // A centre without people can be deleted.
        let empty = json!({"name": "Lake", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let created = app.post(&admin, "/v1/centres", empty).await?.expect(201);
        let path = created.header("location").to_owned();
        let old = created.header("etag").to_owned();
        let body = Some(json!({"name": "Changed"}));
        let changed = send_with_header(
            app,
            &admin,
            Method::PATCH,
            &path,
            ("if-match", &old),
            body.clone(),
        )
        .await?
        .expect(200);
        let new = changed.header("etag").to_owned();
        assert_ne!(new, old);
        let weak = format!("W/{new}");
        let before = queries::write_counters(app).await?;
        for tag in [
            old.as_str(),
            "\"0\"",
            "\"99999999999999999999\"",
            "\"x\"",
            "\"\"",
            &weak,
        ] {
            for (method, body) in [
                (Method::PATCH, Some(json!({"name": "Lost"}))),
                (Method::DELETE, None),
            ] {
                let reply =
                    send_with_header(app, &admin, method, &path, ("if-match", tag), body).await?;
                assert_eq!(reply.status, 412, "{tag}: {}", reply.text);
                assert_eq!(reply.json()["type"], "/problems/stale-version");
            }
        }
        for tag in ["", "\"", "1", "new", "'1'", "\"1"] {
            let reply = send_with_header(
                app,
                &admin,
                Method::PATCH,
                &path,
                ("if-match", tag),
                body.clone(),
            )
            .await?;
            assert_eq!(reply.status, 400, "{tag}: {}", reply.text);
            assert_eq!(reply.pointers(), ["If-Match"]);
        }
        let missing = format!("/v1/centres/{}", uuid::Uuid::now_v7());
        send_with_header(
            app,
            &admin,
            Method::PATCH,
            &missing,
            ("if-match", &new),
            body.clone(),
        )
        .await?
        .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        send_with_header(app, &admin, Method::PATCH, &path, ("if-match", "*"), body)
            .await?
            .expect(200);
        let current = app
            .get(&admin, &path)
            .await?
            .expect(200)
            .header("etag")
            .to_owned();
        send_with_header(
            app,
            &admin,
            Method::DELETE,
            &path,
            ("if-match", &current),
            None,
        )
        .await?
        .expect(204);
        Ok(())
    });
}

#[test]
fn of_concurrent_updates_of_one_version_one_succeeds() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let path = format!("/v1/centres/{own_centre}");
        let tag = app
            .get(&admin, &path)
            .await?
            .expect(200)
            .header("etag")
            .to_owned();
        let changes = (0..10).map(|number| {
            let request = app
                .request(Method::PATCH, &path)
                .bearer_auth(&admin.token)
                .header("if-match", &tag)
                .json(&json!({"name": format!("Writer {number}")}));
            tokio::spawn(send(request))
        });
        let mut statuses = Vec::new();
        for change in changes.collect::<Vec<_>>() {
            statuses.push(change.await??.status);
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412, 412, 412]);
        let updates = queries::count(
            app,
            "lms.event_log where entity_id = $1 and kind = 'centre.updated'",
            &[&own_centre],
        )
        .await?;
        assert_eq!(updates, 1);
        Ok(())
    });
}
