//! Tests invalid access tokens: of another region, expired and forged.

use std::sync::Arc;

use anyhow::{Context, Result};
use http::Method;
use platform::auth::claims::Claims;
use platform::auth::token::Keys;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, queries, role, run, send};
use uuid::Uuid;

/// Returns the keys of the application under test.
fn keys(app: &Application) -> Result<Keys> {
    Keys::parse(&app.variables["signing_keys"]).map_err(anyhow::Error::msg)
}

/// Returns the claims of the session's own token.
fn claims(app: &Application, session: &Session) -> Result<Claims> {
    let claims = keys(app)?.verify(&session.token, "eu");
    claims
        .map(Arc::unwrap_or_clone)
        .ok()
        .context("the token of a sign-in")
}

fn sign(keys: &Keys, claims: &Claims) -> Result<String> {
    keys.sign(claims).map_err(anyhow::Error::msg)
}

async fn me(app: &Application, token: &str) -> Result<Reply> {
    send(app.request(Method::GET, "/v1/auth/me").bearer_auth(token)).await
}

#[test]
fn a_token_of_another_region_is_redirected_without_further_information() {
    run(async |app| {
        let session = app.sign_in(role::ADMIN).await?;
        let other_region_claims = Claims {
            aud: "au".to_owned(),
            ..claims(app, &session)?
        };
        // The other region has keys of its own, which this region does not have.
        let other_cell_keys = Keys::parse("au-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
            .map_err(anyhow::Error::msg)?;
        for keys in [keys(app)?, other_cell_keys] {
            let token = sign(&keys, &other_region_claims)?;
            for path in ["/v1/auth/me", "/v1/users", "/v1/events"] {
                let reply = send(app.request(Method::GET, path).bearer_auth(&token))
                    .await?
                    .expect(421);
                assert_eq!(reply.header("location"), "https://au.example.org");
                let mut body = reply.json();
                body["request_id"] = Value::Null;
                let expected = json!({
                    "type": "/problems/wrong-region",
                    "title": "Wrong region",
                    "status": 421,
                    "detail": "The tenant is served elsewhere. Use https://au.example.org instead.",
                    "request_id": null,
                });
                assert_eq!(body, expected);
            }
            let request = app
                .request(Method::POST, "/v1/centres")
                .bearer_auth(&token)
                .json(&json!({"name": "x", "code": "x1", "time_zone": "UTC", "currency": "EUR"}));
            let before = queries::write_counters(app).await?;
            send(request).await?.expect(421);
            assert_eq!(queries::write_counters(app).await?, before);
        }
        Ok(())
    });
}

#[test]
fn an_invalid_token_is_rejected() {
    run(async |app| {
        let session = app.sign_in(role::ADMIN).await?;
        let good = claims(app, &session)?;
        let ours = keys(app)?;
        let key_id = app.variables["signing_keys"]
            .split(':')
            .next()
            .context("a key")?
            .to_owned();
        let foreign = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let unknown_id = Keys::parse(&format!("unknown:{foreign}")).map_err(anyhow::Error::msg)?;
        let wrong_key = Keys::parse(&format!("{key_id}:{foreign}")).map_err(anyhow::Error::msg)?;
        let expired = Claims {
            exp: good.iat - 1,
            iat: good.iat - 900,
            ..good.clone()
        };
        let nowhere = Claims {
            aud: "us".to_owned(),
            ..good.clone()
        };
        let mut parts = session.token.split('.');
        let (header, payload, signature) = (
            parts.next().context("header")?,
            parts.next().context("payload")?,
            parts.next().context("signature")?,
        );
        let other = app.sign_in(role::STUDENT).await?;
        let others_payload = other.token.split('.').nth(1).context("payload")?;
        // {"alg":"none","typ":"JWT"}
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let tokens = [
            ("expired", sign(&ours, &expired)?),
            ("a region without a cell", sign(&ours, &nowhere)?),
            ("an unknown key id", sign(&unknown_id, &good)?),
            ("another key of the same id", sign(&wrong_key, &good)?),
            ("alg none", format!("{none}.{payload}.")),
            (
                "alg none with a signature",
                format!("{none}.{payload}.{signature}"),
            ),
            ("no signature", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            (
                "another's payload",
                format!("{header}.{others_payload}.{signature}"),
            ),
            ("not a token", "x".to_owned()),
            ("a long token", "x".repeat(5000)),
            ("a refresh token", session.refresh_token.clone()),
        ];
        for (what, token) in tokens {
            let reply = me(app, &token).await?;
            assert_eq!(reply.status, 401, "{what}: {}", reply.text);
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{what}");
            assert_eq!(
                reply.header("content-type"),
                "application/problem+json",
                "{what}"
            );
            assert_eq!(reply.json()["type"], "/problems/unauthenticated", "{what}");
            assert!(!reply.text.contains(&token), "{what}");
        }
        for authorization in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            session.token.as_str(),
        ] {
            let request = app
                .request(Method::GET, "/v1/auth/me")
                .header("authorization", authorization);
            send(request).await?.expect(401);
        }
        let lower = format!("bearer {}", session.token);
        send(
            app.request(Method::GET, "/v1/auth/me")
                .header("authorization", lower),
        )
        .await?
        .expect(200);
        Ok(())
    });
}

#[test]
fn a_token_whose_claims_do_not_match_its_session_is_rejected() {
    run(async |app| {
        let session = app.sign_in(role::STUDENT).await?;
        let other = app.sign_in(role::ADMIN).await?;
        let good = claims(app, &session)?;
        let other_claims = claims(app, &other)?;
        for wrong in [
            Claims {
                role: role::ADMIN.name().to_owned(),
                ..good.clone()
            },
            Claims {
                sid: other_claims.sid,
                ..good.clone()
            },
            Claims {
                sub: other_claims.sub,
                ..good.clone()
            },
            Claims {
                sub: other_claims.sub,
                role: role::ADMIN.name().to_owned(),
                ..good.clone()
            },
            Claims {
                tid: app.demo.tenants[1].id,
                ..good.clone()
            },
            Claims {
                sid: Uuid::now_v7(),
                ..good.clone()
            },
            Claims {
                sid: Uuid::nil(),
                ..good.clone()
            },
        ] {
            let token = sign(&keys(app)?, &wrong)?;
            let reply = me(app, &token).await?.expect(401);
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            send(app.request(Method::GET, "/v1/users").bearer_auth(&token))
                .await?
                .expect(401);
        }
        me(app, &sign(&keys(app)?, &good)?).await?.expect(200);
        Ok(())
    });
}

#[test]
fn a_change_of_role_or_tenant_invalidates_issued_tokens() {
    run(async |app| {
        let session = app.sign_in(role::ASSESSOR).await?;
        let staying = app.sign_in(role::TUTOR).await?;
        queries::execute(
            app,
            "update lms.users set role = 'support' where id = $1",
            &[&session.user],
        )
        .await?;
        app.get(&session, "/v1/auth/me").await?.expect(401);
        app.get(&staying, "/v1/auth/me").await?.expect(200);
        queries::execute(
            app,
            "update lms.tenants set status = 'inactive' where id = $1",
            &[&session.tenant],
        )
        .await?;
        app.get(&staying, "/v1/auth/me").await?.expect(401);
        assert!(app.sign_in(role::TUTOR).await.is_err());
        app.sign_in_to(1, role::TUTOR).await?;
        Ok(())
    });
}
