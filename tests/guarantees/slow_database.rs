//! A database that answers slowly, not at all, or takes no more connections: bounded waits, and recovery by itself.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{
    Application, Reply, Session,
    interruptions::{
        beside, centre, disconnect, hold_writers, is_unavailable, until_waiting, within,
    },
    role, rows, run, run_behind_proxy, send,
};

/// More than the pool has connections.
const CROWD: usize = 100;

/// As many requests at once.
async fn crowd(app: &Application, session: &Session, count: usize) -> Result<Vec<Reply>> {
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
        replies.push(within(async { request.await? }).await?);
    }
    Ok(replies)
}

#[test]
fn an_answer_that_never_comes_is_a_503_and_the_change_is_made_once() {
    run_behind_proxy(async |app, proxy| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = || {
            app.request(Method::POST, "/v1/users")
                .bearer_auth(&admin.token)
                .header("idempotency-key", "lost")
                .json(&json!({"name": "Ana", "email": "ana@lake.example", "role": "parent"}))
        };
        proxy.mute(true);
        is_unavailable(&within(send(request())).await?);
        within(app.call(None, Method::GET, "/v1/regions", None))
            .await?
            .expect(200);
        proxy.mute(false);
        // Only the answer was lost: whoever repeats the request with its key gets that answer.
        let again = within(send(request())).await?.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        let made = rows::count(app, "lms.users where email = 'ana@lake.example'", &[]).await?;
        assert_eq!(made, 1);
        Ok(())
    });
}

#[test]
fn a_statement_that_takes_too_long_is_a_503_and_writes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // Waiting for a row's lock ends after the lock time-out; only time spent working reaches the statement's.
        rows::execute(
            app,
            "create function lms.dawdle() returns trigger language plpgsql as
            $$ begin perform pg_sleep(120); return new; end $$",
            &[],
        )
        .await?;
        rows::execute(
            app,
            "create trigger dawdle after insert on lms.centres for each row
            execute function lms.dawdle()",
            &[],
        )
        .await?;
        let before = rows::written(app).await?;
        is_unavailable(&within(app.post(&admin, "/v1/centres", centre("lake"))).await?);
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        assert_eq!(rows::written(app).await?, before);
        rows::execute(app, "drop trigger dawdle on lms.centres", &[]).await?;
        within(app.post(&admin, "/v1/centres", centre("lake")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn statements_that_wait_hold_up_none_that_need_not() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = beside(app).await?;
        // As long as a statement may take at all: nobody's wait ends before. It holds for new connections.
        server
            .batch_execute(&format!(
                "alter role lms_application in database {name} set lock_timeout = '10s'"
            ))
            .await?;
        disconnect(&server, &name).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        hold_writers(&holder, admin.tenant).await?;
        // More than work at a time as long as each is soon done.
        let writers: Vec<_> = (0..20)
            .map(|number| {
                tokio::spawn(send(
                    app.request(Method::POST, "/v1/centres")
                        .bearer_auth(&admin.token)
                        .json(&centre(&format!("lake-{number}"))),
                ))
            })
            .collect();
        until_waiting(&server, &name, true).await?;
        for _ in 0..10 {
            within(app.get(&admin, "/v1/centres")).await?.expect(200);
        }
        assert!(writers.iter().all(|writer| !writer.is_finished()));
        holder.rollback().await?;
        for writer in writers {
            within(async { writer.await? }).await?.expect(201);
        }
        Ok(())
    });
}

#[test]
fn a_pool_without_a_free_connection_is_a_503_and_recovers() {
    run_behind_proxy(async |app, proxy| {
        let admin = app.sign_in(role::ADMIN).await?;
        proxy.mute(true);
        for reply in crowd(app, &admin, CROWD).await? {
            is_unavailable(&reply);
        }
        proxy.mute(false);
        for reply in crowd(app, &admin, 10).await? {
            reply.expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_server_that_takes_no_more_connections_is_a_503_and_recovers() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, server) = beside(app).await?;
        let limit = async |connections: i32| {
            let sql = format!("alter database {name} connection limit {connections}");
            server.batch_execute(&sql).await
        };
        disconnect(&server, &name).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        hold_writers(&holder, admin.tenant).await?;
        // The superuser's connection counts; one more is left, and a request that waits for a lock takes it.
        limit(2).await?;
        let others = async {
            until_waiting(&server, &name, true).await?;
            for _ in 0..3 {
                is_unavailable(&within(app.get(&admin, "/v1/centres")).await?);
            }
            holder.rollback().await?;
            anyhow::Ok(())
        };
        let (first, others) = tokio::join!(
            within(app.post(&admin, "/v1/centres", centre("lake"))),
            others
        );
        others?;
        first?.expect(201);
        limit(-1).await?;
        for reply in crowd(app, &admin, 10).await? {
            reply.expect(200);
        }
        Ok(())
    });
}
