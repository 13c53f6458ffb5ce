//! The linker: all interfaces that a component may import. Each is implemented elsewhere: WASI by
//! Wasmtime, `spin:variables` in `variables`, `spin:postgres` in `postgres`.

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::Linker;

use super::state::InstanceState;
use super::variables;
use crate::postgres;

/// Creates a linker with all interfaces.
pub(crate) fn new(engine: &Engine) -> Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    // The standard library of a `wasm32-wasip2` guest imports WASI 0.2, its handler WASI 0.3.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    variables::add_to_linker(&mut linker)?;
    postgres::add_to_linker(&mut linker)?;
    Ok(linker)
}
