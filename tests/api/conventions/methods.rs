//! Tests the HTTP methods that a path allows.

use http::Method;
use tests::{queries, role, run};

#[test]
fn head_and_options_work_wherever_get_does() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let one = format!("/v1/centres/{own_centre}");
        for (path, allow) in [
            ("/v1/centres", "GET, HEAD, OPTIONS, POST"),
            (one.as_str(), "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("/v1/tenants", "GET, HEAD, OPTIONS"),
            ("/v1/auth/me", "GET, HEAD, OPTIONS"),
            ("/v1/events", "GET, HEAD, OPTIONS"),
            ("/v1/regions", "GET, HEAD, OPTIONS"),
            ("/healthz", "GET, HEAD, OPTIONS"),
            ("/readyz", "GET, HEAD, OPTIONS"),
        ] {
            let got = app.get(&admin, path).await?.expect(200);
            let head = app
                .call(Some(&admin), Method::HEAD, path, None)
                .await?
                .expect(200);
            assert_eq!(head.text, "");
            for name in ["content-length", "content-type", "etag", "cache-control"] {
                assert_eq!(head.header(name), got.header(name), "{path} {name}");
            }
            let options = app
                .call(None, Method::OPTIONS, path, None)
                .await?
                .expect(204);
            assert_eq!(
                (options.text.as_str(), options.header("allow")),
                ("", allow),
                "{path}"
            );
        }
        let options = app
            .call(None, Method::OPTIONS, "/v1/auth/login", None)
            .await?
            .expect(204);
        assert_eq!(options.header("allow"), "OPTIONS, POST");
        app.call(None, Method::OPTIONS, "/v1/nothing", None)
            .await?
            .expect(404);
        app.call(None, Method::HEAD, "/v1/users", None)
            .await?
            .expect(401);
        Ok(())
    });
}

#[test]
fn an_unsupported_method_is_a_405_with_the_allowed_ones() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (method, path, allow) in [
            (Method::PUT, "/v1/users", "GET, HEAD, OPTIONS, POST"),
            (Method::DELETE, "/v1/users", "GET, HEAD, OPTIONS, POST"),
            (Method::GET, "/v1/auth/login", "OPTIONS, POST"),
            (Method::HEAD, "/v1/auth/login", "OPTIONS, POST"),
            (Method::GET, "/v1/users/import", "OPTIONS, POST"),
            (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
            (
                Method::from_bytes(b"BREW")?,
                "/v1/users",
                "GET, HEAD, OPTIONS, POST",
            ),
        ] {
            let reply = app
                .call(Some(&admin), method.clone(), path, None)
                .await?
                .expect(405);
            assert_eq!(reply.header("allow"), allow, "{method} {path}");
        }
        for path in [
            "/v1/users/",
            "/v1/users/7",
            "/v1/Users",
            "/v1/users/import/x",
            "/v1/auth",
            "/v1//users",
        ] {
            app.get(&admin, path).await?.expect(404);
        }
        Ok(())
    });
}
