//! Tests the limits of long polls for events, by session, tenant and cell.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::json;
use tests::{Application, Reply, Session, fault_injection::within_timeout, queries, role, run};

use crate::slow_clients::others_are_served;

/// Polls for events after the position.
async fn poll(app: &Application, session: &Session, after: i64) -> Result<Reply> {
    let path = format!("/v1/events?after={after}&wait=30");
    Ok(within_timeout(app.get(session, &path)).await?.expect(200))
}

/// Starts `each` polls in every session, and asserts that all but `wait` of them end at once, and
/// that the waiting ones get a new event.
async fn assert_polls_limited(
    app: &Application,
    sessions: &[Session],
    each: usize,
    wait: usize,
) -> Result<()> {
    let admin = sessions.first().context("a session")?;
    let sql = "lms.event_log where tenant_id = $1";
    // Signing in writes events, so the log is read to its end first.
    within_timeout(app.get(admin, "/v1/events"))
        .await?
        .expect(200);
    let end = queries::count(app, sql, &[&admin.tenant]).await?;
    let mut polls: FuturesUnordered<_> = sessions
        .iter()
        .flat_map(|session| (0..each).map(move |_| poll(app, session, end)))
        .collect();
    let excess_count = sessions.len() * each - wait;
    let mut excess_answered = 0;
    while excess_answered < excess_count {
        let reply = polls.next().await.context("a poll")??;
        ensure!(reply.json()["data"] == json!([]), "{}", reply.text);
        ensure!(reply.header("retry-after") == "3");
        excess_answered += 1;
    }
    let served = others_are_served(app, admin, "lake");
    let remaining = async {
        let mut remaining = Vec::new();
        while let Some(reply) = polls.next().await {
            remaining.push(reply?);
        }
        anyhow::Ok(remaining)
    };
    let (remaining, served) = tokio::join!(remaining, served);
    served?;
    let remaining = remaining?;
    ensure!(remaining.len() == wait, "{}", remaining.len());
    for reply in remaining {
        ensure!(reply.json()["data"] != json!([]), "{}", reply.text);
        ensure!(reply.header("retry-after").is_empty());
    }
    let sql = "lms_private.event_waits where tenant_id = $1";
    assert_eq!(queries::count(app, sql, &[&admin.tenant]).await?, 0);
    Ok(())
}

#[test]
fn of_two_hundred_polls_of_a_session_the_newest_four_wait() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        assert_polls_limited(app, &[admin], 200, 4).await
    });
}

#[test]
fn of_the_polls_of_a_tenant_the_newest_thirty_two_wait() {
    run(async |app| {
        let mut sessions = Vec::new();
        for _ in 0..10 {
            sessions.push(app.sign_in(role::ADMIN).await?);
        }
        assert_polls_limited(app, &sessions, 4, 32).await
    });
}

/// Inserts this many waiting polls for each of some other tenants, every poll in a session of its own.
async fn insert_polls_of_others(app: &Application, tenants: i32, each: i32) -> Result<()> {
    queries::execute(
        app,
        "insert into lms_private.event_waits (tenant_id, ticket, session_id, ends_at)
        select t.id, gen_random_uuid(), gen_random_uuid(), now() + interval '5 minutes'
        from (
          select gen_random_uuid() as id
          from generate_series(1, $1::integer)
        ) as t
        cross join generate_series(1, $2::integer)",
        &[&tenants, &each],
    )
    .await?;
    Ok(())
}

#[test]
fn a_full_cell_ends_the_oldest_poll_of_the_tenant_with_the_most() {
    run(async |app| {
        let sessions = [
            app.sign_in(role::ADMIN).await?,
            app.sign_in(role::ADMIN).await?,
        ];
        // With these, four slots are left.
        insert_polls_of_others(app, 124, 1).await?;
        assert_polls_limited(app, &sessions, 4, 4).await
    });
}

#[test]
fn a_tenant_with_few_polls_keeps_them_under_load_of_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // There are more polls than slots, and each of the other tenants has its maximum.
        insert_polls_of_others(app, 12, 32).await?;
        let sql = "lms.event_log where tenant_id = $1";
        within_timeout(app.get(&admin, "/v1/events"))
            .await?
            .expect(200);
        let end = queries::count(app, sql, &[&admin.tenant]).await?;
        let path = format!("/v1/events?after={end}&wait=3");
        let begun = Instant::now();
        let polls = (0..4).map(|_| within_timeout(app.get(&admin, &path)));
        for reply in futures::future::try_join_all(polls).await? {
            let reply = reply.expect(200);
            ensure!(reply.json()["data"] == json!([]), "{}", reply.text);
            ensure!(reply.header("retry-after").is_empty());
        }
        ensure!(begun.elapsed() >= Duration::from_secs(3));
        Ok(())
    });
}
