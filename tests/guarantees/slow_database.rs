//! Tests bounded waits and automatic recovery with a database that responds slowly or not at all,
//! or accepts no connections.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{
    Application, Reply, Session,
    fault_injection::{
        assert_unavailable, block_writers, centre_body, database_name_and_server,
        terminate_connections, wait_until_blocked, within_timeout,
    },
    queries, role, run, run_behind_proxy, send,
};

/// A number of requests that exceeds the pool's connections.
const REQUESTS: usize = 100;

/// Sends this many requests concurrently and returns the responses.
async fn send_concurrently(
    app: &Application,
    session: &Session,
    count: usize,
) -> Result<Vec<Reply>> {
    let requests: Vec<_> = (0..count)
        .map(|_| {
            tokio::spawn(send(
                app.request(Method::GET, "/v1/centres")
                    .bearer_auth(&session.token),
            ))
        })
        .collect();
    let mut replies = Vec::new();
    for request in requests {
        replies.push(within_timeout(async { request.await? }).await?);
    }
    Ok(replies)
}

#[test]
fn a_lost_database_response_is_a_503_and_the_change_is_made_once() {
    run_behind_proxy(async |app, proxy| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = || {
            app.request(Method::POST, "/v1/users")
                .bearer_auth(&admin.token)
                .header("idempotency-key", "lost")
                .json(&json!({"name": "Ana", "email": "ana@lake.example", "role": "parent"}))
        };
        // Each thread of the host opens its connection now, because a new one would not reach the
        // database while responses are held.
        let warm_up = (0..16).map(|_| app.get(&admin, "/v1/auth/me"));
        for reply in futures::future::try_join_all(warm_up).await? {
            reply.expect(200);
        }
        proxy.hold_responses(true);
        assert_unavailable(&within_timeout(send(request())).await?);
        within_timeout(app.call(None, Method::GET, "/v1/regions", None))
            .await?
            .expect(200);
        proxy.hold_responses(false);
        // Only the response was lost, so that repeating the request with its key returns it.
        let again = within_timeout(send(request())).await?.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        let created =
            queries::count(app, "lms.users where email = 'ana@lake.example'", &[]).await?;
        assert_eq!(created, 1);
        Ok(())
    });
}

#[test]
fn a_statement_that_takes_too_long_is_a_503_and_writes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // A wait for a lock would end after the lock timeout, so a trigger sleeps until the
        // statement timeout.
        queries::execute(
            app,
            "create function lms.dawdle() returns trigger language plpgsql as
            $$ begin perform pg_sleep(120); return new; end $$",
            &[],
        )
        .await?;
        queries::execute(
            app,
            "create trigger dawdle after insert on lms.centres for each row
            execute function lms.dawdle()",
            &[],
        )
        .await?;
        let before = queries::write_counters(app).await?;
        assert_unavailable(
            &within_timeout(app.post(&admin, "/v1/centres", centre_body("lake"))).await?,
        );
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        assert_eq!(queries::write_counters(app).await?, before);
        queries::execute(app, "drop trigger dawdle on lms.centres", &[]).await?;
        within_timeout(app.post(&admin, "/v1/centres", centre_body("lake")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn waiting_statements_do_not_delay_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = database_name_and_server(app).await?;
        // The lock timeout of new connections equals the statement timeout, so that no wait ends earlier.
        server
            .batch_execute(&format!(
                "alter role lms_application in database {name} set lock_timeout = '10s'"
            ))
            .await?;
        terminate_connections(&server, &name).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        block_writers(&holder, admin.tenant).await?;
        // The number exceeds the permits for short statements.
        let writers: Vec<_> = (0..20)
            .map(|number| {
                tokio::spawn(send(
                    app.request(Method::POST, "/v1/centres")
                        .bearer_auth(&admin.token)
                        .json(&centre_body(&format!("lake-{number}"))),
                ))
            })
            .collect();
        wait_until_blocked(&server, &name, true).await?;
        for _ in 0..10 {
            within_timeout(app.get(&admin, "/v1/centres"))
                .await?
                .expect(200);
        }
        assert!(writers.iter().all(|writer| !writer.is_finished()));
        holder.rollback().await?;
        for writer in writers {
            within_timeout(async { writer.await? }).await?.expect(201);
        }
        Ok(())
    });
}

#[test]
fn a_pool_without_a_free_connection_is_a_503_and_recovers() {
    run_behind_proxy(async |app, proxy| {
        let admin = app.sign_in(role::ADMIN).await?;
        proxy.hold_responses(true);
        for reply in send_concurrently(app, &admin, REQUESTS).await? {
            assert_unavailable(&reply);
        }
        proxy.hold_responses(false);
        for reply in send_concurrently(app, &admin, 10).await? {
            reply.expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_server_that_takes_no_more_connections_is_a_503_and_recovers() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = database_name_and_server(app).await?;
        let limit = async |connections: i32| {
            let sql = format!("alter database {name} connection limit {connections}");
            server.batch_execute(&sql).await
        };
        terminate_connections(&server, &name).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        block_writers(&holder, admin.tenant).await?;
        // The superuser's connection counts. One more is available, which a request that waits for a lock takes.
        limit(2).await?;
        let others = async {
            wait_until_blocked(&server, &name, true).await?;
            for _ in 0..3 {
                assert_unavailable(&within_timeout(app.get(&admin, "/v1/centres")).await?);
            }
            holder.rollback().await?;
            anyhow::Ok(())
        };
        let (first, others) = tokio::join!(
            within_timeout(app.post(&admin, "/v1/centres", centre_body("lake"))),
            others
        );
        others?;
        first?.expect(201);
        limit(-1).await?;
        for reply in send_concurrently(app, &admin, 10).await? {
            reply.expect(200);
        }
        Ok(())
    });
}
