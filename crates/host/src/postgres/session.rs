//! A session: one connection to a server, with its prepared statements and the state that decides
//! whether it can be reused. Sessions are created and handed out in `pool`.
//!
//! The task that waits for a result polls the connection itself. Nothing is spawned, so that the
//! server's data wakes the guest's task directly. In return, only one statement runs on a
//! connection at a time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{StreamExt as _, future};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, RowStream, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::parameters::Parameter;
use super::transaction::{self, Effect};

/// The statements that `RecyclingMethod::Clean` of deadpool-postgres sends before a connection is
/// reused: all of `discard all` except for prepared statements.
const RESET_SESSION: &str = "close all; set session authorization default; reset all; unlisten *; \
    select pg_advisory_unlock_all(); discard temp; discard sequences;";

/// The maximum number of prepared statements of one connection. Guests have static statements, so
/// that only a guest that builds its SQL reaches this limit.
const MAX_PREPARED_STATEMENTS: usize = 256;

/// How long a cancel request may take. A server that has become unreachable never answers it.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that leave no state on their session: no setting, lock, cursor, temporary table or
/// listened channel.
pub(crate) type StatelessStatements = &'static [&'static str];

/// The half of a connection that reads and writes. It must be polled for the client half to make
/// progress.
type ConnectionTask = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// A connection to a server.
pub(crate) struct Session {
    client: Client,
    connection_task: ConnectionTask,
    statements: HashMap<String, Statement>,
    stateless_statements: StatelessStatements,
    /// The current guest has run a statement that may have changed the session.
    may_have_changed: bool,
    /// A previous guest may have changed the session.
    needs_reset: bool,
    /// A reset has failed, so that nobody knows what is left on the session.
    is_tainted: bool,
    /// A statement was sent, and its completion has not been received.
    is_busy: bool,
    in_transaction: bool,
    is_closed: bool,
}

impl Session {
    /// Connects to a server.
    pub(crate) async fn connect(
        config: &Config,
        connector: Option<&MakeRustlsConnect>,
        stateless_statements: StatelessStatements,
    ) -> Result<Self, tokio_postgres::Error> {
        let (client, connection_task): (Client, ConnectionTask) = match connector {
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
            connection_task,
            statements: HashMap::new(),
            stateless_statements,
            may_have_changed: false,
            needs_reset: false,
            is_tainted: false,
            is_busy: false,
            in_transaction: false,
            is_closed: false,
        })
    }

    /// Returns whether the pool may give the session to another guest: it is open, and nothing of
    /// the current guest is left on it.
    pub(crate) fn is_reusable(&self) -> bool {
        !self.is_busy
            && !self.in_transaction
            && !self.is_tainted
            && !self.is_closed
            && !self.client.is_closed()
    }

    /// Prepares the session for the next guest. Returns false if it cannot be reused, for instance because
    /// the server has closed the connection in the meantime.
    pub(crate) fn recycle(&mut self) -> bool {
        self.needs_reset |= std::mem::take(&mut self.may_have_changed);
        let mut context = Context::from_waker(Waker::noop());
        self.is_closed =
            self.is_closed || self.connection_task.as_mut().poll(&mut context).is_ready();
        self.is_reusable()
    }

    /// Closes the session. If a statement is running, the server is asked to cancel it, and rolls
    /// back when it finds the connection closed.
    pub(crate) fn close(self, connector: Option<MakeRustlsConnect>) {
        if !self.is_busy || self.is_closed {
            return;
        }
        let cancel = self.client.cancel_token();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let cancelled = async {
                    match connector {
                        None => cancel.cancel_query(NoTls).await,
                        Some(connector) => cancel.cancel_query(connector).await,
                    }
                };
                // If this fails, the server rolls back all the same, but later.
                let _ = tokio::time::timeout(CANCEL_TIMEOUT, cancelled).await;
            });
        }
    }

    /// Starts a statement.
    pub(crate) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<RunningStatement, tokio_postgres::Error> {
        self.start(sql);
        let mut outcome = self.try_query(sql, parameters).await;
        if outcome.as_ref().is_err_and(is_stale) {
            self.statements.remove(sql);
            // Inside a transaction, which the error has aborted, no retry is possible.
            if !self.in_transaction {
                outcome = self.try_query(sql, parameters).await;
            }
        }
        match outcome {
            Ok(rows) => Ok(RunningStatement {
                rows: Box::pin(rows),
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
        let mut statement = self.query(sql, parameters).await?;
        while self.next_row(&mut statement).await?.is_some() {}
        Ok(statement.rows.rows_affected().unwrap_or(0))
    }

    /// Returns the next row, or none at the end.
    pub(crate) async fn next_row(
        &mut self,
        statement: &mut RunningStatement,
    ) -> Result<Option<tokio_postgres::Row>, tokio_postgres::Error> {
        std::future::poll_fn(|context| self.poll_next_row(statement, context)).await
    }

    /// Like [`Session::next_row`], for callers that are polled themselves.
    pub(crate) fn poll_next_row(
        &mut self,
        statement: &mut RunningStatement,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<tokio_postgres::Row>, tokio_postgres::Error>> {
        let polled = poll_driven(
            &mut self.connection_task,
            &mut self.is_closed,
            context,
            |context| statement.rows.poll_next_unpin(context),
        );
        polled.map(|row| match row {
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(error)) => Err(self.fail(error)),
            None => {
                self.finish(statement.effect);
                Ok(None)
            }
        })
    }

    /// Marks the session as busy until the completion of the statement is received.
    fn start(&mut self, sql: &str) {
        self.is_busy = true;
        self.may_have_changed |= !self.stateless_statements.contains(&sql);
        // This holds even if the statement fails, or if its completion is never received.
        self.in_transaction |= transaction::effect(sql) == Effect::Begin;
    }

    fn finish(&mut self, effect: Effect) {
        self.is_busy = false;
        if effect == Effect::End {
            self.in_transaction = false;
        }
    }

    fn fail(&mut self, error: tokio_postgres::Error) -> tokio_postgres::Error {
        // After an error that the server reports, the connection is ready for the next statement.
        self.is_busy = error.as_db_error().is_none();
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
        let parameters = parameters
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync));
        self.send(async |client| client.query_raw(&statement, parameters).await)
            .await
    }

    /// Sends a request, and before it the reset that is due. Both share a round trip. If the reset
    /// fails, the session is never reused.
    async fn send<T>(
        &mut self,
        request: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        let (reset, outcome) = drive(
            &mut self.connection_task,
            &mut self.is_closed,
            future::join(reset(&self.client, self.needs_reset), request(&self.client)),
        )
        .await;
        self.is_tainted |= reset.is_err();
        self.needs_reset &= reset.is_err();
        reset.and(outcome)
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if self.statements.len() >= MAX_PREPARED_STATEMENTS {
            self.statements.clear();
        }
        let statement = self.send(async |client| client.prepare(sql).await).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// A statement whose rows are being received.
pub(crate) struct RunningStatement {
    rows: Pin<Box<RowStream>>,
    effect: Effect,
}

/// Resets the settings that the previous guest may have changed.
async fn reset(client: &Client, needed: bool) -> Result<(), tokio_postgres::Error> {
    if needed {
        client.batch_execute(RESET_SESSION).await
    } else {
        Ok(())
    }
}

/// Returns whether a prepared statement is out of date: a table was altered since, or the statement
/// was deallocated. It was not executed then, and can be prepared again.
fn is_stale(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|server| match server.code().code() {
            "26000" => true,
            "0A000" => server.routine() == Some("RevalidateCachedQuery"),
            _ => false,
        })
}

/// Awaits a future that depends on the connection, and polls the connection meanwhile.
async fn drive<F: Future>(
    connection_task: &mut ConnectionTask,
    is_closed: &mut bool,
    future: F,
) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        poll_driven(connection_task, is_closed, context, |context| {
            future.as_mut().poll(context)
        })
    })
    .await
}

/// Polls a future that depends on the connection, then the connection, then the future once more.
///
/// Only the connection needs the task's waker, because nothing else can make the future ready. If
/// the last poll sends or receives something, the connection wakes the task by itself.
fn poll_driven<T>(
    connection_task: &mut ConnectionTask,
    is_closed: &mut bool,
    context: &mut Context<'_>,
    mut poll_dependent: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let mut no_waker = Context::from_waker(Waker::noop());
    if let Poll::Ready(value) = poll_dependent(&mut no_waker) {
        return Poll::Ready(value);
    }
    if !*is_closed && connection_task.as_mut().poll(context).is_ready() {
        *is_closed = true;
        // The client half learns only from the drop of this half that nothing more will come.
        *connection_task = Box::pin(async { Ok(()) });
    }
    poll_dependent(&mut no_waker)
}
