//! Faults of the database and of clients: bounded waits, recovery without a restart, nothing half-written.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::json;
use tests::{
    Application, Session,
    interruptions::{
        beside, centre, disconnect, hold_writers, is_unavailable, until_waiting, within,
    },
    role, rows, run, send, wire,
};
use tokio::io::AsyncWriteExt;
use tokio_postgres::Client;

#[test]
fn a_database_that_is_away_is_a_503_and_comes_back_by_itself() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        let (name, server) = beside(app).await?;
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
            is_unavailable(&within(app.get(&admin, "/v1/users")).await?);
            is_unavailable(&within(app.post(&admin, "/v1/centres", centre("lake"))).await?);
            let login = json!({"tenant": "aurora", "email": "x@y.example", "password": "x"});
            is_unavailable(
                &within(app.call(None, Method::POST, "/v1/auth/login", Some(login))).await?,
            );
            is_unavailable(&within(app.call(None, Method::GET, "/readyz", None)).await?);
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
            rows::count(app, "lms.centres where code = 'lake'", &[]).await?,
            0
        );
        Ok(())
    });
}

#[test]
fn connections_that_the_server_cut_are_replaced() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = beside(app).await?;
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
            disconnect(&server, &name).await?;
            // A connection may have been handed out before its end was seen: that request is told to come again.
            let mut status = 0;
            for _ in 0..16 {
                let reply = within(app.get(&admin, "/v1/centres")).await?;
                status = reply.status;
                if status == 200 {
                    break;
                }
                is_unavailable(&reply);
            }
            assert_eq!(status, 200, "round {round}");
        }
        Ok(())
    });
}

#[test]
fn a_lock_that_is_not_given_up_is_a_503() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        hold_writers(&holder, admin.tenant).await?;
        let before = rows::written(app).await?;
        is_unavailable(&within(app.post(&admin, "/v1/centres", centre("lake"))).await?);
        // Reading goes on, and so do others' writes.
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        let other = within(app.sign_in_to(1, role::ADMIN)).await?;
        within(app.post(&other, "/v1/centres", centre("lake")))
            .await?
            .expect(201);
        holder.rollback().await?;
        assert_ne!(rows::written(app).await?, before);
        assert_eq!(
            rows::count(app, "lms.centres where code = 'lake'", &[]).await?,
            1
        );
        within(app.post(&admin, "/v1/centres", centre("lake")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_key_whose_first_request_is_stuck_is_a_503_and_free_afterwards() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = || {
            app.request(Method::POST, "/v1/centres")
                .bearer_auth(&admin.token)
                .header("idempotency-key", "stuck")
                .json(&centre("lake"))
        };
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        hold_writers(&holder, admin.tenant).await?;
        let (first, second) = tokio::join!(within(send(request())), within(send(request())));
        is_unavailable(&first?);
        is_unavailable(&second?);
        holder.rollback().await?;
        assert_eq!(rows::count(app, "lms.idempotency_keys", &[]).await?, 0);
        let made = within(send(request())).await?.expect(201);
        assert_eq!(made.header("idempotency-replayed"), "");
        Ok(())
    });
}

/// Begins a request that waits for a lock, and hangs up on it.
async fn hang_up(
    app: &Application,
    session: &Session,
    database: &str,
    watcher: &Client,
) -> Result<()> {
    let body = centre("lake").to_string();
    let request = format!(
        "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
        Content-Length: {}\r\n\r\n{body}",
        session.token,
        body.len()
    );
    let mut stream = wire::connect(app).await?;
    stream.write_all(request.as_bytes()).await?;
    until_waiting(watcher, database, true).await?;
    drop(stream);
    Ok(())
}

#[test]
fn a_client_that_goes_away_leaves_nothing_half_written_and_nothing_to_see() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other = app.sign_in_to(1, role::STUDENT).await?;
        let (name, watcher) = beside(app).await?;
        for _ in 0..3 {
            let mut client = app.superuser().await?;
            let holder = client.transaction().await?;
            hold_writers(&holder, admin.tenant).await?;
            hang_up(app, &admin, &name, &watcher).await?;
            // The statement is stopped, by the host or at the latest by its lock time-out.
            until_waiting(&watcher, &name, false).await?;
            holder.rollback().await?;
            let idle = "select count(*) from pg_stat_activity where datname = $1 and usename = 'lms_application' and xact_start is not null";
            let open: i64 = watcher.query_one(idle, &[&name]).await?.get(0);
            ensure!(open == 0, "{open} transactions are open");
            assert_eq!(
                rows::count(app, "lms.centres where code = 'lake'", &[]).await?,
                0
            );
            let events =
                rows::count(app, "lms.event_log where state->>'code' = 'lake'", &[]).await?;
            assert_eq!(events, 0);
            // Whoever borrows the connection next sees what is his.
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
        app.post(&admin, "/v1/centres", centre("lake"))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_client_that_never_ends_its_body_holds_up_nobody() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        for _ in 0..20 {
            let mut stream = wire::connect(app).await?;
            let head = format!(
                "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{{\"name\":",
                admin.token
            );
            stream.write_all(head.as_bytes()).await?;
            slow.push(stream);
        }
        for _ in 0..20 {
            within(app.get(&admin, "/v1/centres")).await?.expect(200);
        }
        drop(slow);
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        Ok(())
    });
}

#[test]
fn a_database_of_another_region_or_a_role_past_row_security_is_not_served() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        rows::execute(app, "alter table lms_private.cell disable trigger all", &[]).await?;
        rows::execute(app, "update lms_private.cell set region = 'us'", &[]).await?;
        is_unavailable(&app.get(&admin, "/v1/users").await?);
        is_unavailable(&app.call(None, Method::GET, "/readyz", None).await?);
        rows::execute(app, "update lms_private.cell set region = 'eu'", &[]).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        rows::execute(app, "alter table lms.users disable row level security", &[]).await?;
        is_unavailable(&app.get(&admin, "/v1/users").await?);
        is_unavailable(&app.call(None, Method::GET, "/readyz", None).await?);
        rows::execute(app, "alter table lms.users enable row level security", &[]).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        Ok(())
    });
}
