//! What a component may use while it runs: its settings, and the state of one instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::allowed_hosts::AllowedHosts;
use crate::logging::{GuestOutput, Output};
use crate::memory::Memory;
use crate::outbound_http::OutboundHttp;
use crate::postgres::{self, Databases};
use crate::services::Services;
use crate::{manifest, variables};

/// The settings of a component: the same for all its instances.
pub(crate) struct Component {
    pub(crate) id: Arc<str>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) allowed_hosts: Arc<AllowedHosts>,
    pub(crate) databases: Databases,
    /// The services of the application; none for a service itself. Its allowed hosts say which of them it may ask.
    services: Option<Arc<Services>>,
    environment: Vec<(String, String)>,
}

impl Component {
    /// Returns whether only other components reach it.
    pub(crate) fn is_service(&self) -> bool {
        self.services.is_none()
    }

    /// Takes a component's settings from the manifest, with the variables filled in. A service asks no other
    /// services, for they would wait for one another.
    pub(crate) fn new(
        id: &str,
        manifest: &manifest::Component,
        application_variables: &BTreeMap<String, String>,
        databases: Databases,
        services: Option<Arc<Services>>,
    ) -> Result<Self> {
        let allowed_hosts =
            AllowedHosts::new(&manifest.allowed_outbound_hosts, application_variables)
                .with_context(|| format!("[component.{id}]"))?;
        Ok(Self {
            id: id.into(),
            variables: variables::for_component(manifest, application_variables)
                .with_context(|| format!("[component.{id}]"))?,
            allowed_hosts: Arc::new(allowed_hosts),
            databases,
            services,
            environment: manifest.environment.clone().into_iter().collect(),
        })
    }
}

/// The state of one instance.
pub(crate) struct State {
    /// The resources that the guest holds.
    pub(crate) table: ResourceTable,
    pub(crate) memory: Memory,
    component: Arc<Component>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
}

impl State {
    /// A store for a new instance of the component.
    pub(crate) fn store(engine: &Engine, component: &Arc<Component>) -> Store<Self> {
        let output = |output| GuestOutput {
            component: Arc::clone(&component.id),
            output,
        };
        let wasi = WasiCtx::builder()
            .envs(&component.environment)
            .stdout(output(Output::Standard))
            .stderr(output(Output::Error))
            // Sockets would go around the rules for outbound connections.
            .socket_addr_check(|_, _| Box::pin(async { false }))
            .build();
        let state = Self {
            table: ResourceTable::new(),
            memory: Memory::default(),
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

    /// The settings of the component that this is an instance of.
    pub(crate) fn component(&self) -> &Arc<Component> {
        &self.component
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Everything that a component may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>> {
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
