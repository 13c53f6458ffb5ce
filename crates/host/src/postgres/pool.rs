//! Pools of connections: one for each connection string and certificate, in Spin's semantics.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, PoolError, QueueMode, RecycleError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::Session;
use super::tls;
use super::types::Error;

/// Connections of one pool, as in Spin; threads that serve share them out.
pub(crate) const MOST_CONNECTIONS: usize = 64;
/// Pools that are kept.
const MOST_POOLS: usize = 16;
/// How long a guest waits for a connection that others have.
const WAIT: Duration = Duration::from_secs(5);
/// How long the server may take to be reached and to let us in.
const CONNECT: Duration = Duration::from_secs(5);

/// Connections of one pool that work at a time for as long as each is soon done. More would only
/// take each other's caches away, here and in the server, and answer nobody sooner.
const FEW: usize = 4;
/// A guest that has waited this long for one of the few takes one of the others.
const SOON: Duration = Duration::from_millis(5);

/// A pool, and whose turn it is to use its few busiest connections.
#[derive(Clone)]
struct Pool {
    sessions: deadpool::managed::Pool<Sessions>,
    turns: Arc<Semaphore>,
}

impl Pool {
    async fn lease(&self) -> Result<Lease, Error> {
        let turn = match Arc::clone(&self.turns).try_acquire_owned() {
            Ok(turn) => Some(turn),
            Err(_) => {
                let turn = Arc::clone(&self.turns).acquire_owned();
                let in_time = tokio::time::timeout(SOON, turn).await;
                in_time.ok().and_then(Result::ok)
            }
        };
        let session = self
            .sessions
            .get()
            .await
            .map_err(|error| Error::ConnectionFailed(describe(error)))?;
        Ok(Lease {
            session: Some(session),
            is_spent: false,
            _turn: turn,
        })
    }
}

/// Pools by connection string and by the certificate to trust for it.
#[derive(Default)]
struct Known(RwLock<Vec<(String, Option<String>, Pool)>>);

impl Known {
    fn find(&self, address: &str, certificate: Option<&str>) -> Option<Pool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|(other, trusted, _)| other == address && trusted.as_deref() == certificate)
            .map(|(_, _, pool)| pool.clone())
    }

    fn add(&self, address: &str, certificate: Option<&str>, pool: Pool) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_POOLS {
            known.clear();
        }
        known.push((address.to_owned(), certificate.map(str::to_owned), pool));
    }
}

/// All pools of one thread that serves. Its components share them.
#[derive(Clone)]
pub(crate) struct Pools {
    known: Arc<Known>,
    most_connections: usize,
}

impl Pools {
    /// No pool yet; each will have up to `most_connections`.
    pub(crate) fn new(most_connections: usize) -> Self {
        Self {
            known: Arc::default(),
            most_connections,
        }
    }

    fn find_or_add(
        &self,
        address: &str,
        certificate: Option<&str>,
        config: Config,
    ) -> Result<Pool, Error> {
        if let Some(pool) = self.known.find(address, certificate) {
            return Ok(pool);
        }
        let pool = new_pool(config, certificate, self.most_connections)
            .map_err(Error::ConnectionFailed)?;
        self.known.add(address, certificate, pool.clone());
        Ok(pool)
    }
}

/// The databases that one component uses.
pub(crate) struct Databases {
    pools: Pools,
    /// Those of the pools that the component has been allowed to use.
    allowed: Known,
}

impl Databases {
    pub(crate) fn new(pools: Pools) -> Self {
        Self {
            pools,
            allowed: Known::default(),
        }
    }

    /// Borrows a connection. `check` is asked once for each connection string.
    pub(crate) async fn lease(
        &self,
        address: &str,
        certificate: Option<&str>,
        check: impl FnOnce() -> Result<Config, Error>,
    ) -> Result<Lease, Error> {
        let pool = match self.allowed.find(address, certificate) {
            Some(pool) => pool,
            None => {
                let pool = self.pools.find_or_add(address, certificate, check()?)?;
                self.allowed.add(address, certificate, pool.clone());
                pool
            }
        };
        pool.lease().await
    }
}

fn new_pool(
    mut config: Config,
    certificate: Option<&str>,
    most_connections: usize,
) -> Result<Pool, String> {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    let connector = match config.get_ssl_mode() {
        SslMode::Disable => None,
        _ => Some(tls::connector(certificate)?),
    };
    let sessions = deadpool::managed::Pool::builder(Sessions { config, connector })
        .max_size(most_connections)
        // The connection used last is the one with warm caches on both sides.
        .queue_mode(QueueMode::Lifo)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(2 * CONNECT))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Pool {
        sessions,
        turns: Arc::new(Semaphore::new(FEW)),
    })
}

fn describe(error: PoolError<tokio_postgres::Error>) -> String {
    match error {
        PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => {
            format!("all connections were in use for {} s", WAIT.as_secs())
        }
        PoolError::Timeout(_) => {
            format!(
                "the server did not answer within {} s",
                (2 * CONNECT).as_secs()
            )
        }
        PoolError::Backend(error) => format!("{error:?}"),
        other => other.to_string(),
    }
}

/// Makes and recycles the connections of one pool.
pub(crate) struct Sessions {
    config: Config,
    connector: Option<MakeRustlsConnect>,
}

impl Manager for Sessions {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, tokio_postgres::Error> {
        Session::connect(&self.config, self.connector.as_ref()).await
    }

    async fn recycle(
        &self,
        session: &mut Session,
        _: &Metrics,
    ) -> Result<(), RecycleError<tokio_postgres::Error>> {
        if session.recycle() {
            Ok(())
        } else {
            Err(RecycleError::message("closed by the server"))
        }
    }
}

/// A connection that a guest has. Dropped, it goes back to its pool, or is closed if anything of
/// the guest is left on it.
pub(crate) struct Lease {
    session: Option<Object<Sessions>>,
    is_spent: bool,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// The connection. There always is one: only `drop` takes it out.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Error> {
        match &mut self.session {
            Some(session) => Ok(session),
            None => Err(Error::Other("the connection is gone".to_owned())),
        }
    }

    /// Has it closed afterwards: its buffers never shrink.
    pub(crate) fn spend(&mut self) {
        self.is_spent = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && (self.is_spent || !session.is_reusable())
        {
            let pool = Object::pool(&session);
            let connector = pool.and_then(|pool| pool.manager().connector.clone());
            Object::take(session).abandon(connector);
        }
    }
}
