//! Connecting to PostgreSQL from a native program, and turning its errors into one line.
//! The application's statements live with the work that they do.

use std::sync::{Arc, LazyLock};

use anyhow::{Context, Error, Result, anyhow};
use futures::{SinkExt, StreamExt, pin_mut};
use platform::sql::sqlstate::without_values;
use rustls::client::WebPkiServerVerifier;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, NoTls, Socket, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::certificate::RememberingVerifier;

/// Created once, because reading the system's certificates takes longer than connecting.
static TLS: LazyLock<Option<MakeRustlsConnect>> = LazyLock::new(tls);

/// Opens a connection and drives it in the background until the client is dropped.
///
/// `sslmode` in the URL decides on encryption; the default is `prefer`.
pub async fn connect(database_url: &str) -> Result<Client> {
    parse(database_url)?;
    match TLS.as_ref() {
        Some(connector) => open(database_url, connector.clone()).await,
        None => open(database_url, NoTls).await,
    }
}

async fn open<T>(database_url: &str, connector: T) -> Result<Client>
where
    T: MakeTlsConnect<Socket> + Send + 'static,
    T::Stream: Send + 'static,
{
    let (client, connection) = tokio_postgres::connect(database_url, connector)
        .await
        .map_err(|error| connection_failed(database_url, error))?;
    tokio::spawn(async move {
        // Pending calls of the client return the same error.
        let _ = connection.await;
    });
    Ok(client)
}

/// A connector that trusts the system's certificates.
fn tls() -> Option<MakeRustlsConnect> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusted = Arc::new(trusted);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(&trusted), Arc::clone(&provider))
            .build();
    let configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?;
    let configuration = match verifier {
        Ok(verifier) => configuration
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(RememberingVerifier(verifier))),
        // The system has no certificates, so that no server can be trusted.
        Err(_) => configuration.with_root_certificates(trusted),
    };
    Some(MakeRustlsConnect::new(configuration.with_no_client_auth()))
}

/// The URL of the same database, with another user and password.
///
/// # Errors
///
/// When it is not a database URL.
pub fn with_login(database_url: &str, user: &str, password: &str) -> Result<String> {
    let mut url = parse(database_url)?;
    let refused = |()| {
        anyhow!(
            "the database address {} cannot carry a user name",
            without_password(database_url)
        )
    };
    url.set_username(user).map_err(refused)?;
    url.set_password(Some(password)).map_err(refused)?;
    Ok(url.into())
}

/// The URL of another database on the same server, with the same login.
///
/// # Errors
///
/// When it is not a database URL.
pub fn with_database(database_url: &str, database: &str) -> Result<String> {
    let mut url = parse(database_url)?;
    url.set_path(database);
    Ok(url.into())
}

/// The same URL, whose sessions act as `role` from their first statement on.
///
/// # Errors
///
/// When it is not a database URL.
pub fn with_role(database_url: &str, role: &str) -> Result<String> {
    let mut url = parse(database_url)?;
    url.set_query(Some(&format!("options=-c%20role%3D{role}")));
    Ok(url.into())
}

/// The URL in a form that may be printed.
pub fn without_password(database_url: &str) -> String {
    match parse(database_url) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "(unprintable)".to_owned();
            }
            url.into()
        }
        Err(_) => "(not a URL)".to_owned(),
    }
}

/// The host and port of a database URL, for outbound permissions.
///
/// # Errors
///
/// When it is not a database URL, or has no host.
pub fn host_and_port(database_url: &str) -> Result<(String, u16)> {
    let url = parse(database_url)?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .context("the database address has no host")?;
    Ok((host.to_owned(), url.port().unwrap_or(5432)))
}

/// Parses a URL without connecting.
///
/// # Errors
///
/// When it is not a database URL.
pub fn parse(database_url: &str) -> Result<Url> {
    let url = Url::parse(database_url).map_err(|_| {
        anyhow!("the database address is not a URL like postgres://user:password@host:5432/name")
    })?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(anyhow!(
            "the database address begins with {}://, it must begin with postgres://",
            url.scheme()
        ));
    }
    Ok(url)
}

/// Turns the driver's error into one readable line: PostgreSQL's message with its detail and hint.
pub fn explain(error: tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error() else {
        return Error::new(error);
    };
    let code = answer.code().code();
    let mut line = without_values(code, answer.message());
    // The details of these two classes quote values of a row, which must not get into a log.
    let is_about_values = code.starts_with("22") || code.starts_with("23");
    let detail = answer.detail().filter(|_| !is_about_values);
    for part in [detail, answer.hint()].into_iter().flatten() {
        line.push_str("; ");
        line.push_str(part);
    }
    if lacks_schema(answer) {
        line.push_str("; the database lacks the schema: run `lms migrate`");
    }
    if *answer.code() == SqlState::DISK_FULL {
        line.push_str("; the database's disk is full: free some space and try again");
    }
    anyhow!("{line} [{}]", answer.code().code())
}

/// Returns whether a statement failed because the database has none of the schema.
fn lacks_schema(answer: &DbError) -> bool {
    match *answer.code() {
        SqlState::UNDEFINED_TABLE => answer.message().contains("\"lms_private."),
        SqlState::INVALID_SCHEMA_NAME => answer.message().contains("\"lms"),
        _ => false,
    }
}

fn connection_failed(database_url: &str, error: tokio_postgres::Error) -> Error {
    let server = without_password(database_url);
    match error.as_db_error() {
        Some(answer) if *answer.code() == SqlState::INVALID_PASSWORD => {
            anyhow!("PostgreSQL at {server} rejects the password")
        }
        Some(_) => explain(error).context(format!("PostgreSQL at {server} refuses the connection")),
        None => Error::new(error).context(format!(
            "cannot reach PostgreSQL at {server}: check that it is running, and that host and port are right"
        )),
    }
}

/// Copies the rows of a query in one database into a table of another, in PostgreSQL's binary format. `columns` are those of the table,
/// as SQL.
///
/// # Errors
///
/// When one of the databases fails.
pub async fn copy_rows(
    source: &Transaction<'_>,
    query: &str,
    target: &Transaction<'_>,
    table: &str,
    columns: &str,
) -> Result<()> {
    let rows = source
        .copy_out(&format!("copy ({query}) to stdout (format binary)"))
        .await
        .map_err(explain)?;
    let writer = target
        .copy_in(&format!(
            "copy {table} ({columns}) from stdin (format binary)"
        ))
        .await
        .map_err(explain)?;
    pin_mut!(rows, writer);
    while let Some(bytes) = rows.next().await {
        writer
            .send(bytes.map_err(explain)?)
            .await
            .map_err(explain)?;
    }
    writer.finish().await.map_err(explain)?;
    Ok(())
}

/// A name as a quoted SQL identifier.
pub fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string as an SQL literal, for statements that take no parameters.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "postgres://postgres:secret@127.0.0.1:5544/lms";

    #[test]
    fn addresses_change_one_part_at_a_time() {
        assert_eq!(
            with_login(ADDRESS, "lms_application", "other").unwrap(),
            "postgres://lms_application:other@127.0.0.1:5544/lms"
        );
        assert_eq!(
            with_database(ADDRESS, "template1").unwrap(),
            "postgres://postgres:secret@127.0.0.1:5544/template1"
        );
        assert_eq!(
            with_role(ADDRESS, "lms_owner").unwrap(),
            "postgres://postgres:secret@127.0.0.1:5544/lms?options=-c%20role%3Dlms_owner"
        );
        assert_eq!(
            host_and_port(ADDRESS).unwrap(),
            ("127.0.0.1".to_owned(), 5544)
        );
        assert_eq!(host_and_port("postgres://db.example/lms").unwrap().1, 5432);
    }

    #[test]
    fn passwords_are_not_printed() {
        assert!(!without_password(ADDRESS).contains("secret"));
        assert_eq!(without_password("host=x password=secret"), "(not a URL)");
    }

    #[test]
    fn other_addresses_are_rejected() {
        assert!(parse("mysql://localhost/lms").is_err());
        assert!(parse("localhost").is_err());
        assert!(host_and_port("postgres:///lms").is_err());
    }

    #[test]
    fn quoting_escapes_quotes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_name("a\"b"), "\"a\"\"b\"");
    }
}
