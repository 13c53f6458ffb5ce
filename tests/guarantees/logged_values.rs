//! Tests that no value that a client sends, and no secret of the installation, is in the logs of
//! processes that print JSON: a host, a worker, and a PostgreSQL that logs more than with our
//! settings. The logs of the hosts that serve the other tests are searched at the end of each test
//! (`tests::run`).

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, COMPONENTS, Printed, Process, Server, Session, endpoint_path, role,
    run_on_own_server, run_program, send,
};
use url::Url;
use uuid::{Uuid, uuid};

use crate::marked_requests::{DIGITS, MARK, Sender};
use crate::server_log;

/// An id that is sent in paths only.
const ID_IN_PATHS: Uuid = uuid!("018f0000-0000-7000-8000-5a716d6b0001");

/// Headers whose values may be in no log.
const HEADERS: [&str; 12] = [
    "accept",
    "accept-language",
    "authorization",
    "cookie",
    "forwarded",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
];

#[test]
fn no_value_that_was_sent_is_logged() {
    run_on_own_server(search_logs);
}

async fn search_logs(app: &Application, server: &Server) -> Result<()> {
    server_log::make_verbose(app, server).await?;
    let format = ["--log-format", "json"];
    let work = ["worker", "--interval", "5", "--refresh-interval", "5"];
    let mut worker = Process::start(app, &[&work[..], &format].concat(), &[])?;
    let options = [&["--access-log"][..], &format].concat();
    let (host, base_url) = Process::serve(app, &options, &[], &[]).await?;
    let client = app.at(base_url);

    let values = send_everything(&client).await?;
    let reported = run_program(&app.superuser_url, &["worker", "--once"], "").await?;
    ensure!(reported.0 == Some(0), "{reported:?}");
    let before = server_log::without_errors(app, server).await?;
    let after = server_log::with_errors(app, server).await?;

    let session = client.session(0, role::ADMIN).await?;
    // Components and the worker log an event when the database cannot be reached.
    server.stop().await?;
    send_in_vain(&client, &session).await?;
    worker
        .printed_until("the worker logs a failure", |printed| {
            printed.errors.contains("cannot reach PostgreSQL")
        })
        .await?;
    let (host, worker) = (host.stop().await?, worker.stop().await?);
    ensure_is_complete(&host)?;
    for log in [
        &before,
        &after,
        &host.output,
        &host.errors,
        &worker.output,
        &worker.errors,
        &reported.1,
        &reported.2,
    ] {
        let found = with_values(log, &values);
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}

/// Returns the lines that contain one of the values, or marked input.
fn with_values<'a>(log: &'a str, values: &BTreeSet<String>) -> Vec<&'a str> {
    log.lines()
        .filter(|line| {
            line.to_lowercase().contains(MARK)
                || line.contains(DIGITS)
                || values.iter().any(|value| line.contains(value.as_str()))
        })
        .collect()
}

/// Checks that the host has logged every kind of event: requests, and failures of each component.
fn ensure_is_complete(host: &Printed) -> Result<()> {
    let events: Vec<Value> = host
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    let components = |target: &str| -> BTreeSet<&str> {
        events
            .iter()
            .filter(|event| event["target"] == target)
            .filter_map(|event| event["component"].as_str())
            .collect()
    };
    let with_database = ["academics", "finance", "requests", "users"];
    for component in with_database {
        for target in ["access", "component"] {
            ensure!(
                components(target).contains(component),
                "{component} is not in {target}: {:?}",
                components(target)
            );
        }
    }
    Ok(())
}

/// Sends requests to every endpoint, and returns the values in them that are not marked.
async fn send_everything(client: &Application) -> Result<BTreeSet<String>> {
    let mut values = secrets(client)?;
    values.insert(ID_IN_PATHS.to_string());
    for tenant in &client.demo.tenants {
        for user in &tenant.users {
            values.extend([user.email.clone(), user.password.clone()]);
        }
    }
    let session = client.sign_in(role::ADMIN).await?;
    values.extend([session.token.clone(), session.refresh_token.clone()]);

    let mut sender = Sender::new(client).await?;
    for _ in 0..2 {
        sender.send_all().await?;
    }
    for status in [200, 201, 400, 401, 403, 404, 409, 412, 422] {
        let count = sender.statuses.get(&status).copied().unwrap_or_default();
        ensure!(count > 0, "never {status}: {:?}", sender.statuses);
    }
    send_malformed(client).await?;
    sign_in_wrongly(client).await?;
    erase_person(client).await?;
    let body = json!({"refresh_token": session.refresh_token});
    let refreshed = client
        .call(None, Method::POST, "/v1/auth/refresh", Some(body))
        .await?
        .expect(200)
        .json();
    for name in ["access_token", "refresh_token"] {
        values.insert(refreshed[name].as_str().context("a token")?.to_owned());
    }
    Ok(values)
}

/// Returns the secrets of the installation: the signing keys, and the passwords of database roles.
fn secrets(app: &Application) -> Result<BTreeSet<String>> {
    let keys = app.variables["signing_keys"].split(',');
    let keys = keys.map(|key| key.split_once(':').map_or(key, |(_, secret)| secret));
    let mut secrets: BTreeSet<String> = keys.map(|key| key.trim().to_owned()).collect();
    let database = &app.demo.database;
    for url in [
        &database.superuser_url,
        &database.owner_url,
        &database.application_url,
    ] {
        let password = Url::parse(url)?.password().map(str::to_owned);
        secrets.insert(password.context("no password")?);
    }
    ensure!(
        secrets.len() >= 3 && secrets.iter().all(|secret| secret.len() >= 16),
        "{} secrets",
        secrets.len()
    );
    Ok(secrets)
}

/// Sends requests that cannot be parsed, with marks in the method, the path, headers and bodies.
async fn send_malformed(client: &Application) -> Result<()> {
    let token = client.session(0, role::ADMIN).await?.token;
    for header in HEADERS {
        let request = client
            .request(Method::PATCH, &format!("/v1/users/{ID_IN_PATHS}"))
            .bearer_auth(&token)
            .header(header, format!("{MARK} Byron"))
            .json(&json!({"name": MARK}));
        ensure!(request.send().await?.status().is_client_error(), "{header}");
    }
    for identity in ["x-request-id", "traceparent"] {
        let request = client
            .request(Method::GET, &format!("/{MARK}?{MARK}={MARK}"))
            .header(identity, format!("{MARK} Byron"));
        ensure!(request.send().await?.status() == 404);
    }
    for (method, path) in [("ZQMK", "/v1/users"), ("POST", "/v1/zqmk")] {
        let request = client
            .request(Method::from_bytes(method.as_bytes())?, path)
            .bearer_auth(&token);
        ensure!(request.send().await?.status().is_client_error(), "{method}");
    }
    for body in ["zqmk Byron", "{\"name\": zqmk", "{\"name\": \"zqmk\""] {
        let request = client
            .request(Method::POST, "/v1/users")
            .bearer_auth(&token)
            .header("content-type", "application/json")
            .body(body);
        ensure!(request.send().await?.status() == 400, "{body}");
    }
    Ok(())
}

/// Sends a request to every endpoint, which fails because there is no database.
async fn send_in_vain(client: &Application, session: &Session) -> Result<()> {
    for endpoint in COMPONENTS.iter().flat_map(|one| one.endpoints()) {
        let request = client
            .request(
                endpoint.method.clone(),
                &endpoint_path(&endpoint, ID_IN_PATHS),
            )
            .bearer_auth(&session.token)
            .header("if-match", "*")
            .json(&json!({"name": format!("{MARK} Byron")}));
        request.send().await?;
    }
    Ok(())
}

/// Tries passwords and one-use tokens that are wrong.
async fn sign_in_wrongly(app: &Application) -> Result<()> {
    let slug = &app.demo.tenants[0].slug;
    for (tenant, email) in [
        (slug.as_str(), "admin@aurora.example"),
        (slug.as_str(), "zqmk@aurora.example"),
        ("zqmk", "zqmk@aurora.example"),
    ] {
        let body = json!({"tenant": tenant, "email": email, "password": "zqmk-a-password"});
        for _ in 0..7 {
            let request = app
                .request(http::Method::POST, "/v1/auth/login")
                .json(&body);
            let reply = send(request).await?;
            ensure!([401, 429].contains(&reply.status), "{}", reply.text);
        }
    }
    let body =
        json!({"token": format!("{MARK}-{}", "x".repeat(40)), "password": "zqmk-a-password"});
    let request = app
        .request(http::Method::POST, "/v1/auth/password-reset/confirm")
        .json(&body);
    ensure!(send(request).await?.status >= 400);
    Ok(())
}

async fn erase_person(app: &Application) -> Result<()> {
    let admin = app.session(0, role::ADMIN).await?;
    let body = json!({"name": "zqmk Byron", "email": "zqmk.erased@work.example", "phone": format!("+44{DIGITS}"), "role": "parent"});
    let created = app
        .post(&admin, "/v1/users", body.clone())
        .await?
        .expect(201)
        .json();
    app.post(&admin, "/v1/users", body).await?.expect(409);
    let path = format!(
        "/v1/privacy/subjects/{}/erase",
        created["id"].as_str().context("an id")?
    );
    let reply = app
        .post(&admin, &path, json!({"reason": "zqmk asked"}))
        .await?;
    ensure!(reply.status < 500, "{}", reply.text);
    Ok(())
}
