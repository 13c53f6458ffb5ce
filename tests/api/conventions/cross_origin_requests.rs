//! Tests cross-origin requests (CORS).

use http::Method;
use serde_json::json;
use tests::{role, run, send};

use crate::conventions::headers::get;

#[test]
fn only_listed_origins_are_allowed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let allowed = "https://app.example.org";
        let reply = get(app, &admin, "/v1/centres", "origin", allowed)
            .await?
            .expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("etag")
        );
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        let problem = get(app, &admin, "/v1/centres?page=1", "origin", allowed)
            .await?
            .expect(400);
        assert_eq!(problem.header("access-control-allow-origin"), allowed);
        let large = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .header("origin", allowed)
            .json(&json!({"name": "x".repeat(1024 * 1024 + 1)}));
        assert_eq!(
            send(large)
                .await?
                .expect(413)
                .header("access-control-allow-origin"),
            allowed
        );
        for other in [
            "https://evil.example",
            "null",
            "https://app.example.org.evil.example",
            "http://app.example.org",
        ] {
            let reply = get(app, &admin, "/v1/centres", "origin", other)
                .await?
                .expect(200);
            assert_eq!(reply.header("access-control-allow-origin"), "", "{other}");
            assert_eq!(reply.header("vary"), "origin");
        }
        let preflight = |origin: &str| {
            app.request(Method::OPTIONS, "/v1/users")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization, if-match")
        };
        let reply = send(preflight(allowed)).await?.expect(204);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert_eq!(
            reply.header("access-control-allow-methods"),
            "GET, HEAD, OPTIONS, POST"
        );
        for name in [
            "authorization",
            "content-type",
            "if-match",
            "idempotency-key",
        ] {
            assert!(
                reply.header("access-control-allow-headers").contains(name),
                "{name}"
            );
        }
        let reply = send(preflight("https://evil.example")).await?.expect(204);
        assert_eq!(reply.header("access-control-allow-origin"), "");
        assert_eq!(reply.header("access-control-allow-methods"), "");
        Ok(())
    });
}

#[test]
fn the_reference_allows_the_same_origins() {
    run(async |app| {
        for (origin, expected) in [
            ("https://app.example.org", "https://app.example.org"),
            ("https://evil.example", ""),
        ] {
            for (method, path) in [
                (Method::GET, "/v1/openapi.json"),
                (Method::GET, "/docs"),
                (Method::HEAD, "/docs"),
                (Method::OPTIONS, "/v1/openapi.json"),
                (Method::GET, "/v1/nothing"),
                (Method::PUT, "/docs"),
            ] {
                let request = app.request(method.clone(), path).header("origin", origin);
                let reply = send(request).await?;
                assert_eq!(
                    reply.header("access-control-allow-origin"),
                    expected,
                    "{method} {path}"
                );
                let varies = reply.headers.get_all("vary");
                assert!(varies.iter().any(|by| by == "origin"), "{method} {path}");
            }
        }
        let preflight = app
            .request(Method::OPTIONS, "/v1/openapi.json")
            .header("origin", "https://app.example.org")
            .header("access-control-request-method", "GET");
        let reply = send(preflight).await?.expect(204);
        assert_eq!(
            reply.header("access-control-allow-methods"),
            "GET, HEAD, OPTIONS"
        );
        Ok(())
    });
}
