//! Tests restarts of PostgreSQL and of the application during requests.

use anyhow::{Result, ensure};
use http::Method;
use tests::{
    Application,
    fault_injection::{
        assert_unavailable, block_writers, centre_body, database_name_and_server,
        wait_until_blocked, within_timeout,
    },
    queries, raw_connection, role, run, run_on_own_server,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[test]
fn the_application_reconnects_to_a_restarted_postgresql() {
    run_on_own_server(async |app, server| {
        let admin = app.sign_in(role::ADMIN).await?;
        for round in 0..2 {
            let code = format!("lake-{round}");
            within_timeout(app.get(&admin, "/v1/centres"))
                .await?
                .expect(200);
            server.stop().await?;
            assert_unavailable(&within_timeout(app.get(&admin, "/v1/centres")).await?);
            assert_unavailable(
                &within_timeout(app.post(&admin, "/v1/centres", centre_body(&code))).await?,
            );
            assert_unavailable(
                &within_timeout(app.call(None, Method::GET, "/readyz", None)).await?,
            );
            server.start().await?;
            within_timeout(app.get(&admin, "/v1/centres"))
                .await?
                .expect(200);
            within_timeout(app.post(&admin, "/v1/centres", centre_body(&code)))
                .await?
                .expect(201);
            within_timeout(app.call(None, Method::GET, "/readyz", None))
                .await?
                .expect(200);
            let found = queries::count(app, "lms.centres where code = $1", &[&code]).await?;
            assert_eq!(found, 1);
        }
        Ok(())
    });
}

/// Waits until the port is closed.
async fn until_closed(app: &Application) -> Result<()> {
    within_timeout(async {
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
fn requests_in_flight_are_completed_when_the_host_stops() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (name, watcher) = database_name_and_server(app).await?;
        let mut client = app.superuser().await?;
        let holder = client.transaction().await?;
        block_writers(&holder, admin.tenant).await?;
        let mut idle = raw_connection::connect(app).await?;
        let stop = async {
            wait_until_blocked(&watcher, &name, true).await?;
            app.shut_down();
            until_closed(app).await?;
            // An idle connection does not keep the host running.
            let mut nothing = Vec::new();
            within_timeout(async { Ok(idle.read_to_end(&mut nothing).await?) }).await?;
            ensure!(nothing.is_empty());
            holder.rollback().await?;
            anyhow::Ok(())
        };
        let (answer, stop) = tokio::join!(
            within_timeout(app.post(&admin, "/v1/centres", centre_body("lake"))),
            stop
        );
        stop?;
        let answer = answer?.expect(201);
        assert_eq!(answer.json()["code"], "lake");
        let created = queries::count(app, "lms.centres where code = 'lake'", &[]).await?;
        assert_eq!(created, 1);
        Ok(())
    });
}
