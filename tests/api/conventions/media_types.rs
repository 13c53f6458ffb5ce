//! Tests the media types of requests and responses.

use http::Method;
use serde_json::json;
use tests::{queries, role, run, send};

use crate::conventions::headers::get;

#[test]
fn a_media_type_the_client_does_not_accept_is_a_406() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let one = format!("/v1/centres/{own_centre}");
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "text/html, */*;q=0.1",
            "APPLICATION/JSON",
            "text/csv;q=0.5, application/json",
        ] {
            let reply = get(app, &admin, "/v1/centres", "accept", accept)
                .await?
                .expect(200);
            assert_eq!(reply.header("content-type"), "application/json", "{accept}");
        }
        for accept in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "text/plain",
        ] {
            for path in ["/v1/centres", one.as_str(), "/v1/auth/me"] {
                let reply = get(app, &admin, path, "accept", accept).await?.expect(406);
                assert_eq!(reply.header("content-type"), "application/problem+json");
            }
        }
        get(app, &admin, &one, "accept", "text/csv")
            .await?
            .expect(406);
        let before = queries::write_counters(app).await?;
        let request = app
            .request(Method::PATCH, &one)
            .bearer_auth(&admin.token)
            .header("accept", "text/html")
            .json(&json!({"name": "x"}));
        send(request).await?.expect(406);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_body_of_another_media_type_is_a_415() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let one = format!("/v1/centres/{own_centre}");
        let before = queries::write_counters(app).await?;
        let body = r#"{"name": "x"}"#;
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/csv",
            "",
            "application/jsonx",
        ] {
            for (method, path) in [(Method::POST, "/v1/centres"), (Method::PATCH, one.as_str())] {
                let request = app
                    .request(method, path)
                    .bearer_auth(&admin.token)
                    .header("content-type", media)
                    .body(body);
                send(request).await?.expect(415);
            }
        }
        let untyped = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .body(body);
        send(untyped).await?.expect(415);
        assert_eq!(queries::write_counters(app).await?, before);
        for media in [
            "application/json; charset=utf-8",
            "application/merge-patch+json",
            "Application/JSON",
        ] {
            let request = app
                .request(Method::PATCH, &one)
                .bearer_auth(&admin.token)
                .header("content-type", media)
                .body(body);
            send(request).await?.expect(200);
        }
        let merge = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .header("content-type", "application/merge-patch+json")
            .body(body);
        send(merge).await?.expect(415);
        Ok(())
    });
}
