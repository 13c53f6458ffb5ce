//! Tests that clients that send or read slowly are disconnected and do not delay others.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::Method;
use tests::{
    Application, Session,
    fault_injection::{centre_body, within_timeout},
    raw_connection, role, run,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The interval at which a slow client sends a byte.
const BYTE_INTERVAL: Duration = Duration::from_millis(500);

/// Sends the start of a request and then single bytes that never end it. Returns the response once the server has closed the
/// connection.
async fn send_slowly(app: &Application, beginning: &str, byte: u8) -> Result<String> {
    let mut stream = raw_connection::connect(app).await?;
    stream.write_all(beginning.as_bytes()).await?;
    let (mut answers, mut requests) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        // Writing fails once the server has closed the connection.
        while requests.write_all(&[byte]).await.is_ok() {
            tokio::time::sleep(BYTE_INTERVAL).await;
        }
        std::future::pending::<()>().await
    };
    tokio::select! {
        // A response that arrived before the connection was reset has been read.
        _ = answers.read_to_end(&mut answer) => {}
        () = dripping => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends nothing until the server closes the connection.
async fn stay_silent(app: &Application) -> Result<()> {
    let mut answer = Vec::new();
    raw_connection::connect(app)
        .await?
        .read_to_end(&mut answer)
        .await?;
    ensure!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[test]
fn a_client_that_sends_its_head_slowly_or_not_at_all_is_disconnected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let beginning = "GET /v1/centres HTTP/1.1\r\nHost: x\r\nX-Long: ";
        let slow = async {
            let clients = (0..20).map(|_| within_timeout(send_slowly(app, beginning, b'a')));
            futures::future::try_join_all(clients).await
        };
        let others = async {
            for _ in 0..20 {
                within_timeout(app.get(&admin, "/v1/centres"))
                    .await?
                    .expect(200);
            }
            anyhow::Ok(())
        };
        let (slow, silent, others) = tokio::join!(slow, within_timeout(stay_silent(app)), others);
        others?;
        silent?;
        for answer in slow? {
            ensure!(!answer.contains(" 200 "), "{answer}");
        }
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_stalled_body_is_a_408() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let head = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Content-Length: 100\r\n\r\n{{\"name\":",
            admin.token
        );
        let answer =
            within_timeout(raw_connection::send_and_read_all(app, head.as_bytes())).await?;
        let (head, body) = raw_connection::split_head(&answer)?;
        ensure!(head.starts_with("HTTP/1.1 408 "), "{answer}");
        ensure!(body.contains("/problems/body-too-slow"), "{answer}");
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn a_client_whose_body_never_ends_is_disconnected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let beginning = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Content-Length: 100000\r\n\r\n{{\"name\":\"",
            admin.token
        );
        let cut_off = tokio::time::timeout(
            3 * tests::fault_injection::RESPONSE_TIMEOUT,
            send_slowly(app, &beginning, b'a'),
        );
        let answer = cut_off.await??;
        ensure!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
        within_timeout(app.get(&admin, "/v1/centres"))
            .await?
            .expect(200);
        Ok(())
    });
}

/// Starts a request and leaves its body unfinished.
async fn begin(
    app: &Application,
    session: &Session,
    path: &str,
    media: &str,
    length: usize,
) -> Result<TcpStream> {
    let mut stream = raw_connection::connect(app).await?;
    let beginning = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {media}\r\n\
        Content-Length: {length}\r\n\r\n{{",
        session.token
    );
    stream.write_all(beginning.as_bytes()).await?;
    Ok(stream)
}

/// Asserts that others read, write and sign in, and that the health checks respond.
pub(crate) async fn others_are_served(
    app: &Application,
    session: &Session,
    code: &str,
) -> Result<()> {
    for _ in 0..10 {
        within_timeout(app.get(session, "/v1/centres"))
            .await?
            .expect(200);
    }
    let created = within_timeout(app.post(session, "/v1/centres", centre_body(code)))
        .await?
        .expect(201)
        .json();
    // A request without a body needs no slot for reading it.
    let path = format!("/v1/centres/{}", created["id"].as_str().context("an id")?);
    within_timeout(app.call(Some(session), Method::DELETE, &path, None))
        .await?
        .expect(204);
    within_timeout(app.sign_in(role::TUTOR)).await?;
    for path in ["/healthz", "/readyz", "/.well-known/spin/health"] {
        within_timeout(app.call(None, Method::GET, path, None))
            .await?
            .expect(200);
    }
    Ok(())
}

#[test]
fn hundreds_of_slow_bodies_do_not_delay_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        for _ in 0..300 {
            slow.push(begin(app, &admin, "/v1/centres", "application/json", 100).await?);
        }
        others_are_served(app, &admin, "lake").await?;
        // The clients get an error, and their connections are closed.
        let mut answer = String::new();
        let first = slow.first_mut().context("a slow client")?;
        within_timeout(async { Ok(first.read_to_string(&mut answer).await?) }).await?;
        let (head, body) = raw_connection::split_head(&answer)?;
        ensure!(head.starts_with("HTTP/1.1 408 "), "{answer}");
        ensure!(body.contains("/problems/body-too-slow"), "{answer}");
        ensure!(
            raw_connection::header_of(head, "x-request-id").is_some(),
            "{answer}"
        );
        ensure!(
            raw_connection::header_of(head, "connection") == Some("close"),
            "{answer}"
        );
        Ok(())
    });
}

#[test]
fn slow_imports_do_not_delay_others_and_wait_in_a_short_queue() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut slow = Vec::new();
        // Two are running, and 16 wait on each of at most 4 threads.
        for _ in 0..100 {
            slow.push(begin(app, &admin, "/v1/users/import", "text/csv", 64 << 20).await?);
        }
        let mut answers: FuturesUnordered<_> = slow
            .into_iter()
            .map(|mut stream| async move {
                // The connection stays open after the error while the rest of the body arrives.
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
        let rejected = within_timeout(async { answers.next().await.context("an answer")? }).await?;
        let (head, body) = raw_connection::split_head(&rejected)?;
        ensure!(head.starts_with("HTTP/1.1 503 "), "{rejected}");
        ensure!(
            raw_connection::header_of(head, "retry-after") == Some("30"),
            "{rejected}"
        );
        ensure!(body.contains("/problems/unavailable"), "{rejected}");
        others_are_served(app, &admin, "lake").await?;
        // A short file does not have to wait.
        let file = "name,email,role\nAda Byron,ada@lake.example,tutor\n";
        within_timeout(tests::csv::import(app, &admin, "/v1/users/import", file))
            .await?
            .expect(201);
        // The imports that are running are disconnected in the end.
        let timeout_answer = async {
            loop {
                let answer = answers.next().await.context("no more answers")??;
                if answer.starts_with("HTTP/1.1 408 ") {
                    return anyhow::Ok(answer);
                }
            }
        };
        let timeout_answer = within_timeout(timeout_answer).await?;
        ensure!(
            timeout_answer.contains("/problems/body-too-slow"),
            "{timeout_answer}"
        );
        Ok(())
    });
}

/// The number of requests of a slow reader, whose responses exceed the system's buffers.
const REQUESTS_PER_READER: usize = 20;

/// Sends requests with responses of more than 64 KiB and reads none.
async fn request_without_reading(app: &Application) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // A small receive buffer keeps most of the response unsent.
    socket.set_recv_buffer_size(4096)?;
    let address = app.base_url.strip_prefix("http://").context("an address")?;
    let mut stream = socket.connect(address.parse()?).await?;
    stream
        .write_all(
            "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
                .repeat(REQUESTS_PER_READER)
                .as_bytes(),
        )
        .await?;
    Ok(stream)
}

#[test]
fn hundreds_of_slow_readers_do_not_delay_others_and_are_disconnected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut first = request_without_reading(app).await?;
        let mut status = [0; 12];
        within_timeout(async { Ok(first.read_exact(&mut status).await?) }).await?;
        ensure!(&status == b"HTTP/1.1 200");
        let mut slow = Vec::new();
        // The number exceeds all slots, those for long requests included.
        for _ in 0..600 {
            slow.push(request_without_reading(app).await?);
        }
        others_are_served(app, &admin, "lake").await?;
        // The server gives a client 20 s, and one more second for each 8 KiB.
        let (mut answers, begun) = (Vec::new(), Instant::now());
        while begun.elapsed() < Duration::from_secs(40) {
            tokio::time::sleep(BYTE_INTERVAL).await;
            match first.read_u8().await {
                Ok(byte) => answers.push(byte),
                Err(_) => break,
            }
        }
        // Only the bytes sent by then remain.
        let _ = within_timeout(async { Ok(first.read_to_end(&mut answers).await?) }).await;
        let answers = String::from_utf8_lossy(&answers);
        let more = answers.matches("HTTP/1.1 ").count();
        ensure!(more < REQUESTS_PER_READER - 1, "all of it was sent");
        Ok(())
    });
}

#[test]
fn connections_per_client_address_are_limited() {
    run(async |app| {
        let few = |application: host::Application| {
            application.with_max_connections_per_address(NonZeroUsize::new(3))
        };
        app.with_second_host(few, async |app| {
            let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut open = Vec::new();
            for _ in 0..3 {
                let mut stream = raw_connection::connect(app).await?;
                stream.write_all(request.as_bytes()).await?;
                ensure!(stream.read_u8().await? == b'H');
                open.push(stream);
            }
            let mut fourth = raw_connection::connect(app).await?;
            let mut nothing = Vec::new();
            // The connection is closed, or reset if data was sent already.
            let _ = within_timeout(async { Ok(fourth.read_to_end(&mut nothing).await?) }).await;
            ensure!(nothing.is_empty());
            open.pop();
            within_timeout(async {
                while !raw_connection::send_and_read_one(app, request.as_bytes())
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
