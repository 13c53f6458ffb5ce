//! The baseline of `lab bench`: a native service with axum, a deadpool of connections, statements cached by the driver and a
//! transaction of four round trips per request. It implements the measured operations alone and is never deployed.

mod calendar;
mod caller;
mod failure;
mod finance;
mod handlers;
mod requests;
mod routes;
mod service;
mod sign_in;
mod statements;
mod transaction;
mod users;

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

/// The size of the connection pool, the same as that of the components.
const MAX_CONNECTIONS: usize = 64;

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
        pool: Pool::builder(manager).max_size(MAX_CONNECTIONS).build()?,
        keys: Keys::parse(&variable("SIGNING_KEYS")?).map_err(anyhow::Error::msg)?,
        region: variable("REGION")?,
        statements: Statements::new()?,
    };

    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {address}: another program may use it"))?;
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            // The host does the same, so that a response doesn't wait for the client's acknowledgement.
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
