//! The state of one instance: its resources, and the context of each interface that it imports. The
//! settings that all instances of a component share live in `component`.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::component::ComponentSettings;
use super::guest_event::OutputStream;
use super::guest_output::GuestOutput;
use super::memory::MemoryLimiter;
use super::outbound_http::OutboundHttp;
use super::traced_requests::TracedRequests;
use crate::postgres::{AuthorizedPools, PostgresView};

/// The data of an instance's Wasmtime store.
pub(crate) struct InstanceState {
    /// The resources that the guest holds.
    table: ResourceTable,
    pub(crate) memory: MemoryLimiter,
    pub(crate) traced_requests: TracedRequests,
    component: Arc<ComponentSettings>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
}

impl InstanceState {
    /// Creates the store for a new instance of the component.
    pub(crate) fn new_store(engine: &Engine, component: &Arc<ComponentSettings>) -> Store<Self> {
        let output = |stream| GuestOutput {
            component: Arc::clone(&component.id),
            stream,
        };
        let wasi = WasiCtx::builder()
            .envs(&component.environment)
            .stdout(output(OutputStream::Stdout))
            .stderr(output(OutputStream::Stderr))
            // Sockets would bypass the rules for outbound connections.
            .socket_addr_check(|_, _| Box::pin(async { false }))
            .build();
        let state = Self {
            table: ResourceTable::new(),
            memory: MemoryLimiter::default(),
            traced_requests: TracedRequests::default(),
            component: Arc::clone(component),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(
                Arc::clone(&component.allowed_hosts),
                component.services.clone(),
            ),
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    /// The settings of the instance's component.
    pub(crate) fn component(&self) -> &ComponentSettings {
        &self.component
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl PostgresView for InstanceState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    fn pools(&self) -> &Arc<AuthorizedPools> {
        &self.component.database_pools
    }

    fn traced_requests(&self) -> &TracedRequests {
        &self.traced_requests
    }
}
