//! Tests the OpenAPI document, the reference page and the response for unknown paths.

use anyhow::Context;
use http::Method;
use serde_json::{Value, json};
use tests::{COMPONENTS, Reply, role, run, send};

#[test]
fn the_document_is_served_with_an_entity_tag() {
    run(async |app| {
        let reply = app
            .call(None, Method::GET, "/v1/openapi.json", None)
            .await?
            .expect(200);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("content-length"), reply.text.len().to_string());
        let golden = include_str!("../../../openapi/openapi.json");
        assert_eq!(reply.text, golden);
        assert!(
            reply.json()["openapi"]
                .as_str()
                .is_some_and(|version| version.starts_with("3.1"))
        );
        let tag = reply.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        let again = app
            .request(Method::GET, "/v1/openapi.json")
            .header("if-none-match", &tag);
        let again = send(again).await?.expect(304);
        assert_eq!(
            (again.text.as_str(), again.header("etag")),
            ("", tag.as_str())
        );
        let head = app
            .call(None, Method::HEAD, "/v1/openapi.json", None)
            .await?
            .expect(200);
        assert_eq!(
            head.header("content-length"),
            reply.header("content-length")
        );
        assert_eq!(head.text, "");
        Ok(())
    });
}

/// Returns the URLs that a page refers to.
fn references(page: &str) -> Vec<String> {
    ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect()
}

#[test]
fn the_page_loads_nothing_from_other_hosts() {
    run(async |app| {
        let page = app
            .call(None, Method::GET, "/docs", None)
            .await?
            .expect(200);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{}",
            page.header("content-type")
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
            "{policy}"
        );
        assert!(
            !policy.contains("http") && !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        let references = references(&page.text);
        assert!(references.len() >= 2, "{}", page.text);
        for reference in references {
            if reference.starts_with("data:") {
                continue;
            }
            assert!(!reference.contains("//"), "{reference}");
            let path = if reference.starts_with('/') {
                reference
            } else {
                format!("/docs/{}", reference.trim_start_matches("./"))
            };
            let asset = app.call(None, Method::GET, &path, None).await?.expect(200);
            assert!(!asset.header("etag").is_empty(), "{path}");
            assert_eq!(asset.header("x-content-type-options"), "nosniff");
            assert_eq!(
                asset.header("content-length"),
                asset.length.to_string(),
                "{path}"
            );
        }
        Ok(())
    });
}

#[test]
fn an_unknown_path_is_a_404_problem() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let is_missing = |reply: &Reply| {
            assert_eq!(reply.status, 404);
            assert_eq!(reply.header("content-type"), "application/problem+json");
            let body = reply.json();
            assert_eq!(body["type"], "/problems/not-found");
            assert_eq!(body["status"], 404);
            assert_eq!(body["request_id"], reply.header("x-request-id"));
            assert_eq!(reply.header("content-length"), reply.text.len().to_string());
        };
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v2/users",
            "/favicon.ico",
            "/docs/nothing",
            "/v1/nothing",
            "/.env",
            "/v1/users/x/y/z",
        ] {
            for session in [None, Some(&admin)] {
                is_missing(&app.call(session, Method::GET, path, None).await?);
            }
        }
        for path in ["/nothing", "/v1/nothing"] {
            is_missing(&app.call(None, Method::POST, path, Some(json!({}))).await?);
        }
        let head = app
            .call(None, Method::HEAD, "/nothing", None)
            .await?
            .expect(404);
        assert_eq!(head.text, "");
        Ok(())
    });
}

#[test]
fn every_operation_of_the_document_is_routed() {
    run(async |app| {
        let document: Value = serde_json::from_str(include_str!("../../../openapi/openapi.json"))?;
        let mut found = 0;
        for component in COMPONENTS {
            for endpoint in component.endpoints() {
                let method = endpoint.method.as_str();
                let described = &document["paths"][endpoint.template()][method.to_lowercase()];
                assert!(described.is_object(), "{method} {}", endpoint.template());
                let path = tests::endpoint_path(&endpoint, uuid::Uuid::now_v7());
                let reply = app
                    .call(None, Method::OPTIONS, &path, None)
                    .await?
                    .expect(204);
                let allow = reply.header("allow");
                assert!(
                    allow.split(", ").any(|known| known == method),
                    "{method} {path}: {allow}"
                );
                found += 1;
            }
        }
        let paths = document["paths"].as_object().context("paths")?;
        let described: usize = paths
            .values()
            .map(|operations| operations.as_object().map_or(0, serde_json::Map::len))
            .sum();
        assert_eq!(described, found);
        Ok(())
    });
}
