//! A component that tests alone use: it calls every function of `spin:postgres`, the synchronous half or the
//! asynchronous one as its path says, and answers with what it got, one line for each call.

#![cfg(target_family = "wasm")]

use std::fmt::Debug;

use bytes::Bytes;
use spin_sdk::http::{FullBody, Request, Response};
use spin_sdk::pg::wit::postgres::{
    Column, Connection, ConnectionBuilder, DbValue, Error, ParameterValue, QueryError,
};
use spin_sdk::variables;

type Rows = (Vec<Column>, Vec<Vec<DbValue>>);

/// The entry point for the host.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Result<Response<FullBody<Bytes>>, http::Error> {
    let half = match request.uri().path() {
        "/synchronous" => Half::Synchronous,
        _ => Half::Asynchronous,
    };
    let text = match run(half).await {
        Ok(lines) => lines.join("\n"),
        Err(error) => format!("failed: {error:?}"),
    };
    http::Response::builder()
        .header("content-length", text.len())
        .body(FullBody::new(Bytes::from(text)))
}

async fn run(half: Half) -> Result<Vec<String>, Error> {
    let address = variables::get("database_url")
        .await
        .map_err(|error| Error::Other(error.to_string()))?;
    let mut lines = Vec::new();
    let connection = half.open(&address).await?;
    let create = "create temporary table notes (number integer, note text)";
    lines.push(line(half.execute(&connection, create, &[]).await));
    let two = [ParameterValue::Int32(1), ParameterValue::Str("one".into())];
    let insert = "insert into notes values ($1, $2), (2, null)";
    lines.push(line(half.execute(&connection, insert, &two).await));
    let select = "select number, note from notes order by number";
    lines.push(line(half.query(&connection, select, &[]).await));
    let many = "select count(*)::integer, sum(length)::integer
        from (select length(repeat('x', 1000)) from generate_series(1, 100)) as long(length)";
    lines.push(line(half.query(&connection, many, &[]).await));
    let long = half.query(
        &connection,
        "select repeat('x', 1000) from generate_series(1, 200)",
        &[],
    );
    lines.push(line(long.await.map(|(_, rows)| rows.len())));
    lines.push(line(half.query(&connection, "select 1 / 0", &[]).await));
    lines.push(line(half.execute(&connection, "nonsense", &[]).await));
    let wrong = [ParameterValue::Boolean(true)];
    let refused = half.query(&connection, "select $1::integer", &wrong).await;
    lines.push(format!("{}", refused.is_err()));
    drop(connection);

    let elsewhere = half.open("postgres://127.0.0.1:1/x").await;
    lines.push(format!("{}", elsewhere.is_err()));
    let builder = ConnectionBuilder::new(&address);
    let certified = builder.set_ca_root("no certificate");
    lines.push(format!("{}", certified.is_err()));
    let built = half.build(&builder).await?;
    lines.push(line(half.query(&built, "select true", &[]).await));
    Ok(lines)
}

/// What was answered; of an error only what does not depend on the server's version.
fn line(answer: Result<impl Debug, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(Error::QueryFailed(QueryError::DbError(error))) => error.code,
        Err(error) => format!("{error:?}"),
    }
}

/// Which of the two functions of each name is called.
#[derive(Clone, Copy)]
enum Half {
    Synchronous,
    Asynchronous,
}

impl Half {
    async fn open(self, address: &str) -> Result<Connection, Error> {
        match self {
            Half::Synchronous => Connection::open(address),
            Half::Asynchronous => Connection::open_async(address.to_owned()).await,
        }
    }

    async fn build(self, builder: &ConnectionBuilder) -> Result<Connection, Error> {
        match self {
            Half::Synchronous => builder.build(),
            Half::Asynchronous => builder.build_async().await,
        }
    }

    async fn execute(
        self,
        connection: &Connection,
        sql: &str,
        parameters: &[ParameterValue],
    ) -> Result<u64, Error> {
        match self {
            Half::Synchronous => connection.execute(sql, parameters),
            Half::Asynchronous => {
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
            Half::Synchronous => {
                let answer = connection.query(sql, parameters)?;
                Ok((answer.columns, answer.rows))
            }
            Half::Asynchronous => {
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
