//! Connection pools: one for each connection string and certificate, as in Spin. One connection of
//! a pool is a `session`.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics, Object, PoolError, QueueMode, RecycleError};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::concurrency::{BusyConnection, PreferredConcurrency};
use super::metrics::PoolMetrics;
use super::session::{Session, StatelessStatements};
use super::types::Error;
use super::{permission, tls};
use crate::manifest::allowed_hosts::AllowedHosts;

/// The maximum number of connections of a pool, as in Spin. The serving threads divide it up.
pub(crate) const MAX_CONNECTIONS: usize = 64;

/// The maximum number of pools in a [`PoolMap`].
const MAX_POOLS: usize = 16;

/// How long a guest waits for a connection that others use.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long establishing a TCP connection may take. With the authentication it may take twice as
/// long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool, with the limit of its connections that are busy.
#[derive(Clone)]
struct Pool {
    sessions: deadpool::managed::Pool<SessionManager>,
    concurrency: PreferredConcurrency,
    metrics: PoolMetrics,
}

impl Pool {
    async fn get(&self) -> Result<PooledSession, Error> {
        let asked_at = Instant::now();
        let busy = self.concurrency.acquire().await;
        let session = self.sessions.get().await.map_err(|error| {
            self.metrics.record_failure(&error);
            Error::ConnectionFailed(describe(error))
        })?;
        self.metrics.record_wait(asked_at.elapsed());
        Ok(PooledSession {
            session: Some(session),
            close_after_use: false,
            _busy: busy,
        })
    }
}

/// The usage of a pool, or of several pools together.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) idle: u64,
    pub(crate) waiting: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.used += other.used;
        self.idle += other.idle;
        self.waiting += other.waiting;
    }
}

/// Pools by connection string and by the certificate that is trusted for it.
#[derive(Default)]
pub(crate) struct PoolMap(RwLock<Vec<(String, Option<String>, Pool)>>);

impl PoolMap {
    fn get(&self, connection_string: &str, certificate: Option<&str>) -> Option<Pool> {
        let pools = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pools
            .iter()
            .find(|(other, trusted, _)| {
                other == connection_string && trusted.as_deref() == certificate
            })
            .map(|(_, _, pool)| pool.clone())
    }

    /// Returns the usage of all pools together.
    pub(crate) fn usage(&self) -> Usage {
        let pools = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut total = Usage::default();
        for (_, _, pool) in pools.iter() {
            let status = pool.sessions.status();
            let idle = status.available.min(status.size);
            total += Usage {
                used: (status.size - idle) as u64,
                idle: idle as u64,
                waiting: status.waiting as u64,
            };
        }
        total
    }

    fn insert(&self, connection_string: &str, certificate: Option<&str>, pool: Pool) {
        let mut pools = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if pools.len() >= MAX_POOLS {
            pools.clear();
        }
        pools.push((
            connection_string.to_owned(),
            certificate.map(str::to_owned),
            pool,
        ));
    }
}

/// All pools of one serving thread, which its components share.
#[derive(Clone)]
pub(crate) struct PoolRegistry {
    pools: Arc<PoolMap>,
    max_connections: usize,
    stateless_statements: StatelessStatements,
}

impl PoolRegistry {
    /// An empty registry, whose pools will have up to `max_connections` each.
    pub(crate) fn new(max_connections: usize, stateless_statements: StatelessStatements) -> Self {
        Self {
            pools: Arc::default(),
            max_connections,
            stateless_statements,
        }
    }

    /// Refers to the pools without keeping them.
    pub(crate) fn downgrade(&self) -> Weak<PoolMap> {
        Arc::downgrade(&self.pools)
    }

    fn get_or_create(
        &self,
        connection_string: &str,
        certificate: Option<&str>,
        config: Config,
    ) -> Result<Pool, Error> {
        if let Some(pool) = self.pools.get(connection_string, certificate) {
            return Ok(pool);
        }
        let pool = self
            .new_pool(config, certificate)
            .map_err(Error::ConnectionFailed)?;
        self.pools
            .insert(connection_string, certificate, pool.clone());
        Ok(pool)
    }

    fn new_pool(&self, mut config: Config, certificate: Option<&str>) -> Result<Pool, String> {
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let connector = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls::connector(certificate)?),
        };
        let manager = SessionManager {
            config,
            connector,
            stateless_statements: self.stateless_statements,
        };
        let sessions = deadpool::managed::Pool::builder(manager)
            .max_size(self.max_connections)
            // The connection that was used last has warm caches on both sides.
            .queue_mode(QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(2 * CONNECT_TIMEOUT))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Pool {
            sessions,
            concurrency: PreferredConcurrency::new(),
            metrics: PoolMetrics::new(),
        })
    }
}

/// The pools that one component may use.
pub(crate) struct AuthorizedPools {
    registry: PoolRegistry,
    allowed_hosts: Arc<AllowedHosts>,
    /// The pools whose connection strings have passed the check.
    checked: PoolMap,
}

impl AuthorizedPools {
    pub(crate) fn new(registry: PoolRegistry, allowed_hosts: Arc<AllowedHosts>) -> Self {
        Self {
            registry,
            allowed_hosts,
            checked: PoolMap::default(),
        }
    }

    /// Takes a connection from the pool for a connection string, which is checked at its first use.
    pub(crate) async fn get(
        &self,
        connection_string: &str,
        certificate: Option<&str>,
    ) -> Result<PooledSession, Error> {
        let pool = match self.checked.get(connection_string, certificate) {
            Some(pool) => pool,
            None => {
                let config = permission::check(connection_string, &self.allowed_hosts)?;
                let pool = self
                    .registry
                    .get_or_create(connection_string, certificate, config)?;
                self.checked
                    .insert(connection_string, certificate, pool.clone());
                pool
            }
        };
        pool.get().await
    }
}

fn describe(error: PoolError<tokio_postgres::Error>) -> String {
    match error {
        PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => {
            format!(
                "all connections were in use for {} s",
                WAIT_TIMEOUT.as_secs()
            )
        }
        PoolError::Timeout(_) => {
            format!(
                "the server did not answer within {} s",
                (2 * CONNECT_TIMEOUT).as_secs()
            )
        }
        PoolError::Backend(error) => format!("{error:?}"),
        other => other.to_string(),
    }
}

/// Creates and recycles the sessions of one pool.
pub(crate) struct SessionManager {
    config: Config,
    connector: Option<MakeRustlsConnect>,
    stateless_statements: StatelessStatements,
}

impl Manager for SessionManager {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, tokio_postgres::Error> {
        Session::connect(
            &self.config,
            self.connector.as_ref(),
            self.stateless_statements,
        )
        .await
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

/// A session that a guest uses. When it is dropped, it returns to its pool, or is closed if the
/// guest has left anything unfinished on it.
pub(crate) struct PooledSession {
    /// None only while it is dropped.
    session: Option<Object<SessionManager>>,
    close_after_use: bool,
    _busy: BusyConnection,
}

impl PooledSession {
    pub(crate) fn session(&mut self) -> Result<&mut Session, Error> {
        match &mut self.session {
            Some(session) => Ok(session),
            None => Err(Error::Other("the connection is closed".to_owned())),
        }
    }

    /// Marks the session to be closed instead of being reused, because its buffers never shrink.
    pub(crate) fn close_after_use(&mut self) {
        self.close_after_use = true;
    }
}

impl Drop for PooledSession {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && (self.close_after_use || !session.is_reusable())
        {
            let pool = Object::pool(&session);
            let connector = pool.and_then(|pool| pool.manager().connector.clone());
            Object::take(session).close(connector);
        }
    }
}
