//! A component for tests that calls the functions of `spin:postgres`, synchronous or asynchronous
//! ones depending on the request's path, and responds with one line for each result. The test that
//! reads them is `tests/guarantees/database_interface.rs`.

#![cfg(target_family = "wasm")]

use std::fmt::Debug;

use bytes::Bytes;
use platform::spin::sdk::http::{FullBody, Request, Response};
use platform::spin::sdk::pg::wit::postgres::{
    Column, Connection, ConnectionBuilder, DbValue, Error, ParameterValue, QueryError,
};
use platform::spin::sdk::variables;

type Rows = (Vec<Column>, Vec<Vec<DbValue>>);

platform::entry!(request => handle(request));

async fn handle(request: Request) -> Result<Response<FullBody<Bytes>>, http::Error> {
    let variant = match request.uri().path() {
        "/synchronous" => Variant::Synchronous,
        _ => Variant::Asynchronous,
    };
    let text = match run(variant).await {
        Ok(lines) => lines.join("\n"),
        Err(error) => format!("failed: {error:?}"),
    };
    http::Response::builder()
        .header("content-length", text.len())
        .body(FullBody::new(Bytes::from(text)))
}

async fn run(variant: Variant) -> Result<Vec<String>, Error> {
    let address = variables::get("database_url")
        .await
        .map_err(|error| Error::Other(error.to_string()))?;
    let mut lines = Vec::new();
    let connection = variant.open(&address).await?;
    let create = "create temporary table notes (number integer, note text)";
    lines.push(line(variant.execute(&connection, create, &[]).await));
    let two = [ParameterValue::Int32(1), ParameterValue::Str("one".into())];
    let insert = "insert into notes values ($1, $2), (2, null)";
    lines.push(line(variant.execute(&connection, insert, &two).await));
    let select = "select number, note from notes order by number";
    lines.push(line(variant.query(&connection, select, &[]).await));
    let many = "select count(*)::integer, sum(length)::integer
        from (select length(repeat('x', 1000)) from generate_series(1, 100)) as long(length)";
    lines.push(line(variant.query(&connection, many, &[]).await));
    let long = variant.query(
        &connection,
        "select repeat('x', 1000) from generate_series(1, 200)",
        &[],
    );
    lines.push(line(long.await.map(|(_, rows)| rows.len())));
    lines.push(line(variant.query(&connection, "select 1 / 0", &[]).await));
    lines.push(line(variant.execute(&connection, "nonsense", &[]).await));
    let wrong = [ParameterValue::Boolean(true)];
    let rejected = variant
        .query(&connection, "select $1::integer", &wrong)
        .await;
    lines.push(format!("{}", rejected.is_err()));
    drop(connection);

    let unreachable = variant.open("postgres://127.0.0.1:1/x").await;
    lines.push(format!("{}", unreachable.is_err()));
    let builder = ConnectionBuilder::new(&address);
    let certified = builder.set_ca_root("no certificate");
    lines.push(format!("{}", certified.is_err()));
    let built = variant.build(&builder).await?;
    lines.push(line(variant.query(&built, "select true", &[]).await));
    Ok(lines)
}

/// Formats a result, and of an error only the parts that don't depend on the server's version.
fn line(answer: Result<impl Debug, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(Error::QueryFailed(QueryError::DbError(error))) => error.code,
        Err(error) => format!("{error:?}"),
    }
}

/// The variant of each function that is called.
#[derive(Clone, Copy)]
enum Variant {
    Synchronous,
    Asynchronous,
}

impl Variant {
    async fn open(self, address: &str) -> Result<Connection, Error> {
        match self {
            Variant::Synchronous => Connection::open(address),
            Variant::Asynchronous => Connection::open_async(address.to_owned()).await,
        }
    }

    async fn build(self, builder: &ConnectionBuilder) -> Result<Connection, Error> {
        match self {
            Variant::Synchronous => builder.build(),
            Variant::Asynchronous => builder.build_async().await,
        }
    }

    async fn execute(
        self,
        connection: &Connection,
        sql: &str,
        parameters: &[ParameterValue],
    ) -> Result<u64, Error> {
        match self {
            Variant::Synchronous => connection.execute(sql, parameters),
            Variant::Asynchronous => {
                let (sql, parameters) = (sql.to_owned(), parameters.to_vec());
                connection.execute_async(sql, parameters).await
            }
        }
    }

    async fn query(
        self,
        connection: &Connection,
        sql: &str,
        parameters: &[ParameterValue],
    ) -> Result<Rows, Error> {
        match self {
            Variant::Synchronous => {
                let answer = connection.query(sql, parameters)?;
                Ok((answer.columns, answer.rows))
            }
            Variant::Asynchronous => {
                let (sql, parameters) = (sql.to_owned(), parameters.to_vec());
                let (columns, mut stream, end) = connection.query_async(sql, parameters).await?;
                let mut rows = Vec::new();
                while let Some(row) = stream.next().await {
                    rows.push(row);
                }
                end.await?;
                Ok((columns, rows))
            }
        }
    }
}
