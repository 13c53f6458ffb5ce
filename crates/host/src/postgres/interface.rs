//! The functions of `spin:postgres/postgres@4.2.0`, as guests call them. Statements are executed in
//! `statements`, and connections are opened in `pool`.

use std::sync::Arc;

use wasmtime::component::{
    Accessor, FutureReader, Linker, LinkerInstance, Resource, ResourceTable, ResourceType,
    StreamReader,
};
use wasmtime::{AsContextMut, StoreContextMut};

use super::pool::AuthorizedPools;
use super::statements::{self, Connection, QueryResult};
use super::tls;
use super::traces::{DatabaseSpan, wait_for_connection};
use super::types::{Column, Error, ParameterValue, Row};
use crate::request_trace::RequestTrace;
use crate::wasm::TracedRequests;

/// The parts of an instance's state that the interface needs, in the manner of Wasmtime's
/// [`WasiView`](wasmtime_wasi::WasiView).
pub(crate) trait PostgresView: Send + 'static {
    /// The resources that the guest holds.
    fn table(&mut self) -> &mut ResourceTable;

    /// The pools that the instance's component may use.
    fn pools(&self) -> &Arc<AuthorizedPools>;

    /// The instance's requests whose traces are recorded.
    fn traced_requests(&self) -> &TracedRequests;
}

/// The resource `connection-builder`.
struct ConnectionBuilder {
    connection_string: String,
    certificate: Option<String>,
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: PostgresView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("spin:postgres/postgres@4.2.0")?;
    add_connection_builder(&mut interface)?;
    add_connection(&mut interface)?;
    add_statements(&mut interface)
}

fn add_connection_builder<T: PostgresView>(
    interface: &mut LinkerInstance<'_, T>,
) -> wasmtime::Result<()> {
    interface.resource(
        "connection-builder",
        ResourceType::host::<ConnectionBuilder>(),
        |mut store, handle| {
            let handle = Resource::<ConnectionBuilder>::new_own(handle);
            store.data_mut().table().delete(handle)?;
            Ok(())
        },
    )?;
    interface.func_wrap(
        "[constructor]connection-builder",
        |mut store: StoreContextMut<'_, T>, (connection_string,): (String,)| {
            let builder = ConnectionBuilder {
                connection_string,
                certificate: None,
            };
            Ok((store.data_mut().table().push(builder)?,))
        },
    )?;
    interface.func_wrap(
        "[method]connection-builder.set-ca-root",
        |mut store: StoreContextMut<'_, T>,
         (builder, certificate): (Resource<ConnectionBuilder>, String)| {
            let builder = store.data_mut().table().get_mut(&builder)?;
            let checked = tls::check(&certificate)
                .map_err(|reason| Error::Other(format!("invalid root certificate: {reason}")));
            if checked.is_ok() {
                builder.certificate = Some(certificate);
            }
            Ok((checked,))
        },
    )?;
    interface.func_wrap_async(
        "[method]connection-builder.build",
        |mut store: StoreContextMut<'_, T>, (builder,): (Resource<ConnectionBuilder>,)| {
            Box::new(async move {
                let request = ConnectionRequest::from_builder(&mut store, &builder)?;
                let opened = request.open().await;
                Ok((push(store.data_mut(), opened)?,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection-builder.build-async",
        |accessor: &Accessor<T>, (builder,): (Resource<ConnectionBuilder>,)| {
            Box::pin(async move {
                let request = accessor
                    .with(|mut access| ConnectionRequest::from_builder(&mut access, &builder))?;
                let opened = request.open().await;
                Ok((accessor.with(|mut access| push(access.get(), opened))?,))
            })
        },
    )
}

fn add_connection<T: PostgresView>(interface: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    interface.resource(
        "connection",
        ResourceType::host::<Connection>(),
        |mut store, handle| {
            let handle = Resource::<Connection>::new_own(handle);
            store.data_mut().table().delete(handle)?;
            Ok(())
        },
    )?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut store: StoreContextMut<'_, T>, (connection_string,): (String,)| {
            Box::new(async move {
                let request = ConnectionRequest::new(&mut store, connection_string)?;
                let opened = request.open().await;
                Ok((push(store.data_mut(), opened)?,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[static]connection.open-async",
        |accessor: &Accessor<T>, (connection_string,): (String,)| {
            Box::pin(async move {
                let request = accessor
                    .with(|mut access| ConnectionRequest::new(&mut access, connection_string))?;
                let opened = request.open().await;
                Ok((accessor.with(|mut access| push(access.get(), opened))?,))
            })
        },
    )
}

fn add_statements<T: PostgresView>(interface: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    type Statement = (Resource<Connection>, String, Vec<ParameterValue>);

    interface.func_wrap_async(
        "[method]connection.execute",
        |mut store: StoreContextMut<'_, T>, (connection, sql, parameters): Statement| {
            Box::new(async move {
                let (connection, mut span) = begin(&mut store, &connection, &sql)?;
                let result = statements::execute(&connection, &sql, parameters).await;
                span.end(&result);
                Ok((result,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.execute-async",
        |accessor: &Accessor<T>, (connection, sql, parameters): Statement| {
            Box::pin(async move {
                let (connection, mut span) =
                    accessor.with(|mut access| begin(&mut access, &connection, &sql))?;
                let result = statements::execute(&connection, &sql, parameters).await;
                span.end(&result);
                Ok((result,))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |mut store: StoreContextMut<'_, T>, (connection, sql, parameters): Statement| {
            Box::new(async move {
                let (connection, mut span) = begin(&mut store, &connection, &sql)?;
                let result = statements::query(&connection, &sql, parameters).await;
                span.end(&result);
                Ok((result,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.query-async",
        |accessor: &Accessor<T>, (connection, sql, parameters): Statement| {
            Box::pin(async move {
                let (connection, mut span) =
                    accessor.with(|mut access| begin(&mut access, &connection, &sql))?;
                let result = statements::stream(&connection, &sql, parameters, &mut span).await;
                span.end(&result);
                match result {
                    Ok(result) => Ok((Ok(accessor.with(|access| into_readers(access, result))?),)),
                    Err(error) => Ok((Err(error),)),
                }
            })
        },
    )
}

type Readers = (
    Vec<Column>,
    StreamReader<Row>,
    FutureReader<Result<(), Error>>,
);

/// Turns a result into the stream of rows and the future of its completion, which the guest reads.
fn into_readers<T: PostgresView>(
    mut store: impl wasmtime::AsContextMut<Data = T>,
    result: QueryResult,
) -> wasmtime::Result<Readers> {
    let QueryResult {
        columns,
        rows,
        completion,
    } = result;
    let rows = match rows {
        statements::Rows::Buffered(rows) => StreamReader::new(&mut store, rows)?,
        statements::Rows::Streamed(rows) => StreamReader::new(&mut store, *rows)?,
    };
    let completion =
        FutureReader::new(
            &mut store,
            async move { wasmtime::error::Ok(completion.await) },
        )?;
    Ok((columns, rows, completion))
}

/// The arguments for opening a connection, which do not borrow the instance's state.
struct ConnectionRequest {
    pools: Arc<AuthorizedPools>,
    connection_string: String,
    certificate: Option<String>,
    /// The trace of the client's request, if it is recorded.
    trace: Option<RequestTrace>,
}

impl ConnectionRequest {
    fn new<T: PostgresView>(
        store: &mut impl AsContextMut<Data = T>,
        connection_string: String,
    ) -> wasmtime::Result<Self> {
        let mut store = store.as_context_mut();
        Ok(Self {
            trace: trace(&mut store)?,
            pools: Arc::clone(store.data().pools()),
            connection_string,
            certificate: None,
        })
    }

    fn from_builder<T: PostgresView>(
        store: &mut impl AsContextMut<Data = T>,
        handle: &Resource<ConnectionBuilder>,
    ) -> wasmtime::Result<Self> {
        let mut store = store.as_context_mut();
        let trace = trace(&mut store)?;
        let pools = Arc::clone(store.data().pools());
        let builder = store.data_mut().table().get(handle)?;
        Ok(Self {
            pools,
            connection_string: builder.connection_string.clone(),
            certificate: builder.certificate.clone(),
            trace,
        })
    }

    async fn open(self) -> Result<Connection, Error> {
        let certificate = self.certificate.as_deref();
        let taking = self.pools.get(&self.connection_string, certificate);
        let session = wait_for_connection(self.trace, taking).await;
        session.map(Connection::new)
    }
}

/// Gives the guest a handle of a connection that was opened.
fn push(
    state: &mut impl PostgresView,
    opened: Result<Connection, Error>,
) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
    Ok(match opened {
        Ok(connection) => Ok(state.table().push(connection)?),
        Err(error) => Err(error),
    })
}

/// Returns the connection of a handle, and begins the span of the statement that the guest sends
/// over it.
fn begin<T: PostgresView>(
    store: &mut impl AsContextMut<Data = T>,
    handle: &Resource<Connection>,
    sql: &str,
) -> wasmtime::Result<(Connection, DatabaseSpan)> {
    let mut store = store.as_context_mut();
    let connection = store.data_mut().table().get(handle)?.clone();
    let trace = trace(&mut store)?;
    Ok((connection, DatabaseSpan::begin(trace, sql)))
}

/// Returns the trace of the request that the guest handles now, if it is recorded.
fn trace<T: PostgresView>(
    store: &mut StoreContextMut<'_, T>,
) -> wasmtime::Result<Option<RequestTrace>> {
    if store.data().traced_requests().is_empty() {
        return Ok(None);
    }
    // The oldest task of the stack is the one that handles the request.
    let task = store.async_call_stack()?.last();
    Ok(task.and_then(|task| store.data().traced_requests().find(task)))
}
