//! From a manifest to an application that serves.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use wasmtime::Engine;
use wasmtime::component::{InstancePre, Linker};
use wasmtime_wasi_http::handler::ProxyHandler;

use crate::addresses::Addresses;
use crate::compiled::CompiledComponents;
use crate::component::{self, Component, State};
use crate::drain::Drain;
use crate::engine::MAXIMUM_INSTANCES;
use crate::manifest::{self, Manifest};
use crate::postgres::{Databases, MOST_CONNECTIONS, Pools};
use crate::rooms::{Rooms, Shared};
use crate::router::Router;
use crate::server::Server;
use crate::services::{self, Services};
use crate::worker::Instances;
use crate::{engine, shard, variables};

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

        let mut loader = Loader {
            runtime: self,
            folder,
            values: &values,
            loaded: HashMap::new(),
        };
        let services = Arc::new(loader.services(&manifest)?);
        let shards = shard::count();
        let pools: Vec<_> = (0..shards)
            .map(|_| Pools::new(MOST_CONNECTIONS / shards))
            .collect();
        let mut handlers: Vec<_> = pools.iter().map(|_| Vec::new()).collect();
        let mut places = HashMap::new();
        for (id, component) in &manifest.components {
            if manifest.is_service(id) {
                continue;
            }
            for (handlers, pools) in handlers.iter_mut().zip(&pools) {
                let databases = Databases::new(pools.clone());
                let services = Some(Arc::clone(&services));
                let instances = loader.instances(id, component, databases, services)?;
                handlers.push(ProxyHandler::new(instances));
            }
            places.insert(id.as_str(), places.len());
        }
        let router = Router::new(manifest.triggers(), |id| places.get(id).copied())?;
        let router = Arc::new(router);

        // A quarter of all instances may be at work, and as many requests take long: they mostly
        // wait, and an instance has many that wait. So there is always room for one more while
        // idle instances of other components wait for their time to run out.
        let rooms = MAXIMUM_INSTANCES as usize / 4 / shards;
        let (drain, shared) = (Drain::default(), Shared::new());
        let servers = handlers
            .into_iter()
            .map(|handlers| {
                let rooms = Rooms::new(rooms, 2 * rooms, shared.clone());
                Server::new(Arc::clone(&router), handlers, rooms, drain.clone())
            })
            .collect();
        Ok(Application {
            servers,
            addresses: Addresses::default(),
            drain,
        })
    }
}

/// Makes components ready while one manifest is loaded.
struct Loader<'a> {
    runtime: &'a Runtime,
    folder: &'a Path,
    values: &'a BTreeMap<String, String>,
    /// Two components may have the same Wasm file, and each is made ready for every thread: it is loaded once.
    loaded: HashMap<PathBuf, InstancePre<State>>,
}

impl Loader<'_> {
    fn services(&mut self, manifest: &Manifest) -> Result<Services> {
        let services = manifest.components.iter();
        let services: Vec<_> = services
            .filter(|(id, _)| manifest.is_service(id))
            .map(|(id, component)| {
                let databases = Databases::new(Pools::new(services::threads()));
                Ok((id.clone(), self.instances(id, component, databases, None)?))
            })
            .collect::<Result<_>>()?;
        Services::start(services)
    }

    /// A maker of instances of a component, which may ask the services unless it is one.
    fn instances(
        &mut self,
        id: &str,
        component: &manifest::Component,
        databases: Databases,
        services: Option<Arc<Services>>,
    ) -> Result<Instances> {
        let settings = Component::new(id, component, self.values, databases, services)?;
        let linked = self
            .linked(&component.source)
            .with_context(|| format!("[component.{id}]"))?;
        Instances::new(&self.runtime.engine, Arc::new(settings), linked)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("[component.{id}] does not handle HTTP requests"))
    }

    fn linked(&mut self, source: &str) -> Result<InstancePre<State>> {
        let source = self.folder.join(source);
        if let Some(linked) = self.loaded.get(&source) {
            return Ok(linked.clone());
        }
        let component = self.runtime.compiled.load(&self.runtime.engine, &source)?;
        let linked = self
            .runtime
            .linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from)
            .context("it imports what is not offered here")?;
        self.loaded.insert(source, linked.clone());
        Ok(linked)
    }
}

/// A loaded application: its routes, its components linked, its variables resolved.
pub struct Application {
    /// One for each thread that serves.
    servers: Vec<Server>,
    addresses: Addresses,
    drain: Drain,
}

impl Application {
    /// Goes on serving for a time after it was told to stop, and sends clients elsewhere meanwhile: `/.well-known/spin/health`
    /// answers 503, and every response ends its connection.
    #[must_use]
    pub fn draining_for(mut self, time: Duration) -> Self {
        self.drain.time = time;
        self
    }

    /// Keeps rooms for these paths, by which others learn how this host is: they are answered when
    /// everything else has to wait.
    #[must_use]
    pub fn keeping_rooms_for(mut self, paths: &[&str]) -> Self {
        let paths: Arc<[String]> = paths.iter().map(|path| (*path).to_owned()).collect();
        for server in &mut self.servers {
            server.keep_rooms_for(Arc::clone(&paths));
        }
        self
    }

    /// Closes what a client address opens beyond so many connections. Behind a proxy all clients
    /// have the proxy's address.
    #[must_use]
    pub fn with_connections_for_each(mut self, most: Option<NonZeroUsize>) -> Self {
        self.addresses = Addresses::new(most);
        self
    }

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
        shard::serve(self.servers, self.addresses, listener, shutdown, self.drain).await
    }
}
