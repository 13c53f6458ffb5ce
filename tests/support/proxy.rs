//! Stands between the application and PostgreSQL and notes what is sent: the frontend's messages, by the
//! protocol's own framing (PostgreSQL 15, chapter 55). On request it keeps the server's answers back.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::{Application, run_with};

/// The body of `SSLRequest`.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// What reached PostgreSQL through the proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    seen: Arc<Mutex<Seen>>,
    mute: watch::Sender<bool>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    executed: usize,
    parsed: Vec<String>,
    queried: Vec<String>,
}

/// Runs a test on an application that reaches its database through a proxy.
///
/// # Panics
///
/// When the test, its application or the proxy fails.
pub fn run_behind_proxy(test: impl AsyncFnOnce(&Application, &Proxy) -> Result<()>) {
    let proxy = OnceCell::new();
    run_with(
        async |variables| {
            let started = Proxy::in_front(variables).await?;
            proxy.set(started).expect("set once");
            Ok(())
        },
        async |app| test(app, proxy.get().expect("the proxy was started")).await,
    );
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to the address.
    ///
    /// # Errors
    ///
    /// When there is no port to be had.
    async fn start(target: String) -> Result<(Proxy, u16)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let proxy = Proxy::default();
        let noted = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (noted, target) = (noted.clone(), target.clone());
                tokio::spawn(async move { noted.pass(client, &target).await });
            }
        });
        Ok((proxy, port))
    }

    /// Starts one in front of the database that the variables name, and changes them to go through it.
    ///
    /// # Errors
    ///
    /// When there is no port to be had.
    async fn in_front(variables: &mut BTreeMap<String, String>) -> Result<Proxy> {
        let target = format!(
            "{}:{}",
            variables["database_host"], variables["database_port"]
        );
        let (proxy, port) = Proxy::start(target.clone()).await?;
        let url = variables["database_url"].replace(&target, &format!("127.0.0.1:{port}"));
        variables.insert("database_url".to_owned(), url);
        variables.insert("database_host".to_owned(), "127.0.0.1".to_owned());
        variables.insert("database_port".to_owned(), port.to_string());
        Ok(proxy)
    }

    /// From now on, keeps back all that the server says, and leaves new connections unanswered; or lets it all go on.
    pub fn mute(&self, mute: bool) {
        self.mute.send_replace(mute);
    }

    async fn until_heard(&self) {
        // It never fails: this proxy itself keeps the sender.
        let _ = self.mute.subscribe().wait_for(|mute| !mute).await;
    }

    /// How many statements were executed since the last time.
    pub fn take_executed(&self) -> usize {
        std::mem::take(&mut self.lock().executed)
    }

    /// The texts of the statements that were prepared by the protocol.
    pub fn parsed(&self) -> Vec<String> {
        self.lock().parsed.clone()
    }

    /// The texts that were sent by the simple protocol.
    pub fn queried(&self) -> Vec<String> {
        self.lock().queried.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with the lock")
    }

    async fn pass(&self, client: TcpStream, target: &str) -> Result<()> {
        self.until_heard().await;
        let server = TcpStream::connect(target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = server.into_split();
        let proxy = self.clone();
        let answers = tokio::spawn(async move {
            let mut answer = [0; 16 << 10];
            while let Ok(length @ 1..) = from_server.read(&mut answer).await {
                proxy.until_heard().await;
                if to_client.write_all(&answer[..length]).await.is_err() {
                    break;
                }
            }
        });
        let result = self.forward(from_client, to_server).await;
        answers.abort();
        result
    }

    /// Passes the frontend's messages on, one by one.
    async fn forward(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Result<()> {
        // Messages before the start of the session have no type; a request for TLS may come first.
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
            self.note(kind, &body);
            to.write_all(&[&[kind][..], &length.to_be_bytes(), &body].concat())
                .await?;
        }
    }

    fn note(&self, kind: u8, body: &[u8]) {
        let text = |part: usize| {
            let part = body.split(|byte| *byte == 0).nth(part).unwrap_or_default();
            String::from_utf8_lossy(part).into_owned()
        };
        let mut seen = self.lock();
        match kind {
            b'E' => seen.executed += 1,
            // Parse: the statement's name, then its text.
            b'P' => seen.parsed.push(text(1)),
            b'Q' => seen.queried.push(text(0)),
            _ => {}
        }
    }
}
