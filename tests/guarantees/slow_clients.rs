//! Clients that send or read slowly are cut off, and hold up nobody meanwhile.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::Method;
use tests::{
    Application, Session,
    interruptions::{centre, within},
    role, run, wire,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

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
        let admin = app.sign_in(role::ADMIN).await?;
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
        let admin = app.sign_in(role::ADMIN).await?;
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
        let admin = app.sign_in(role::ADMIN).await?;
        let beginning = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Content-Length: 100000\r\n\r\n{{\"name\":\"",
            admin.token
        );
        let cut_off =
            tokio::time::timeout(3 * tests::interruptions::BOUND, drip(app, &beginning, b'a'));
        let answer = cut_off.await??;
        ensure!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
        within(app.get(&admin, "/v1/centres")).await?.expect(200);
        Ok(())
    });
}

/// Begins a request and leaves its body unfinished.
async fn begin(
    app: &Application,
    session: &Session,
    path: &str,
    media: &str,
    length: usize,
) -> Result<TcpStream> {
    let mut stream = wire::connect(app).await?;
    let beginning = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {media}\r\n\
        Content-Length: {length}\r\n\r\n{{",
        session.token
    );
    stream.write_all(beginning.as_bytes()).await?;
    Ok(stream)
}

/// Others read, write and sign in, and whoever asks how the host is is told.
pub(crate) async fn others_are_served(
    app: &Application,
    session: &Session,
    code: &str,
) -> Result<()> {
    for _ in 0..10 {
        within(app.get(session, "/v1/centres")).await?.expect(200);
    }
    let made = within(app.post(session, "/v1/centres", centre(code)))
        .await?
        .expect(201)
        .json();
    // An answer without a body needs no room to be read in.
    let path = format!("/v1/centres/{}", made["id"].as_str().context("an id")?);
    within(app.call(Some(session), Method::DELETE, &path, None))
        .await?
        .expect(204);
    within(app.sign_in(role::TUTOR)).await?;
    for path in ["/healthz", "/readyz", "/.well-known/spin/health"] {
        within(app.call(None, Method::GET, path, None))
            .await?
            .expect(200);
    }
    Ok(())
}

#[test]
fn hundreds_of_slow_bodies_stop_nobody() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        for _ in 0..300 {
            slow.push(begin(app, &admin, "/v1/centres", "application/json", 100).await?);
        }
        others_are_served(app, &admin, "lake").await?;
        // They are told what was wrong, and their connections are closed.
        let mut answer = String::new();
        let first = slow.first_mut().context("a slow client")?;
        within(async { Ok(first.read_to_string(&mut answer).await?) }).await?;
        let (head, body) = wire::parts(&answer)?;
        ensure!(head.starts_with("HTTP/1.1 408 "), "{answer}");
        ensure!(body.contains("/problems/body-too-slow"), "{answer}");
        ensure!(wire::header(head, "x-request-id").is_some(), "{answer}");
        ensure!(
            wire::header(head, "connection") == Some("close"),
            "{answer}"
        );
        Ok(())
    });
}

#[test]
fn slow_imports_stop_nobody_and_wait_in_a_short_line() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        // Two are under way; 16 wait on each of at most 4 threads.
        for _ in 0..100 {
            slow.push(begin(app, &admin, "/v1/users/import", "text/csv", 64 << 20).await?);
        }
        let mut answers: FuturesUnordered<_> = slow
            .into_iter()
            .map(|mut stream| async move {
                // The connection stays open behind a refusal while the rest of the body comes.
                let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
                while !answer.ends_with(b"}") {
                    let read = stream.read(&mut piece).await?;
                    if read == 0 {
                        break;
                    }
                    answer.extend_from_slice(&piece[..read]);
                }
                anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
            })
            .collect();
        let refused = within(async { answers.next().await.context("an answer")? }).await?;
        let (head, body) = wire::parts(&refused)?;
        ensure!(head.starts_with("HTTP/1.1 503 "), "{refused}");
        ensure!(wire::header(head, "retry-after") == Some("30"), "{refused}");
        ensure!(body.contains("/problems/unavailable"), "{refused}");
        others_are_served(app, &admin, "lake").await?;
        // A file that is short has nothing to wait for.
        let file = "name,email,role\nAda Byron,ada@lake.example,tutor\n";
        within(tests::csv::import(app, &admin, "/v1/users/import", file))
            .await?
            .expect(201);
        // Those that are under way are cut off in the end.
        let late = async {
            loop {
                let answer = answers.next().await.context("no more answers")??;
                if answer.starts_with("HTTP/1.1 408 ") {
                    return anyhow::Ok(answer);
                }
            }
        };
        let late = within(late).await?;
        ensure!(late.contains("/problems/body-too-slow"), "{late}");
        Ok(())
    });
}

/// How often a slow reader asks: more than the system takes over.
const ASKED: usize = 20;

/// Asks so often for an answer of more than 64 KiB, and reads none.
async fn ask_and_read_nothing(app: &Application) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // So that little of it is on the way without being read.
    socket.set_recv_buffer_size(4096)?;
    let address = app.base_url.strip_prefix("http://").context("an address")?;
    let mut stream = socket.connect(address.parse()?).await?;
    stream
        .write_all(
            "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
                .repeat(ASKED)
                .as_bytes(),
        )
        .await?;
    Ok(stream)
}

#[test]
fn hundreds_of_slow_readers_stop_nobody_and_are_cut_off() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut first = ask_and_read_nothing(app).await?;
        let mut status = [0; 12];
        within(async { Ok(first.read_exact(&mut status).await?) }).await?;
        ensure!(&status == b"HTTP/1.1 200");
        let mut slow = Vec::new();
        // More than there are rooms, those for requests that take long included.
        for _ in 0..600 {
            slow.push(ask_and_read_nothing(app).await?);
        }
        others_are_served(app, &admin, "lake").await?;
        // The server gives a client 20 s, and a second more for each 8 KiB.
        let (mut answers, begun) = (Vec::new(), Instant::now());
        while begun.elapsed() < Duration::from_secs(40) {
            tokio::time::sleep(DRIP).await;
            match first.read_u8().await {
                Ok(byte) => answers.push(byte),
                Err(_) => break,
            }
        }
        // Only the bytes that were on the way by then are left.
        let _ = within(async { Ok(first.read_to_end(&mut answers).await?) }).await;
        let answers = String::from_utf8_lossy(&answers);
        let more = answers.matches("HTTP/1.1 ").count();
        ensure!(more < ASKED - 1, "all of it was sent");
        Ok(())
    });
}

#[test]
fn an_address_has_as_many_connections_as_it_may_have() {
    run(async |app| {
        let few = |application: host::Application| {
            application.with_max_connections_per_address(NonZeroUsize::new(3))
        };
        app.beside_as(few, async |app| {
            let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut open = Vec::new();
            for _ in 0..3 {
                let mut stream = wire::connect(app).await?;
                stream.write_all(request.as_bytes()).await?;
                ensure!(stream.read_u8().await? == b'H');
                open.push(stream);
            }
            let mut fourth = wire::connect(app).await?;
            let mut nothing = Vec::new();
            // It is closed, or reset if something was sent already.
            let _ = within(async { Ok(fourth.read_to_end(&mut nothing).await?) }).await;
            ensure!(nothing.is_empty());
            open.pop();
            within(async {
                while !wire::exchange(app, request.as_bytes())
                    .await
                    .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            })
            .await
        })
        .await
    });
}
