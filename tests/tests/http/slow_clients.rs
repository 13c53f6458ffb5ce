//! Clients that send slowly are cut off, and hold up nobody meanwhile.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{Application, Role, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::faults::within;
use crate::wire;

/// How often a slow client sends a byte.
const DRIP: Duration = Duration::from_millis(500);

/// Sends the beginning of a request and then, byte by byte, something that never ends it; returns what was
/// answered once the server has hung up.
async fn drip(app: &Application, beginning: &str, byte: u8) -> Result<String> {
    let mut stream = wire::connect(app).await?;
    stream.write_all(beginning.as_bytes()).await?;
    let (mut answers, mut requests) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        // Once the server has hung up, there is nobody to write to.
        while requests.write_all(&[byte]).await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
        std::future::pending::<()>().await
    };
    tokio::select! {
        // What was answered before a connection was reset has been read all the same.
        _ = answers.read_to_end(&mut answer) => {}
        () = dripping => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Says nothing until the server hangs up.
async fn silence(app: &Application) -> Result<()> {
    let mut answer = Vec::new();
    wire::connect(app).await?.read_to_end(&mut answer).await?;
    ensure!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[test]
fn a_client_that_sends_its_head_slowly_or_not_at_all_is_cut_off() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let beginning = "GET /v1/centres HTTP/1.1\r\nHost: x\r\nX-Long: ";
        let slow = async {
            let clients = (0..20).map(|_| within(drip(app, beginning, b'a')));
            futures::future::try_join_all(clients).await
        };
        let others = async {
            for _ in 0..20 {
                within(app.get(&admin, "/v1/centres")).await?.expect(200);
            }
            anyhow::Ok(())
        };
        let (slow, silent, others) = tokio::join!(slow, within(silence(app)), others);
        others?;
        silent?;
        for answer in slow? {
            ensure!(!answer.contains(" 200 "), "{answer}");
        }
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        Ok(())
    });
}

#[test]
fn a_body_that_stands_still_is_a_408() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let head = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Content-Length: 100\r\n\r\n{{\"name\":",
            admin.token
        );
        let answer = within(wire::conversation(app, head.as_bytes())).await?;
        let (head, body) = wire::parts(&answer)?;
        ensure!(head.starts_with("HTTP/1.1 408 "), "{answer}");
        ensure!(body.contains("/problems/body-too-slow"), "{answer}");
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        Ok(())
    });
}

#[test]
fn a_body_that_never_ends_is_cut_off() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let beginning = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Content-Length: 100000\r\n\r\n{{\"name\":\"",
            admin.token
        );
        let cut_off = tokio::time::timeout(3 * crate::faults::BOUND, drip(app, &beginning, b'a'));
        let answer = cut_off.await??;
        ensure!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        Ok(())
    });
}
