//! The threads that serve: each has its own runtime, connections, instances and database
//! connections. A request stays on one thread, because to wake another one costs more than most of
//! what a request does.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::addresses::Addresses;
use crate::drain::Drain;
use crate::server::{Connection, Open, Server};

/// More threads would leave too few database connections to each.
const MOST: usize = 4;

/// How many polls of tasks come before the next look at the network. A guest that computes is one
/// poll for each epoch, so that others wait for no more than so many epochs.
const POLLS: u32 = 8;

/// How long the accept loop rests when the process has no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// How many threads serve on this machine.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST))
}

/// Serves with one thread for each server until `shutdown` is ready, then for the time of the drain, and then until the
/// requests in flight are finished. A connection beyond what its address may have is closed.
pub(crate) async fn serve(
    servers: Vec<Server>,
    addresses: Addresses,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    drain: Drain,
) -> Result<()> {
    let shards: Vec<Shard> = servers
        .into_iter()
        .map(Shard::start)
        .collect::<Result<_>>()?;
    let mut drained = pin!(async {
        shutdown.await;
        drain.run().await;
    });
    loop {
        tokio::select! {
            () = &mut drained => break,
            accepted = listener.accept() => {
                let passed_on = accepted.and_then(|(stream, client)| pass_on(&shards, &addresses, stream, client));
                if let Err(error) = passed_on {
                    tracing::error!("cannot accept a connection: {error}");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
    drop(listener);
    let endings: Vec<_> = shards.into_iter().map(Shard::end).collect();
    for ending in endings {
        ending.await.context("a serving thread broke off")??;
    }
    Ok(())
}

/// Gives a connection to the thread that has the fewest.
fn pass_on(
    shards: &[Shard],
    addresses: &Addresses,
    stream: TcpStream,
    client: SocketAddr,
) -> std::io::Result<()> {
    let Ok(counted) = addresses.admit(client.ip()) else {
        tracing::debug!("{} has as many connections as it may have", client.ip());
        return Ok(());
    };
    let idlest = shards
        .iter()
        .filter(|shard| !shard.connections.is_closed())
        .min_by_key(|shard| Arc::strong_count(&shard.open));
    let Some(shard) = idlest else {
        return Err(std::io::Error::other("all serving threads broke off"));
    };
    let connection = Connection {
        stream: stream.into_std()?,
        client,
        open: Open {
            _of_thread: Arc::clone(&shard.open),
            _of_address: counted,
        },
    };
    // A thread that breaks off in this moment takes the connection with it.
    let _ = shard.connections.send(connection);
    Ok(())
}

/// One thread at work.
struct Shard {
    connections: mpsc::UnboundedSender<Connection>,
    /// Counted once for each open connection.
    open: Arc<()>,
    ended: oneshot::Receiver<Result<()>>,
}

impl Shard {
    fn start(server: Server) -> Result<Self> {
        let (connections, mut incoming) = mpsc::unbounded_channel();
        let (ending, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(POLLS)
            .build()
            .context("cannot start a runtime")?;
        std::thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || {
                let incoming = stream::poll_fn(move |context| incoming.poll_recv(context));
                let outcome = runtime.block_on(server.serve(incoming));
                // Nobody waits any more if serving was given up.
                let _ = ending.send(outcome);
            })
            .context("cannot start a thread")?;
        Ok(Self {
            connections,
            open: Arc::default(),
            ended,
        })
    }

    /// Takes no more connections. What comes back is ready when the last request is finished.
    fn end(self) -> oneshot::Receiver<Result<()>> {
        self.ended
    }
}
