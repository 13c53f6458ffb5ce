//! The crate's public interface: a runtime loads an application from its manifest, and the
//! application serves HTTP. The modules that do the work are listed in the crate's documentation.

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

use crate::admission::limits::{Limits, SharedLimits};
use crate::manifest::{self, Manifest, variables};
use crate::postgres::{self, MAX_CONNECTIONS, PoolRegistry, StatelessStatements};
use crate::request_trace::RequestTracer;
use crate::server::{self, ConnectionLimit, Drain, RequestHandler, RequestMetrics, Router};
use crate::wasm::{
    self, CompilationCache, ComponentSettings, InstanceFactory, InstanceState, MAX_INSTANCES,
    Services,
};

/// The environment in which applications run: a Wasmtime engine and a cache of compiled components.
/// Cloning it is cheap.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    linker: Arc<Linker<InstanceState>>,
    cache: CompilationCache,
    stateless_statements: StatelessStatements,
}

impl Runtime {
    /// Creates a runtime. Compiled components are kept in `cache_dir`, which is created if it does
    /// not exist.
    ///
    /// # Errors
    ///
    /// The folder cannot be created, or the machine does not provide enough address space.
    pub fn new(cache_dir: &Path) -> Result<Self> {
        let engine = wasm::new_engine()?;
        let linker = Arc::new(wasm::new_linker(&engine)?);
        Ok(Self {
            engine,
            linker,
            cache: CompilationCache::new(cache_dir)?,
            stateless_statements: &[],
        })
    }

    /// Names statements that leave no state on the PostgreSQL session that runs them: no setting,
    /// lock, cursor, temporary table or listened channel. A connection that has run no other is not
    /// reset before the next guest uses it, as it is after every other statement. The texts must be
    /// equal to those that components send.
    #[must_use]
    pub fn with_stateless_statements(mut self, statements: &'static [&'static str]) -> Self {
        self.stateless_statements = statements;
        self
    }

    /// Loads the application that `manifest` describes, with values for its variables.
    ///
    /// Components that are not in the cache are compiled, which takes seconds. Loading the others
    /// takes milliseconds.
    ///
    /// # Errors
    ///
    /// The manifest is invalid, a variable has no value, or a Wasm file is missing or not usable.
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
            variables: &values,
            linked: HashMap::new(),
        };
        let services = Arc::new(loader.load_services(&manifest)?);
        let threads = server::thread_count();
        let pools: Vec<_> = (0..threads)
            .map(|_| PoolRegistry::new(MAX_CONNECTIONS / threads, self.stateless_statements))
            .collect();
        postgres::observe_connections(&pools);
        let mut components: Vec<_> = pools.iter().map(|_| Vec::new()).collect();
        let mut indices = HashMap::new();
        for (id, component) in &manifest.components {
            if manifest.is_service(id) {
                continue;
            }
            for (components, pools) in components.iter_mut().zip(&pools) {
                let services = Arc::clone(&services);
                let instances = loader.load(id, component, pools.clone(), Some(services))?;
                components.push(ProxyHandler::new(instances));
            }
            indices.insert(id.as_str(), indices.len());
        }
        let router = Router::new(manifest.triggers(), |id| indices.get(id).copied())?;
        let router = Arc::new(router);

        // A quarter of the instances may run standard requests. Long-running requests may be twice
        // as many: they mostly wait, and one instance serves many that wait. So there are enough
        // instances for a further request while idle ones of other components wait to expire.
        let standard = MAX_INSTANCES as usize / 4 / threads;
        let (drain, shared) = (Drain::default(), SharedLimits::new());
        let metrics = RequestMetrics::new(
            manifest
                .components
                .keys()
                .filter(|id| !manifest.is_service(id))
                .cloned(),
        );
        let tracer = RequestTracer::new();
        let handlers = components
            .into_iter()
            .map(|components| {
                let limits = Limits::new(standard, 2 * standard, shared.clone());
                RequestHandler::new(
                    Arc::clone(&router),
                    components,
                    limits,
                    drain.clone(),
                    metrics.clone(),
                    tracer.clone(),
                )
            })
            .collect();
        Ok(Application {
            handlers,
            connection_limit: ConnectionLimit::default(),
            drain,
        })
    }
}

/// Loads the components of one manifest.
struct Loader<'a> {
    runtime: &'a Runtime,
    folder: &'a Path,
    variables: &'a BTreeMap<String, String>,
    /// The Wasm files that are loaded: several components may have the same file, and each
    /// component is loaded for every thread.
    linked: HashMap<PathBuf, InstancePre<InstanceState>>,
}

impl Loader<'_> {
    fn load_services(&mut self, manifest: &Manifest) -> Result<Services> {
        let services = manifest.components.iter();
        let services: Vec<_> = services
            .filter(|(id, _)| manifest.is_service(id))
            .map(|(id, component)| {
                let pools = PoolRegistry::new(
                    wasm::service_thread_count(),
                    self.runtime.stateless_statements,
                );
                Ok((id.clone(), self.load(id, component, pools, None)?))
            })
            .collect::<Result<_>>()?;
        Services::start(services)
    }

    /// Loads a component. `services` are those that it may use: none if it is a service itself.
    fn load(
        &mut self,
        id: &str,
        component: &manifest::Component,
        pools: PoolRegistry,
        services: Option<Arc<Services>>,
    ) -> Result<InstanceFactory> {
        let services = services.map(|services| services as _);
        let settings = ComponentSettings::new(id, component, self.variables, pools, services)?;
        let linked = self
            .link(&component.source)
            .with_context(|| format!("[component.{id}]"))?;
        InstanceFactory::new(&self.runtime.engine, Arc::new(settings), linked)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("[component.{id}] does not handle HTTP requests"))
    }

    fn link(&mut self, source: &str) -> Result<InstancePre<InstanceState>> {
        let source = self.folder.join(source);
        if let Some(linked) = self.linked.get(&source) {
            return Ok(linked.clone());
        }
        let component = self.runtime.cache.load(&self.runtime.engine, &source)?;
        let linked = self
            .runtime
            .linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from)
            .context("it imports an interface that this host does not provide")?;
        self.linked.insert(source, linked.clone());
        Ok(linked)
    }
}

/// A loaded application: its routes, its linked components, the values of its variables.
pub struct Application {
    /// One for each serving thread.
    handlers: Vec<RequestHandler>,
    connection_limit: ConnectionLimit,
    drain: Drain,
}

impl Application {
    /// Sets the duration for which the application goes on serving after the signal to stop. It
    /// sends clients elsewhere meanwhile: `/.well-known/spin/health` responds 503, and every
    /// response closes its connection.
    #[must_use]
    pub fn with_drain_duration(mut self, duration: Duration) -> Self {
        self.drain.duration = duration;
        self
    }

    /// Sets the paths of health checks. They have reserved permits, so that they are answered when
    /// all other requests have to wait.
    #[must_use]
    pub fn with_health_check_paths(mut self, paths: &[&str]) -> Self {
        let paths: Arc<[String]> = paths.iter().map(|path| (*path).to_owned()).collect();
        for handler in &mut self.handlers {
            handler.set_health_check_paths(Arc::clone(&paths));
        }
        self
    }

    /// Sets the maximum number of connections for each client address. Further ones are closed.
    /// Behind a proxy, all clients have the proxy's address.
    #[must_use]
    pub fn with_max_connections_per_address(mut self, max: Option<NonZeroUsize>) -> Self {
        self.connection_limit = ConnectionLimit::new(max);
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
        let Self {
            handlers,
            connection_limit,
            drain,
        } = self;
        server::serve(handlers, connection_limit, listener, shutdown, drain).await
    }
}
