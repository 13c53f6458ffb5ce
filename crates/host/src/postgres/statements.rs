//! The execution of a guest's statements on its connection, with the rows buffered or streamed. The
//! protocol with the server lives in `session`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use super::pool::PooledSession;
use super::session::RunningStatement;
use super::traces::DatabaseSpan;
use super::types::{Column, Error, ParameterValue, Row, RowSet};
use super::{errors, parameters, values};

/// The maximum size of a whole result, and of one row of a streamed result.
const MAX_RESULT_BYTES: usize = 128 << 20;

/// The maximum size of a statement's parameters after which its connection is reused.
const MAX_REUSABLE_BYTES: usize = 1 << 20;

/// The size up to which a result is buffered before the guest reads any of it, so that its
/// connection is free by then.
const MAX_BUFFERED_BYTES: usize = 64 << 10;

/// The resource `connection`.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Mutex<PooledSession>>);

impl Connection {
    pub(crate) fn new(session: PooledSession) -> Self {
        Self(Arc::new(Mutex::new(session)))
    }
}

/// The result of a statement, whose rows may still be on their way.
pub(crate) struct QueryResult {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Rows,
    pub(crate) completion: Completion,
}

/// The outcome of a statement, once it is complete.
pub(crate) type Completion = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// The rows of a result.
pub(crate) enum Rows {
    Buffered(Vec<Row>),
    Streamed(Box<RowStream>),
}

/// Executes a statement and returns the number of rows that it affected.
pub(crate) async fn execute(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Result<u64, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::ValueConversionFailed)?;
    let mut session = connection.0.lock().await;
    if is_large {
        session.close_after_use();
    }
    let affected = session.session()?.execute(sql, &parameters).await;
    affected.map_err(|error| errors::query_failed(&error))
}

/// Executes a statement and returns all its rows at once.
pub(crate) async fn query(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Result<RowSet, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::BadParameter)?;
    let mut session = connection.0.lock().await;
    let mut buffer = RowBuffer::default();
    let mut statement = start(&mut session, sql, &parameters, is_large).await?;
    while buffer.bytes <= MAX_RESULT_BYTES {
        if !buffer.read_row(&mut session, &mut statement).await? {
            return Ok(RowSet {
                columns: buffer.columns,
                rows: buffer.rows,
            });
        }
    }
    Err(too_large())
}

/// Executes a statement and returns its rows as they arrive.
///
/// An error after the statement has started is part of the completion, as in Spin. The span ends
/// with that, too.
pub(crate) async fn stream(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
    span: &mut DatabaseSpan,
) -> Result<QueryResult, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::BadParameter)?;
    let mut session = Arc::clone(&connection.0).lock_owned().await;
    let mut buffer = RowBuffer::default();
    let mut statement = start(&mut session, sql, &parameters, is_large).await?;
    let outcome = loop {
        if buffer.bytes > MAX_BUFFERED_BYTES {
            return Ok(buffer.into_stream(session, statement, std::mem::take(span)));
        }
        match buffer.read_row(&mut session, &mut statement).await {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    span.end(&outcome);
    Ok(QueryResult {
        columns: buffer.columns,
        rows: Rows::Buffered(buffer.rows),
        completion: Box::pin(future::ready(outcome)),
    })
}

async fn start(
    session: &mut PooledSession,
    sql: &str,
    parameters: &[parameters::Parameter],
    is_large: bool,
) -> Result<RunningStatement, Error> {
    if is_large {
        session.close_after_use();
    }
    let statement = session.session()?.query(sql, parameters).await;
    statement.map_err(|error| errors::query_failed(&error))
}

fn is_large(parameters: &[ParameterValue]) -> bool {
    let bytes: usize = parameters
        .iter()
        .map(|value| match value {
            ParameterValue::Str(text) => text.len(),
            ParameterValue::Binary(bytes) | ParameterValue::Jsonb(bytes) => bytes.len(),
            _ => 0,
        })
        .sum();
    bytes > MAX_REUSABLE_BYTES
}

fn too_large() -> Error {
    errors::query_text(format!(
        "query result exceeds limit of {MAX_RESULT_BYTES} bytes"
    ))
}

/// The rows of a result that have been read so far.
#[derive(Default)]
struct RowBuffer {
    columns: Vec<Column>,
    rows: Vec<Row>,
    bytes: usize,
}

impl RowBuffer {
    /// Reads a row, and returns whether there was one.
    async fn read_row(
        &mut self,
        session: &mut PooledSession,
        statement: &mut RunningStatement,
    ) -> Result<bool, Error> {
        let row = session.session()?.next_row(statement).await;
        let Some(row) = row.map_err(|error| errors::query_failed(&error))? else {
            return Ok(false);
        };
        if self.rows.is_empty() {
            self.columns = values::columns(&row);
        }
        let row = values::convert(&row).map_err(errors::query_text)?;
        self.bytes += values::size(&row);
        self.rows.push(row);
        Ok(true)
    }

    fn into_stream(
        self,
        session: OwnedMutexGuard<PooledSession>,
        statement: RunningStatement,
        span: DatabaseSpan,
    ) -> QueryResult {
        let (sender, completion) = oneshot::channel();
        let rows = RowStream {
            buffered: self.rows,
            source: Some((session, statement)),
            completion: Some(sender),
            span,
        };
        // If a guest stops reading, there is no outcome, which is not an error.
        let completion = async { completion.await.unwrap_or(Ok(())) };
        QueryResult {
            columns: self.columns,
            rows: Rows::Streamed(Box::new(rows)),
            completion: Box::pin(completion),
        }
    }
}

/// The rows of a result that the host reads from the server while the guest reads them.
pub(crate) struct RowStream {
    buffered: Vec<Row>,
    /// None once the last row was read.
    source: Option<(OwnedMutexGuard<PooledSession>, RunningStatement)>,
    completion: Option<oneshot::Sender<Result<(), Error>>>,
    span: DatabaseSpan,
}

impl RowStream {
    /// Returns the rows that have arrived, up to a limit: none only at the end of the result.
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Result<Vec<Row>, Error>> {
        let mut batch = std::mem::take(&mut self.buffered);
        if !batch.is_empty() {
            return Poll::Ready(Ok(batch));
        }
        let mut bytes = 0;
        while bytes < MAX_BUFFERED_BYTES
            && let Some((session, statement)) = &mut self.source
        {
            let row = match session.session()?.poll_next_row(statement, context) {
                Poll::Ready(row) => row.map_err(|error| errors::query_failed(&error))?,
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            };
            let Some(row) = row else {
                self.source = None;
                break;
            };
            let row = values::convert(&row).map_err(errors::query_text)?;
            bytes += values::size(&row);
            if bytes > MAX_RESULT_BYTES {
                return Poll::Ready(Err(too_large()));
            }
            batch.push(row);
        }
        Poll::Ready(Ok(batch))
    }

    fn finish(&mut self, outcome: Result<(), Error>) {
        self.source = None;
        self.span.end(&outcome);
        if let Some(sender) = self.completion.take() {
            // The guest may have dropped the future of the completion.
            let _ = sender.send(outcome);
        }
    }
}

impl<D> StreamProducer<D> for RowStream {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let stream = self.get_mut();
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let (batch, outcome) = match stream.poll_batch(context) {
            Poll::Ready(Ok(batch)) => (batch, Ok(())),
            Poll::Ready(Err(error)) => (Vec::new(), Err(error)),
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
        };
        let is_complete = outcome.is_err() || stream.source.is_none();
        destination.set_buffer(batch.into());
        if !is_complete {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        stream.finish(outcome);
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}
