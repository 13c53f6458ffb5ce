//! A native service that does in the conventional way what the components do for a
//! few calls: the measure for `lab bench`, and nothing that is ever deployed.
//!
//! Conventional: axum, a deadpool of connections, statements cached by the driver,
//! and a transaction of four round trips for each request.

mod calendar;
mod caller;
mod failure;
mod finance;
mod requests;
mod routes;
mod service;
mod sign_in;
mod statements;
mod transaction;
mod users;
mod view;

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use platform::auth::token::Keys;
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

use crate::service::Service;
use crate::statements::Statements;

/// As many as the pool of the components has.
const CONNECTIONS: usize = 64;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = variable("LISTEN")?;
    let config: tokio_postgres::Config = variable("DATABASE_URL")?
        .parse()
        .context("DATABASE_URL is not a connection string")?;
    let manager = Manager::from_config(
        config,
        NoTls,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    let service = Service {
        pool: Pool::builder(manager).max_size(CONNECTIONS).build()?,
        keys: Keys::parse(&variable("SIGNING_KEYS")?).map_err(anyhow::Error::msg)?,
        region: variable("REGION")?,
        statements: Statements::new()?,
    };

    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("{address} can't be used: is it taken?"))?;
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            // As the host does: an answer must not wait for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
        }),
        routes::router(Arc::new(service)).into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    Ok(())
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| format!("set the environment variable {name}"))
}
