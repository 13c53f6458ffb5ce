//! The settings of a component, which all its instances share. The state of one instance lives in
//! `state`.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::outbound_http::ServiceClient;
use crate::manifest;
use crate::manifest::allowed_hosts::AllowedHosts;
use crate::manifest::variables;
use crate::postgres::{AuthorizedPools, PoolRegistry};

/// The settings of a component.
pub(crate) struct ComponentSettings {
    pub(crate) id: Arc<str>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) allowed_hosts: Arc<AllowedHosts>,
    pub(crate) database_pools: Arc<AuthorizedPools>,
    /// The application's services, as far as the allowed hosts admit them. A service itself has
    /// none: services that send requests to one another could wait for each other forever.
    pub(crate) services: Option<Arc<dyn ServiceClient>>,
}

impl ComponentSettings {
    /// Reads a component's settings from the manifest, with the variables in its templates.
    pub(crate) fn new(
        id: &str,
        manifest: &manifest::Component,
        application_variables: &BTreeMap<String, String>,
        pools: PoolRegistry,
        services: Option<Arc<dyn ServiceClient>>,
    ) -> Result<Self> {
        let allowed_hosts =
            AllowedHosts::new(&manifest.allowed_outbound_hosts, application_variables)
                .with_context(|| format!("[component.{id}]"))?;
        let allowed_hosts = Arc::new(allowed_hosts);
        let variables = variables::for_component(manifest, application_variables)
            .with_context(|| format!("[component.{id}]"))?;
        Ok(Self {
            id: id.into(),
            variables,
            environment: manifest.environment.clone().into_iter().collect(),
            database_pools: Arc::new(AuthorizedPools::new(pools, Arc::clone(&allowed_hosts))),
            allowed_hosts,
            services,
        })
    }

    /// Returns whether the component is a service, to which only other components send requests.
    pub(crate) fn is_service(&self) -> bool {
        self.services.is_none()
    }
}
