//! What stops and starts again in the midst of requests: PostgreSQL, and the application itself.

use anyhow::{Result, ensure};
use http::Method;
use tests::{
    Application,
    interruptions::{beside, centre, hold_writers, is_unavailable, until_waiting, within},
    role, rows, run, run_on_own_server, wire,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[test]
fn a_postgresql_that_was_restarted_is_found_again() {
    run_on_own_server(async |app, server| {
        let admin = app.sign_in(role::ADMIN).await?;
        for round in 0..2 {
            let code = format!("lake-{round}");
            within(app.get(&admin, "/v1/centres")).await?.expect(200);
            server.stop().await?;
            is_unavailable(&within(app.get(&admin, "/v1/centres")).await?);
            is_unavailable(&within(app.post(&admin, "/v1/centres", centre(&code))).await?);
            is_unavailable(&within(app.call(None, Method::GET, "/readyz", None)).await?);
            server.start().await?;
            within(app.get(&admin, "/v1/centres")).await?.expect(200);
            within(app.post(&admin, "/v1/centres", centre(&code)))
                .await?
                .expect(201);
            within(app.call(None, Method::GET, "/readyz", None))
                .await?
                .expect(200);
            let found = rows::count(app, "lms.centres where code = $1", &[&code]).await?;
            assert_eq!(found, 1);
        }
        Ok(())
    });
}

/// Waits until nobody listens any more.
async fn until_closed(app: &Application) -> Result<()> {
    within(async {
        while TcpStream::connect(app.base_url.trim_start_matches("http://"))
            .await
            .is_ok()
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await
}

#[test]
fn a_request_in_flight_is_answered_when_the_host_is_told_to_stop() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, watcher) = beside(app).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        hold_writers(&holder, admin.tenant).await?;
        let mut idle = wire::connect(app).await?;
        let stop = async {
            until_waiting(&watcher, &name, true).await?;
            app.shut_down();
            until_closed(app).await?;
            // A connection that waits for its next request is no reason to go on.
            let mut nothing = Vec::new();
            within(async { Ok(idle.read_to_end(&mut nothing).await?) }).await?;
            ensure!(nothing.is_empty());
            holder.rollback().await?;
            anyhow::Ok(())
        };
        let (answer, stop) = tokio::join!(
            within(app.post(&admin, "/v1/centres", centre("lake"))),
            stop
        );
        stop?;
        let answer = answer?.expect(201);
        assert_eq!(answer.json()["code"], "lake");
        let made = rows::count(app, "lms.centres where code = 'lake'", &[]).await?;
        assert_eq!(made, 1);
        Ok(())
    });
}
