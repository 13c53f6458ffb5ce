//! One connection to a server, with what is known about it: its prepared statements, and whether
//! the next borrower may have it.
//!
//! The connection is driven by whoever waits for an answer, within the same task: nothing is
//! spawned, so that an answer wakes the guest's task directly. In return only one statement runs
//! on a connection at a time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::StreamExt as _;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, RowStream, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::parameters::Parameter;
use super::transaction::{self, Effect};

/// What `RecyclingMethod::Clean` of deadpool-postgres sends before it hands a connection to its
/// next borrower: all of `discard all` but for prepared statements.
const CLEAN: &str = "close all; set session authorization default; reset all; unlisten *; \
    select pg_advisory_unlock_all(); discard temp; discard sequences;";

/// Statements that stay prepared on one connection. Guests have static statements, so that this
/// many are only reached by one that builds its SQL.
const MOST_STATEMENTS: usize = 256;

/// How long a server may take to hear that a statement is given up; one that has fallen silent never does.
const CANCEL: Duration = Duration::from_secs(5);

/// The half of a connection that does the reading and writing.
type Wire = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

pub(crate) struct Session {
    client: Client,
    wire: Wire,
    statements: HashMap<String, Statement>,
    /// Somebody else had it before and may have changed its settings.
    used: bool,
    /// A statement was sent and its end has not been seen.
    busy: bool,
    transaction: bool,
    closed: bool,
}

impl Session {
    /// Connects.
    pub(crate) async fn connect(
        config: &Config,
        connector: Option<&MakeRustlsConnect>,
    ) -> Result<Self, tokio_postgres::Error> {
        let (client, wire): (Client, Wire) = match connector {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, Box::pin(connection))
            }
            Some(connector) => {
                let (client, connection) = config.connect(connector.clone()).await?;
                (client, Box::pin(connection))
            }
        };
        Ok(Self {
            client,
            wire,
            statements: HashMap::new(),
            used: false,
            busy: false,
            transaction: false,
            closed: false,
        })
    }

    /// Whether another borrower may have it: it is alive, and nothing of this one is left.
    pub(crate) fn is_reusable(&self) -> bool {
        !self.busy && !self.transaction && !self.closed && !self.client.is_closed()
    }

    /// Readies it for its next borrower. False if the server has hung up in the meantime.
    pub(crate) fn recycle(&mut self) -> bool {
        self.used = true;
        let mut nobody = Context::from_waker(Waker::noop());
        self.closed = self.closed || self.wire.as_mut().poll(&mut nobody).is_ready();
        self.is_reusable()
    }

    /// Gives it up in the middle of a statement: the server is asked to stop that statement, and
    /// rolls back when it finds the connection gone.
    pub(crate) fn abandon(self, connector: Option<MakeRustlsConnect>) {
        if !self.busy || self.closed {
            return;
        }
        let cancel = self.client.cancel_token();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let asked = async {
                    match connector {
                        None => cancel.cancel_query(NoTls).await,
                        Some(connector) => cancel.cancel_query(connector).await,
                    }
                };
                // If this fails, the server rolls back as well, only later.
                let _ = tokio::time::timeout(CANCEL, asked).await;
            });
        }
    }

    /// Starts a statement and returns its rows to come.
    pub(crate) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<Rows, tokio_postgres::Error> {
        self.start(sql);
        let mut outcome = self.try_query(sql, parameters).await;
        if outcome.as_ref().is_err_and(is_stale) {
            self.statements.remove(sql);
            // Inside a transaction, which the error has ended, nothing can be tried again.
            if !self.transaction {
                outcome = self.try_query(sql, parameters).await;
            }
        }
        match outcome {
            Ok(stream) => Ok(Rows {
                stream: Box::pin(stream),
                effect: transaction::effect(sql),
            }),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Runs a statement and returns how many rows it affected.
    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<u64, tokio_postgres::Error> {
        let mut rows = self.query(sql, parameters).await?;
        while self.next(&mut rows).await?.is_some() {}
        Ok(rows.stream.rows_affected().unwrap_or(0))
    }

    /// The next row, or none at the end.
    pub(crate) async fn next(
        &mut self,
        rows: &mut Rows,
    ) -> Result<Option<tokio_postgres::Row>, tokio_postgres::Error> {
        std::future::poll_fn(|context| self.poll_next(rows, context)).await
    }

    /// Like [`Session::next`], for those who are polled themselves.
    pub(crate) fn poll_next(
        &mut self,
        rows: &mut Rows,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<tokio_postgres::Row>, tokio_postgres::Error>> {
        let polled = poll_driven(&mut self.wire, &mut self.closed, context, |nobody| {
            rows.stream.poll_next_unpin(nobody)
        });
        polled.map(|row| match row {
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(error)) => Err(self.fail(error)),
            None => {
                self.finish(rows.effect);
                Ok(None)
            }
        })
    }

    /// Marks the session as busy until the end of the statement is seen.
    fn start(&mut self, sql: &str) {
        self.busy = true;
        // Even if it fails, or if its end is never seen.
        self.transaction |= transaction::effect(sql) == Effect::Opens;
    }

    fn finish(&mut self, effect: Effect) {
        self.busy = false;
        if effect == Effect::Ends {
            self.transaction = false;
        }
    }

    fn fail(&mut self, error: tokio_postgres::Error) -> tokio_postgres::Error {
        // After an error that the server reports, the connection is in order again.
        self.busy = error.as_db_error().is_none();
        error
    }

    async fn try_query(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<RowStream, tokio_postgres::Error> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => self.prepare(sql).await?,
        };
        let Self {
            client,
            wire,
            used,
            closed,
            ..
        } = self;
        let parameters = parameters
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync));
        let query = client.query_raw(&statement, parameters);
        let cleaning = clean(client, std::mem::take(used));
        drive(wire, closed, pair(cleaning, query)).await
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if self.statements.len() >= MOST_STATEMENTS {
            self.statements.clear();
        }
        let Self {
            client,
            wire,
            used,
            closed,
            ..
        } = self;
        let cleaning = clean(client, std::mem::take(used));
        let statement = drive(wire, closed, pair(cleaning, client.prepare(sql))).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// The rows of a running statement.
pub(crate) struct Rows {
    stream: Pin<Box<RowStream>>,
    effect: Effect,
}

/// Resets what the previous borrower may have changed.
async fn clean(client: &Client, needed: bool) -> Result<(), tokio_postgres::Error> {
    if needed {
        client.batch_execute(CLEAN).await
    } else {
        Ok(())
    }
}

/// Sends two requests at once, in this order, so that they share a round trip. Both must succeed.
async fn pair<T>(
    first: impl Future<Output = Result<(), tokio_postgres::Error>>,
    second: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let (first, second) = futures::future::join(first, second).await;
    first.and(second)
}

/// Whether a prepared statement has outlived what it was prepared for: a table was altered since,
/// or somebody deallocated it. It was not executed then, and may be prepared anew.
fn is_stale(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|server| match server.code().code() {
            "26000" => true,
            "0A000" => server.routine() == Some("RevalidateCachedQuery"),
            _ => false,
        })
}

/// Waits for `future`, which waits for the connection, and drives the connection meanwhile.
async fn drive<F: Future>(wire: &mut Wire, closed: &mut bool, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        poll_driven(wire, closed, context, |nobody| future.as_mut().poll(nobody))
    })
    .await
}

/// Polls what waits for the connection, then the connection, then once more what waits.
///
/// Only the connection needs waking up: nothing else can make the waiting one ready. If the last
/// poll sends or takes something, the connection wakes the task by itself.
fn poll_driven<T>(
    wire: &mut Wire,
    closed: &mut bool,
    context: &mut Context<'_>,
    mut waiting: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let mut nobody = Context::from_waker(Waker::noop());
    if let Poll::Ready(value) = waiting(&mut nobody) {
        return Poll::Ready(value);
    }
    if !*closed && wire.as_mut().poll(context).is_ready() {
        *closed = true;
        // Only without the wire do those who wait for it learn that nothing more will come.
        *wire = Box::pin(async { Ok(()) });
    }
    waiting(&mut nobody)
}
