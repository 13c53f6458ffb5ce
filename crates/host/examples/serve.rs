//! Serves the application of a manifest without the rest of the product, for measurements and
//! experiments. The program that serves the product is `lms`.
//!
//! `cargo run --release -p host --example serve -- spin.toml 127.0.0.1:3000 .lms/cache`.

use std::path::Path;

use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| {
        arguments
            .next()
            .with_context(|| format!("{name} is missing"))
    };
    let (manifest, address, cache) = (
        argument("the manifest")?,
        argument("the address")?,
        argument("the cache folder")?,
    );
    let application = host::Runtime::new(Path::new(&cache))?
        .load(Path::new(&manifest), host::variables_from_environment())?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(&address).await?;
            application
                .serve(listener, async {
                    // If the signal cannot be awaited, only killing the process stops it.
                    let _ = tokio::signal::ctrl_c().await;
                })
                .await
        })
}
