//! Conversion of the driver's errors to those of `spin:postgres`. Variants, texts and the keys of
//! `extras` are Spin's, because components read them. The error types are defined in `types`.

use tokio_postgres::error::DbError as ServerError;

use super::types::{DbError, Error, QueryError};

/// Converts the error of a statement.
pub(crate) fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(server) => QueryError::DbError(DbError {
            as_text,
            severity: server.severity().to_owned(),
            code: server.code().code().to_owned(),
            message: server.message().to_owned(),
            detail: server.detail().map(str::to_owned),
            extras: extras(server),
        }),
    })
}

/// The error of a statement that failed in the host, not in the server.
pub(crate) fn query_text(text: String) -> Error {
    Error::QueryFailed(QueryError::Text(text))
}

fn extras(server: &ServerError) -> Vec<(String, String)> {
    let line = server.line().map(|line| line.to_string());
    [
        ("column", server.column()),
        ("constraint", server.constraint()),
        ("routine", server.routine()),
        ("hint", server.hint()),
        ("table", server.table()),
        ("datatype", server.datatype()),
        ("schema", server.schema()),
        ("file", server.file()),
        ("line", line.as_deref()),
        ("where_", server.where_()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
    .collect()
}
