//! Tests faults of the database and of clients: bounded waits, automatic recovery and no partial writes.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::json;
use tests::{
    Application, Session,
    fault_injection::{
        assert_unavailable, block_writers, centre_body, database_name_and_server,
        terminate_connections, wait_until_blocked, within_timeout,
    },
    queries, raw_connection, role, run, send,
};
use tokio::io::AsyncWriteExt;
use tokio_postgres::Client;

#[test]
fn an_unavailable_database_is_a_503_and_recovery_is_automatic() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        let (name, server) = database_name_and_server(app).await?;
        for _ in 0..2 {
            server
                .batch_execute(&format!("alter database {name} allow_connections false"))
                .await?;
            server
                .execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
                    &[&name],
                )
                .await?;
            assert_unavailable(&within_timeout(app.get(&admin, "/v1/users")).await?);
            assert_unavailable(
                &within_timeout(app.post(&admin, "/v1/centres", centre_body("lake"))).await?,
            );
            let login = json!({"tenant": "aurora", "email": "x@y.example", "password": "x"});
            assert_unavailable(
                &within_timeout(app.call(None, Method::POST, "/v1/auth/login", Some(login)))
                    .await?,
            );
            assert_unavailable(
                &within_timeout(app.call(None, Method::GET, "/readyz", None)).await?,
            );
            app.call(None, Method::GET, "/healthz", None)
                .await?
                .expect(200);
            app.call(None, Method::GET, "/v1/regions", None)
                .await?
                .expect(200);
            server
                .batch_execute(&format!("alter database {name} allow_connections true"))
                .await?;
            app.get(&admin, "/v1/users").await?.expect(200);
            app.call(None, Method::GET, "/readyz", None)
                .await?
                .expect(200);
        }
        assert_eq!(
            queries::count(app, "lms.centres where code = 'lake'", &[]).await?,
            0
        );
        Ok(())
    });
}

#[test]
fn connections_closed_by_the_server_are_replaced() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = database_name_and_server(app).await?;
        for round in 0..5 {
            let requests: Vec<_> = (0..8)
                .map(|_| {
                    tokio::spawn(send(
                        app.request(Method::GET, "/v1/centres")
                            .bearer_auth(&admin.token),
                    ))
                })
                .collect();
            for request in requests {
                request.await??.expect(200);
            }
            terminate_connections(&server, &name).await?;
            // A request may get a connection before its end is noticed, and then gets a 503.
            let mut status = 0;
            for _ in 0..16 {
                let reply = within_timeout(app.get(&admin, "/v1/centres")).await?;
                status = reply.status;
                if status == 200 {
                    break;
                }
                assert_unavailable(&reply);
            }
            assert_eq!(status, 200, "round {round}");
        }
        Ok(())
    });
}

#[test]
fn a_lock_that_is_not_released_is_a_503() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        block_writers(&holder, admin.tenant).await?;
        let before = queries::write_counters(app).await?;
        assert_unavailable(
            &within_timeout(app.post(&admin, "/v1/centres", centre_body("lake"))).await?,
        );
        // Reads continue, and so do the writes of other tenants.
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        let other = within_timeout(app.sign_in_to(1, role::ADMIN)).await?;
        within_timeout(app.post(&other, "/v1/centres", centre_body("lake")))
            .await?
            .expect(201);
        holder.rollback().await?;
        assert_ne!(queries::write_counters(app).await?, before);
        assert_eq!(
            queries::count(app, "lms.centres where code = 'lake'", &[]).await?,
            1
        );
        within_timeout(app.post(&admin, "/v1/centres", centre_body("lake")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn the_idempotency_key_of_a_request_that_got_a_503_remains_usable() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = || {
            app.request(Method::POST, "/v1/centres")
                .bearer_auth(&admin.token)
                .header("idempotency-key", "stuck")
                .json(&centre_body("lake"))
        };
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        block_writers(&holder, admin.tenant).await?;
        let (first, second) = tokio::join!(
            within_timeout(send(request())),
            within_timeout(send(request()))
        );
        assert_unavailable(&first?);
        assert_unavailable(&second?);
        holder.rollback().await?;
        assert_eq!(queries::count(app, "lms.idempotency_keys", &[]).await?, 0);
        let created = within_timeout(send(request())).await?.expect(201);
        assert_eq!(created.header("idempotency-replayed"), "");
        Ok(())
    });
}

/// Sends a request that waits for a lock, and disconnects.
async fn send_and_disconnect(
    app: &Application,
    session: &Session,
    database: &str,
    watcher: &Client,
) -> Result<()> {
    let body = centre_body("lake").to_string();
    let request = format!(
        "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
        Content-Length: {}\r\n\r\n{body}",
        session.token,
        body.len()
    );
    let mut stream = raw_connection::connect(app).await?;
    stream.write_all(request.as_bytes()).await?;
    wait_until_blocked(watcher, database, true).await?;
    drop(stream);
    Ok(())
}

#[test]
fn a_client_that_disconnects_leaves_no_partial_write() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other = app.sign_in_to(1, role::STUDENT).await?;
        let (name, watcher) = database_name_and_server(app).await?;
        for _ in 0..3 {
            let mut client = app.superuser().await?;
            let holder = client.transaction().await?;
            block_writers(&holder, admin.tenant).await?;
            send_and_disconnect(app, &admin, &name, &watcher).await?;
            // The host or the lock timeout ends the statement.
            wait_until_blocked(&watcher, &name, false).await?;
            holder.rollback().await?;
            let idle = "select count(*) from pg_stat_activity where datname = $1 and usename = 'lms_application' and xact_start is not null";
            let open: i64 = watcher.query_one(idle, &[&name]).await?.get(0);
            ensure!(open == 0, "{open} transactions are open");
            assert_eq!(
                queries::count(app, "lms.centres where code = 'lake'", &[]).await?,
                0
            );
            let events =
                queries::count(app, "lms.event_log where state->>'code' = 'lake'", &[]).await?;
            assert_eq!(events, 0);
            // The next user of the connection sees only their own rows.
            for _ in 0..8 {
                let tenants = app.get(&other, "/v1/tenants").await?.expect(200).json();
                assert_eq!(tenants["data"][0]["id"], json!(other.tenant));
                let users = app.get(&other, "/v1/users").await?.expect(200).json();
                assert_eq!(users["data"].as_array().map(Vec::len), Some(1));
            }
            app.call(None, Method::GET, "/v1/users", None)
                .await?
                .expect(401);
        }
        app.post(&admin, "/v1/centres", centre_body("lake"))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_client_that_never_ends_its_body_does_not_delay_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        for _ in 0..20 {
            let mut stream = raw_connection::connect(app).await?;
            let head = format!(
                "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{{\"name\":",
                admin.token
            );
            stream.write_all(head.as_bytes()).await?;
            slow.push(stream);
        }
        for _ in 0..20 {
            within_timeout(app.get(&admin, "/v1/centres"))
                .await?
                .expect(200);
        }
        drop(slow);
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_database_of_another_region_or_without_row_security_is_not_served() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // The database of another region has sessions of that region.
        let move_to = async |region: &str| -> Result<()> {
            for table in ["cell", "live_sessions"] {
                let sql = format!("update lms_private.{table} set region = $1");
                queries::execute(app, &sql, &[&region]).await?;
            }
            Ok(())
        };
        move_to("us").await?;
        assert_unavailable(&app.get(&admin, "/v1/users").await?);
        assert_unavailable(&app.call(None, Method::GET, "/readyz", None).await?);
        move_to("eu").await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        queries::execute(app, "alter table lms.users disable row level security", &[]).await?;
        assert_unavailable(&app.get(&admin, "/v1/users").await?);
        assert_unavailable(&app.call(None, Method::GET, "/readyz", None).await?);
        queries::execute(app, "alter table lms.users enable row level security", &[]).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        Ok(())
    });
}
