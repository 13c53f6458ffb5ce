//! The serving threads and the accept loop. Each thread has its own runtime, connections, instances
//! and database connections; `connection` runs on each of them. A request stays on one thread,
//! because waking another one costs more than most of the work for a request.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::connection::{self, AcceptedConnection, Guards};
use super::connection_limit::ConnectionLimit;
use super::drain::Drain;
use super::handler::RequestHandler;

/// The maximum number of serving threads: with more, each would have too few database connections.
const MAX_THREADS: usize = 4;

/// The number of task polls between two checks for network events. A guest that computes is polled
/// once for each epoch, so that other tasks wait for at most so many epochs.
const EVENT_INTERVAL: u32 = 8;

/// The pause of the accept loop after an error, such as when the process has no file descriptors
/// left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The number of serving threads on this machine.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS))
}

/// Serves with one thread for each handler until `shutdown` is ready, then for the duration of the
/// drain, and then until the requests in flight are finished. Connections beyond the limit of their
/// client address are closed.
pub(crate) async fn serve(
    handlers: Vec<RequestHandler>,
    limit: ConnectionLimit,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    drain: Drain,
) -> Result<()> {
    let threads: Vec<ServingThread> = handlers
        .into_iter()
        .map(ServingThread::start)
        .collect::<Result<_>>()?;
    let mut drained = pin!(async {
        shutdown.await;
        drain.run().await;
    });
    loop {
        tokio::select! {
            () = &mut drained => break,
            accepted = listener.accept() => {
                let dispatched = accepted
                    .and_then(|(stream, client)| dispatch(&threads, &limit, stream, client));
                if let Err(error) = dispatched {
                    tracing::error!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
    drop(listener);
    let outcomes: Vec<_> = threads.into_iter().map(ServingThread::shut_down).collect();
    for outcome in outcomes {
        outcome.await.context("a serving thread panicked")??;
    }
    Ok(())
}

/// Gives a connection to the thread that has the fewest.
fn dispatch(
    threads: &[ServingThread],
    limit: &ConnectionLimit,
    stream: TcpStream,
    client: SocketAddr,
) -> std::io::Result<()> {
    let Ok(guard) = limit.acquire(client.ip()) else {
        tracing::debug!("closed a connection: {} has reached its limit", client.ip());
        return Ok(());
    };
    let least_loaded = threads
        .iter()
        .filter(|thread| !thread.connections.is_closed())
        .min_by_key(|thread| Arc::strong_count(&thread.open_connections));
    let Some(thread) = least_loaded else {
        return Err(std::io::Error::other("all serving threads have stopped"));
    };
    let connection = AcceptedConnection {
        stream: stream.into_std()?,
        client,
        guards: Guards {
            _of_thread: Arc::clone(&thread.open_connections),
            _of_address: guard,
        },
    };
    // If the thread stops at this moment, the connection is closed.
    let _ = thread.connections.send(connection);
    Ok(())
}

struct ServingThread {
    connections: mpsc::UnboundedSender<AcceptedConnection>,
    /// Each open connection holds a reference, so that the count of references is the load.
    open_connections: Arc<()>,
    outcome: oneshot::Receiver<Result<()>>,
}

impl ServingThread {
    fn start(handler: RequestHandler) -> Result<Self> {
        let (connections, mut accepted) = mpsc::unbounded_channel();
        let (sender, outcome) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build()
            .context("cannot start a runtime")?;
        std::thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || {
                let accepted = stream::poll_fn(move |context| accepted.poll_recv(context));
                let outcome = runtime.block_on(connection::serve(handler, accepted));
                // The receiver is gone if the future of `serve` was dropped.
                let _ = sender.send(outcome);
            })
            .context("cannot start a thread")?;
        Ok(Self {
            connections,
            open_connections: Arc::default(),
            outcome,
        })
    }

    /// Stops giving connections to the thread. The receiver is ready when the thread's last request
    /// is finished.
    fn shut_down(self) -> oneshot::Receiver<Result<()>> {
        self.outcome
    }
}
