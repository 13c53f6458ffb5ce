//! From a manifest to an application that serves.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::handler::ProxyHandler;

use crate::compiled::CompiledComponents;
use crate::component::{self, Component, State};
use crate::manifest::Manifest;
use crate::postgres::Pools;
use crate::router::Router;
use crate::server::Server;
use crate::worker::Instances;
use crate::{engine, variables};

/// What applications run on: one Wasmtime engine and a folder of compiled components. Cheap to
/// clone.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    linker: Arc<Linker<State>>,
    compiled: CompiledComponents,
}

impl Runtime {
    /// Sets up WebAssembly. Compiled components are kept in `cache_dir`, which is made if need be.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or the machine does not give enough address space.
    pub fn new(cache_dir: &Path) -> Result<Self> {
        let engine = engine::new()?;
        let linker = Arc::new(component::linker(&engine)?);
        Ok(Self {
            engine,
            linker,
            compiled: CompiledComponents::new(cache_dir)?,
        })
    }

    /// Loads the application that `manifest` describes, with values for its variables.
    ///
    /// Components that have not been compiled by this version yet are compiled, which takes
    /// seconds; later it takes milliseconds.
    ///
    /// # Errors
    ///
    /// The manifest is faulty, a variable has no value, or a Wasm file is missing or not usable.
    pub fn load(
        &self,
        manifest: &Path,
        variables: BTreeMap<String, String>,
    ) -> Result<Application> {
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let manifest = Manifest::read(manifest)?;
        let values = variables::resolve(&manifest.variables, &variables)?;
        let pools = Pools::default();

        let mut places = HashMap::new();
        let mut handlers = Vec::new();
        let mut loaded = HashMap::new();
        for (id, component) in &manifest.components {
            let settings = Component::new(id, component, &values, &pools)?;
            let source = folder.join(&component.source);
            let compiled = self
                .compile_once(&mut loaded, source)
                .with_context(|| format!("[component.{id}]"))?;
            let linked = self
                .linker
                .instantiate_pre(&compiled)
                .map_err(anyhow::Error::from)
                .with_context(|| format!("[component.{id}] imports what is not offered here"))?;
            let instances = Instances::new(&self.engine, Arc::new(settings), linked)
                .map_err(anyhow::Error::from)
                .with_context(|| format!("[component.{id}] does not handle HTTP requests"))?;
            places.insert(id.as_str(), handlers.len());
            handlers.push(ProxyHandler::new(instances));
        }
        let router = Router::new(manifest.triggers(), |id| places.get(id).copied())?;
        Ok(Application {
            server: Server::new(router, handlers),
        })
    }

    /// Two components may have the same Wasm file: it is then loaded once.
    fn compile_once(
        &self,
        loaded: &mut HashMap<PathBuf, wasmtime::component::Component>,
        source: PathBuf,
    ) -> Result<wasmtime::component::Component> {
        if let Some(component) = loaded.get(&source) {
            return Ok(component.clone());
        }
        let component = self.compiled.load(&self.engine, &source)?;
        loaded.insert(source, component.clone());
        Ok(component)
    }
}

/// A loaded application: its routes, its components linked, its variables resolved.
pub struct Application {
    server: Server,
}

impl Application {
    /// Serves HTTP until `shutdown` is ready, and then finishes the requests in flight.
    ///
    /// # Errors
    ///
    /// Requests in flight were not finished in time.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        self.server.serve(listener, shutdown).await
    }
}
