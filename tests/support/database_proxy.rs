//! A proxy between the application and PostgreSQL that records the frontend's messages (PostgreSQL 15, chapter 55) and can
//! hold back the server's responses. The network policies of a cell are not tested with it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::{Application, run_with};

/// The body of an `SSLRequest` message.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// The proxy, with the messages that it has forwarded.
#[derive(Debug, Clone, Default)]
pub struct DatabaseProxy {
    observed: Arc<Mutex<Observed>>,
    hold: watch::Sender<bool>,
}

#[derive(Debug, Clone, Default)]
struct Observed {
    executed: usize,
    parsed: Vec<String>,
    queried: Vec<String>,
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
        let proxy = self.clone();
        let answers = tokio::spawn(async move {
            let mut answer = [0; 16 << 10];
            while let Ok(length @ 1..) = from_server.read(&mut answer).await {
                proxy.until_released().await;
                if to_client.write_all(&answer[..length]).await.is_err() {
                    break;
                }
            }
        });
        let result = self.forward(from_client, to_server).await;
        answers.abort();
        result
    }

    /// Forwards the frontend's messages one by one.
    async fn forward(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Result<()> {
        // Messages before the session starts have no type byte, and a request for TLS may come first.
        loop {
            let length = from.read_u32().await?;
            let mut body = vec![0; usize::try_from(length)?.saturating_sub(4)];
            from.read_exact(&mut body).await?;
            to.write_all(&[&length.to_be_bytes()[..], &body].concat())
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
            to.write_all(&[&[kind][..], &length.to_be_bytes(), &body].concat())
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
