//! A proxy between the application and PostgreSQL that records the frontend's messages (PostgreSQL 15, chapter 55) and can
//! hold back the server's responses. The network policies of a cell are not tested with it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::{Application, run_with};

/// The body of an `SSLRequest` message.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// The message `ReadyForQuery` of a session outside of a transaction.
const READY_FOR_QUERY: &[u8] = b"Z\0\0\0\x05I";

/// The proxy, with the messages that it has forwarded.
#[derive(Debug, Clone, Default)]
pub struct DatabaseProxy {
    observed: Arc<Mutex<Observed>>,
    hold: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Observed {
    executed: usize,
    parsed: Vec<String>,
    queried: Vec<String>,
    sessions: Vec<Arc<ServerSession>>,
}

/// A connection of the proxy to the server.
#[derive(Debug)]
struct ServerSession {
    to_server: tokio::sync::Mutex<OwnedWriteHalf>,
    /// Receives the server's responses in place of the application while the proxy asks.
    asking: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
}

impl ServerSession {
    async fn send(&self, bytes: &[u8]) -> Result<()> {
        Ok(self.to_server.lock().await.write_all(bytes).await?)
    }

    fn set_asking(&self, asking: Option<mpsc::UnboundedSender<Vec<u8>>>) {
        *self.asking.lock().expect("nobody panics with the lock") = asking;
    }

    /// Keeps a response for the proxy itself. Returns false if the application waits for it.
    fn keep(&self, answer: &[u8]) -> bool {
        let asking = self.asking.lock().expect("nobody panics with the lock");
        asking
            .as_ref()
            .is_some_and(|asking| asking.send(answer.to_vec()).is_ok())
    }

    /// Runs a simple query while the application does not use the session, and returns the response.
    async fn query(&self, sql: &str) -> Result<Vec<u8>> {
        let (sender, mut answers) = mpsc::unbounded_channel();
        self.set_asking(Some(sender));
        let length = u32::try_from(sql.len() + 5)?;
        self.send(&[b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat())
            .await?;
        let mut answer = Vec::new();
        while !answer.ends_with(READY_FOR_QUERY) {
            answer.extend(answers.recv().await.context("the session has ended")?);
        }
        self.set_asking(None);
        Ok(answer)
    }
}

/// Runs a test on an application that reaches its database through a proxy.
///
/// # Panics
///
/// When the test, its application or the proxy fails.
pub fn run_behind_proxy(test: impl AsyncFnOnce(&Application, &DatabaseProxy) -> Result<()>) {
    let proxy = OnceCell::new();
    run_with(
        async |variables| {
            let started = DatabaseProxy::in_front(variables).await?;
            proxy.set(started).expect("set once");
            Ok(())
        },
        async |app| test(app, proxy.get().expect("the proxy was started")).await,
    );
}

impl DatabaseProxy {
    /// Listens on a free port and forwards every connection to the target.
    ///
    /// # Errors
    ///
    /// When no port is free.
    async fn start(target: String) -> Result<(DatabaseProxy, u16)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let proxy = DatabaseProxy::default();
        let forwarding = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (proxy, target) = (forwarding.clone(), target.clone());
                tokio::spawn(async move { proxy.pass(client, &target).await });
            }
        });
        Ok((proxy, port))
    }

    /// Starts a proxy in front of the database that the variables name, and points the variables to it.
    ///
    /// # Errors
    ///
    /// When no port is free.
    async fn in_front(variables: &mut BTreeMap<String, String>) -> Result<DatabaseProxy> {
        let target = format!(
            "{}:{}",
            variables["database_host"], variables["database_port"]
        );
        let (proxy, port) = DatabaseProxy::start(target.clone()).await?;
        let url = variables["database_url"].replace(&target, &format!("127.0.0.1:{port}"));
        variables.insert("database_url".to_owned(), url);
        variables.insert("database_host".to_owned(), "127.0.0.1".to_owned());
        variables.insert("database_port".to_owned(), port.to_string());
        Ok(proxy)
    }

    /// Holds back the server's responses and new connections, or releases them.
    pub fn hold_responses(&self, hold: bool) {
        self.hold.send_replace(hold);
    }

    async fn until_released(&self) {
        // The wait never fails, because the proxy itself owns the sender.
        let _ = self.hold.subscribe().wait_for(|hold| !hold).await;
    }

    /// Returns the number of statements executed since the last call.
    pub fn take_executed_count(&self) -> usize {
        std::mem::take(&mut self.lock().executed)
    }

    /// Returns the texts of the statements that were prepared by the extended query protocol.
    pub fn prepared_statements(&self) -> Vec<String> {
        self.lock().parsed.clone()
    }

    /// Returns the texts that were sent by the simple query protocol.
    pub fn simple_queries(&self) -> Vec<String> {
        self.lock().queried.clone()
    }

    /// Runs a simple query on every session of the application, which must not use them meanwhile.
    /// Returns the first value of each result.
    ///
    /// # Errors
    ///
    /// When a session has ended, or a result has no value.
    pub async fn query_sessions(&self, sql: &str) -> Result<Vec<String>> {
        let sessions = self.lock().sessions.clone();
        let mut values = Vec::new();
        for session in sessions {
            let answer = session.query(sql).await?;
            values.push(
                first_value(&answer)
                    .with_context(|| String::from_utf8_lossy(&answer).into_owned())?,
            );
        }
        Ok(values)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Observed> {
        self.observed.lock().expect("nobody panics with the lock")
    }

    async fn pass(&self, client: TcpStream, target: &str) -> Result<()> {
        self.until_released().await;
        let server = TcpStream::connect(target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = server.into_split();
        let session = Arc::new(ServerSession {
            to_server: tokio::sync::Mutex::new(to_server),
            asking: Mutex::default(),
        });
        self.lock().sessions.push(Arc::clone(&session));
        let (proxy, answering) = (self.clone(), Arc::clone(&session));
        let answers = tokio::spawn(async move {
            let mut answer = [0; 16 << 10];
            while let Ok(length @ 1..) = from_server.read(&mut answer).await {
                proxy.until_released().await;
                if answering.keep(&answer[..length]) {
                    continue;
                }
                if to_client.write_all(&answer[..length]).await.is_err() {
                    break;
                }
            }
        });
        let result = self.forward(from_client, &session).await;
        answers.abort();
        self.lock()
            .sessions
            .retain(|other| !Arc::ptr_eq(other, &session));
        result
    }

    /// Forwards the frontend's messages one by one.
    async fn forward(&self, mut from: OwnedReadHalf, to: &ServerSession) -> Result<()> {
        // Messages before the session starts have no type byte, and a request for TLS may come first.
        loop {
            let length = from.read_u32().await?;
            let mut body = vec![0; usize::try_from(length)?.saturating_sub(4)];
            from.read_exact(&mut body).await?;
            to.send(&[&length.to_be_bytes()[..], &body].concat())
                .await?;
            if body != TLS_REQUEST {
                break;
            }
        }
        loop {
            let kind = from.read_u8().await?;
            let length = from.read_u32().await?;
            let mut body = vec![0; usize::try_from(length)?.saturating_sub(4)];
            from.read_exact(&mut body).await?;
            self.record(kind, &body);
            to.send(&[&[kind][..], &length.to_be_bytes(), &body].concat())
                .await?;
        }
    }

    fn record(&self, kind: u8, body: &[u8]) {
        let text = |part: usize| {
            let part = body.split(|byte| *byte == 0).nth(part).unwrap_or_default();
            String::from_utf8_lossy(part).into_owned()
        };
        let mut observed = self.lock();
        match kind {
            b'E' => observed.executed += 1,
            // A Parse message has the statement's name and then its text.
            b'P' => observed.parsed.push(text(1)),
            b'Q' => observed.queried.push(text(0)),
            _ => {}
        }
    }
}

/// Returns the first value of the first `DataRow` message in a response.
fn first_value(mut answer: &[u8]) -> Option<String> {
    while let [kind, a, b, c, d, rest @ ..] = answer {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (body, next) = rest.split_at_checked(length.checked_sub(4)?)?;
        if *kind == b'D' {
            // The number of columns and the length of the first one come before its value.
            let length = u32::from_be_bytes(body.get(2..6)?.try_into().ok()?) as usize;
            let value = body.get(6..)?.get(..length)?;
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        answer = next;
    }
    None
}
