//! Tests the access to every endpoint, for every role, against the reviewed access table.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use http::Method;
use platform::declare::endpoint::Endpoint;
use serde_json::json;
use tests::{Application, COMPONENTS, Reply, Role, Session, role, run};
use uuid::Uuid;

/// Returns the callers of each operation in the golden file: the columns without a dash in its row.
#[allow(clippy::expect_used)] // Without the file there is nothing to test against.
fn reviewed() -> BTreeMap<String, BTreeSet<String>> {
    let path = tests::root().join("tests/golden/access.txt");
    let reviewed = std::fs::read_to_string(path).expect("the access table can be read");
    let mut table = BTreeMap::new();
    let mut columns: Vec<&str> = Vec::new();
    for line in reviewed
        .lines()
        .filter(|line| !line.starts_with(['#', ' ']))
    {
        let cells: Vec<&str> = line.split_whitespace().collect();
        match cells.as_slice() {
            [_, "anyone", ..] => columns = cells[1..].to_vec(),
            [operation, _, _, cells @ ..] => {
                let callers = columns.iter().zip(cells).filter(|(_, cell)| **cell != "-");
                table.insert(
                    (*operation).to_owned(),
                    callers.map(|(column, _)| (*column).to_owned()).collect(),
                );
            }
            _ => {}
        }
    }
    table
}

fn is_permitted(
    table: &BTreeMap<String, BTreeSet<String>>,
    endpoint: &Endpoint,
    role: Option<Role>,
) -> bool {
    let Some(who) = table.get(&endpoint.operation_id()) else {
        return false;
    };
    who.contains(role.map_or("anyone", Role::name))
}

/// Calls an endpoint with the id in its path and an empty body.
async fn call(
    app: &Application,
    endpoint: &Endpoint,
    token: Option<&str>,
    id: Uuid,
) -> Result<Reply> {
    let path = tests::endpoint_path(endpoint, id);
    let mut request = app.request(endpoint.method.clone(), &path);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if [Method::PATCH, Method::DELETE].contains(&endpoint.method) {
        // Any version matches, where one is required.
        request = request.header("if-match", "*");
    }
    if [Method::POST, Method::PATCH, Method::PUT].contains(&endpoint.method) {
        // Without a required idempotency key, the request would be rejected before the access check.
        request = request.header("idempotency-key", Uuid::now_v7().to_string());
        request = match path.ends_with("/import") {
            true => request.header("content-type", "text/csv").body("nothing\n"),
            false => request.json(&json!({})),
        };
    }
    tests::send(request).await
}

#[test]
fn every_endpoint_is_reviewed() {
    let table = reviewed();
    for component in COMPONENTS {
        for endpoint in component.endpoints() {
            assert!(
                table.contains_key(&endpoint.operation_id()),
                "{} is not in the access table",
                endpoint.operation_id()
            );
        }
    }
}

#[test]
fn endpoints_require_a_token() {
    run(async |app| {
        let table = reviewed();
        let session = app.session(0, role::ADMIN).await?;
        let expired = app.token(&session, role::ADMIN, -1)?;
        let mut broken = session.token.clone();
        broken.truncate(broken.len() - 4);
        for component in COMPONENTS {
            for endpoint in component.endpoints() {
                let is_public = is_permitted(&table, &endpoint, None);
                for token in [
                    None,
                    Some(broken.as_str()),
                    Some(expired.as_str()),
                    Some("x"),
                ] {
                    let reply = call(app, &endpoint, token, Uuid::now_v7()).await?;
                    let unauthenticated = reply.json()["type"] == "/problems/unauthenticated";
                    assert_eq!(
                        unauthenticated,
                        !is_public,
                        "{}: {}",
                        endpoint.operation_id(),
                        reply.text
                    );
                }
            }
        }
        Ok(())
    });
}

#[test]
fn every_role_has_exactly_the_access_of_the_access_table() {
    run(async |app| {
        let table = reviewed();
        for role in role::ALL {
            for component in COMPONENTS {
                for endpoint in component.endpoints() {
                    // Each request has a session of its own, because some of them end it.
                    let session = app.session(0, role).await?;
                    let reply = call(app, &endpoint, Some(&session.token), Uuid::now_v7()).await?;
                    let operation = endpoint.operation_id();
                    if is_permitted(&table, &endpoint, Some(role)) {
                        assert!(
                            reply.status != 403 && reply.status < 500,
                            "{} may {operation}: {}",
                            role.name(),
                            reply.text
                        );
                        assert_ne!(
                            reply.json()["type"],
                            "/problems/unauthenticated",
                            "{} may {operation}",
                            role.name()
                        );
                    } else {
                        assert_eq!(reply.status, 403, "{} may not {operation}", role.name());
                    }
                }
            }
        }
        Ok(())
    });
}

/// Returns one id of the first tenant for each resource.
async fn ids_of_first_tenant(app: &Application) -> Result<BTreeMap<&'static str, Uuid>> {
    let client = app.superuser().await?;
    let mut ids = BTreeMap::new();
    for resource in COMPONENTS.iter().flat_map(|component| component.resources) {
        let sql = format!(
            "select id from lms.{} where tenant_id = $1 and deleted_at is null limit 1",
            resource.table
        );
        let row = client
            .query_one(&sql, &[&app.demo.tenants[0].id])
            .await
            .with_context(|| format!("the demo has no {}", resource.name))?;
        ids.insert(resource.name, row.get(0));
    }
    Ok(ids)
}

#[test]
fn the_same_role_of_another_tenant_finds_nothing() {
    run(async |app| {
        let ids = ids_of_first_tenant(app).await?;
        let first = app.demo.tenants[0].id.to_string();
        for role in role::ALL {
            for component in COMPONENTS {
                for endpoint in component.endpoints() {
                    let session: Session = app.session(1, role).await?;
                    let noun = endpoint.template();
                    let noun = noun.split('/').nth(2).unwrap_or_default().to_owned();
                    let id = ids.get(noun.as_str()).copied().unwrap_or_else(Uuid::now_v7);
                    let reply = call(app, &endpoint, Some(&session.token), id).await?;
                    let operation = endpoint.operation_id();
                    if endpoint.template().contains("{id}") {
                        // The body is validated before the row is read: an empty one changes nothing or is rejected.
                        assert!(
                            [403, 404, 422].contains(&reply.status),
                            "{} {operation}: {} {}",
                            role.name(),
                            reply.status,
                            reply.text
                        );
                    }
                    assert!(
                        !reply.text.contains(&first)
                            && !format!("{:?}", reply.headers).contains(&first),
                        "{} {operation} shows the first tenant",
                        role.name()
                    );
                    for (noun, id) in &ids {
                        assert!(
                            !reply.text.contains(&id.to_string()) || reply.status >= 400,
                            "{} {operation} shows a row of the first tenant's {noun}",
                            role.name()
                        );
                    }
                }
            }
        }
        Ok(())
    });
}
