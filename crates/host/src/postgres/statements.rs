//! Running a guest's statements on its connection, and handing the rows over as they come.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use super::pool::Lease;
use super::session;
use super::types::{Column, Error, ParameterValue, Row, RowSet};
use super::{failure, parameters, values};

/// No answer, and no row of a stream, may take more memory than this.
const MOST_BYTES: usize = 128 << 20;

/// A connection that has carried more than this in one statement is not used again.
const LARGE: usize = 1 << 20;

/// An answer up to this size is read whole before the guest sees any of it; its connection is
/// free again by then.
const READ_AHEAD: usize = 64 << 10;

/// What a guest's connection handle stands for.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Mutex<Lease>>);

impl Connection {
    pub(crate) fn new(lease: Lease) -> Self {
        Self(Arc::new(Mutex::new(lease)))
    }
}

/// The answer to a statement, whole or in part.
pub(crate) struct Answer {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Rows,
    pub(crate) end: End,
}

/// How the statement ended, once it has.
pub(crate) type End = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

pub(crate) enum Rows {
    Whole(Vec<Row>),
    Rest(Box<Rest>),
}

/// Runs a statement for the number of rows that it affects.
pub(crate) async fn execute(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Result<u64, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::ValueConversionFailed)?;
    let mut lease = connection.0.lock().await;
    if is_large {
        lease.spend();
    }
    let affected = lease.session()?.execute(sql, &parameters).await;
    affected.map_err(|error| failure::query_failed(&error))
}

/// Runs a statement for all its rows at once.
pub(crate) async fn query(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Result<RowSet, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::BadParameter)?;
    let mut lease = connection.0.lock().await;
    let mut reading = Reading::default();
    let mut rows = start(&mut lease, sql, &parameters, is_large).await?;
    while reading.bytes <= MOST_BYTES {
        if !reading.next(&mut lease, &mut rows).await? {
            return Ok(RowSet {
                columns: reading.columns,
                rows: reading.rows,
            });
        }
    }
    Err(too_large())
}

/// Runs a statement for its rows as they come.
///
/// An error after the statement has started is part of the answer's end, as in Spin.
pub(crate) async fn stream(
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Result<Answer, Error> {
    let is_large = is_large(&parameters);
    let parameters = parameters::convert(parameters).map_err(Error::BadParameter)?;
    let mut lease = Arc::clone(&connection.0).lock_owned().await;
    let mut reading = Reading::default();
    let mut rows = start(&mut lease, sql, &parameters, is_large).await?;
    let end = loop {
        if reading.bytes > READ_AHEAD {
            return Ok(reading.into_stream(lease, rows));
        }
        match reading.next(&mut lease, &mut rows).await {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    Ok(Answer {
        columns: reading.columns,
        rows: Rows::Whole(reading.rows),
        end: Box::pin(future::ready(end)),
    })
}

async fn start(
    lease: &mut Lease,
    sql: &str,
    parameters: &[parameters::Parameter],
    is_large: bool,
) -> Result<session::Rows, Error> {
    if is_large {
        lease.spend();
    }
    let rows = lease.session()?.query(sql, parameters).await;
    rows.map_err(|error| failure::query_failed(&error))
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
    bytes > LARGE
}

fn too_large() -> Error {
    failure::query_text(format!("query result exceeds limit of {MOST_BYTES} bytes"))
}

/// What has been read of an answer so far.
#[derive(Default)]
struct Reading {
    columns: Vec<Column>,
    rows: Vec<Row>,
    bytes: usize,
}

impl Reading {
    /// Reads one row, and says whether there was one.
    async fn next(&mut self, lease: &mut Lease, rows: &mut session::Rows) -> Result<bool, Error> {
        let next = lease.session()?.next(rows).await;
        let Some(row) = next.map_err(|error| failure::query_failed(&error))? else {
            return Ok(false);
        };
        if self.rows.is_empty() {
            self.columns = values::columns(&row);
        }
        let row = values::convert(&row).map_err(failure::query_text)?;
        self.bytes += values::size(&row);
        self.rows.push(row);
        Ok(true)
    }

    fn into_stream(self, lease: OwnedMutexGuard<Lease>, rows: session::Rows) -> Answer {
        let (end_sender, end) = oneshot::channel();
        let rest = Rest {
            first: self.rows,
            source: Some((lease, rows)),
            end: Some(end_sender),
        };
        // A guest that stops reading has asked for no more, which is not an error.
        let end = async { end.await.unwrap_or(Ok(())) };
        Answer {
            columns: self.columns,
            rows: Rows::Rest(Box::new(rest)),
            end: Box::pin(end),
        }
    }
}

/// The rows of an answer that is read while the guest takes it.
pub(crate) struct Rest {
    first: Vec<Row>,
    /// None once the last row was read.
    source: Option<(OwnedMutexGuard<Lease>, session::Rows)>,
    end: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Rest {
    /// As many rows as are there, up to a limit. None only at the end.
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Result<Vec<Row>, Error>> {
        let mut batch = std::mem::take(&mut self.first);
        if !batch.is_empty() {
            return Poll::Ready(Ok(batch));
        }
        let mut bytes = 0;
        while bytes < READ_AHEAD
            && let Some((lease, rows)) = &mut self.source
        {
            let row = match lease.session()?.poll_next(rows, context) {
                Poll::Ready(row) => row.map_err(|error| failure::query_failed(&error))?,
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            };
            let Some(row) = row else {
                self.source = None;
                break;
            };
            let row = values::convert(&row).map_err(failure::query_text)?;
            bytes += values::size(&row);
            if bytes > MOST_BYTES {
                return Poll::Ready(Err(too_large()));
            }
            batch.push(row);
        }
        Poll::Ready(Ok(batch))
    }

    fn finish(&mut self, end: Result<(), Error>) {
        self.source = None;
        if let Some(sender) = self.end.take() {
            // The guest may have dropped its end.
            let _ = sender.send(end);
        }
    }
}

impl<D> StreamProducer<D> for Rest {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let rest = self.get_mut();
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let (batch, end) = match rest.poll_batch(context) {
            Poll::Ready(Ok(batch)) => (batch, Ok(())),
            Poll::Ready(Err(error)) => (Vec::new(), Err(error)),
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
        };
        let ended = end.is_err() || rest.source.is_none();
        destination.set_buffer(batch.into());
        if !ended {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        rest.finish(end);
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}
