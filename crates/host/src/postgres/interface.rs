//! The functions of `spin:postgres/postgres@4.2.0`, as guests call them.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, FutureReader, Linker, LinkerInstance, Resource, ResourceType, StreamReader,
};

use super::statements::{self, Answer, Connection};
use super::types::{Column, Error, ParameterValue, Row};
use super::{permission, tls};
use crate::component::{Component, State};

/// What a guest's handle of a builder stands for.
struct ConnectionBuilder {
    address: String,
    certificate: Option<String>,
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("spin:postgres/postgres@4.2.0")?;

    interface.resource(
        "connection-builder",
        ResourceType::host::<ConnectionBuilder>(),
        |mut store, handle| {
            let handle = Resource::<ConnectionBuilder>::new_own(handle);
            store.data_mut().table.delete(handle)?;
            Ok(())
        },
    )?;
    interface.func_wrap(
        "[constructor]connection-builder",
        |mut store: StoreContextMut<'_, State>, (address,): (String,)| {
            let builder = ConnectionBuilder {
                address,
                certificate: None,
            };
            Ok((store.data_mut().table.push(builder)?,))
        },
    )?;
    interface.func_wrap(
        "[method]connection-builder.set-ca-root",
        |mut store: StoreContextMut<'_, State>,
         (builder, certificate): (Resource<ConnectionBuilder>, String)| {
            let builder = store.data_mut().table.get_mut(&builder)?;
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
        |mut store: StoreContextMut<'_, State>, (builder,): (Resource<ConnectionBuilder>,)| {
            Box::new(async move {
                let (component, address, certificate) = store.data_mut().builder(&builder)?;
                let opened = open(&component, &address, certificate.as_deref()).await;
                Ok((store.data_mut().keep(opened)?,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection-builder.build-async",
        |accessor: &Accessor<State>, (builder,): (Resource<ConnectionBuilder>,)| {
            Box::pin(async move {
                let (component, address, certificate) =
                    accessor.with(|mut access| access.data_mut().builder(&builder))?;
                let opened = open(&component, &address, certificate.as_deref()).await;
                Ok((accessor.with(|mut access| access.data_mut().keep(opened))?,))
            })
        },
    )?;

    interface.resource(
        "connection",
        ResourceType::host::<Connection>(),
        |mut store, handle| {
            store
                .data_mut()
                .table
                .delete(Resource::<Connection>::new_own(handle))?;
            Ok(())
        },
    )?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut store: StoreContextMut<'_, State>, (address,): (String,)| {
            Box::new(async move {
                let component = Arc::clone(store.data().component());
                let opened = open(&component, &address, None).await;
                Ok((store.data_mut().keep(opened)?,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[static]connection.open-async",
        |accessor: &Accessor<State>, (address,): (String,)| {
            Box::pin(async move {
                let component = accessor.with(|mut access| Arc::clone(access.get().component()));
                let opened = open(&component, &address, None).await;
                Ok((accessor.with(|mut access| access.data_mut().keep(opened))?,))
            })
        },
    )?;
    add_statements(&mut interface)
}

fn add_statements(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Statement = (Resource<Connection>, String, Vec<ParameterValue>);

    interface.func_wrap_async(
        "[method]connection.execute",
        |store: StoreContextMut<'_, State>, (connection, sql, parameters): Statement| {
            Box::new(async move {
                let connection = store.data().table.get(&connection)?.clone();
                Ok((statements::execute(&connection, &sql, parameters).await,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.execute-async",
        |accessor: &Accessor<State>, (connection, sql, parameters): Statement| {
            Box::pin(async move {
                let connection =
                    accessor.with(|mut access| access.get().connection(&connection))?;
                Ok((statements::execute(&connection, &sql, parameters).await,))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |store: StoreContextMut<'_, State>, (connection, sql, parameters): Statement| {
            Box::new(async move {
                let connection = store.data().table.get(&connection)?.clone();
                Ok((statements::query(&connection, &sql, parameters).await,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.query-async",
        |accessor: &Accessor<State>, (connection, sql, parameters): Statement| {
            Box::pin(async move {
                let connection =
                    accessor.with(|mut access| access.get().connection(&connection))?;
                let answer = match statements::stream(&connection, &sql, parameters).await {
                    Ok(answer) => answer,
                    Err(error) => return Ok((Err(error),)),
                };
                Ok((Ok(accessor.with(|access| hand_over(access, answer))?),))
            })
        },
    )
}

type Handles = (
    Vec<Column>,
    StreamReader<Row>,
    FutureReader<Result<(), Error>>,
);

/// Gives the guest the ends from which it reads the answer.
fn hand_over(
    mut store: impl wasmtime::AsContextMut<Data = State>,
    answer: Answer,
) -> wasmtime::Result<Handles> {
    let Answer { columns, rows, end } = answer;
    let rows = match rows {
        statements::Rows::Whole(rows) => StreamReader::new(&mut store, rows)?,
        statements::Rows::Rest(rest) => StreamReader::new(&mut store, *rest)?,
    };
    let end = FutureReader::new(&mut store, async move { wasmtime::error::Ok(end.await) })?;
    Ok((columns, rows, end))
}

async fn open(
    component: &Component,
    address: &str,
    certificate: Option<&str>,
) -> Result<Connection, Error> {
    let allowed = || permission::check(address, &component.allowed_hosts);
    component
        .databases
        .lease(address, certificate, allowed)
        .await
        .map(Connection::new)
}

impl State {
    fn connection(&self, handle: &Resource<Connection>) -> wasmtime::Result<Connection> {
        Ok(self.table.get(handle)?.clone())
    }

    fn keep(
        &mut self,
        opened: Result<Connection, Error>,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        Ok(match opened {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(error) => Err(error),
        })
    }

    fn builder(
        &self,
        handle: &Resource<ConnectionBuilder>,
    ) -> wasmtime::Result<(Arc<Component>, String, Option<String>)> {
        let builder = self.table.get(handle)?;
        let component = Arc::clone(self.component());
        Ok((
            component,
            builder.address.clone(),
            builder.certificate.clone(),
        ))
    }
}
