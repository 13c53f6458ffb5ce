//! Requests that a guest sends, to the network or to a service of its own application: each is checked against
//! `allowed_outbound_hosts` first.

use std::future::Future;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::allowed_hosts::AllowedHosts;
use crate::services::{self, Services};

/// The hooks of `wasi:http` for one instance.
pub(crate) struct OutboundHttp {
    allowed_hosts: Arc<AllowedHosts>,
    /// None for a component that may ask no services.
    services: Option<Arc<Services>>,
}

impl OutboundHttp {
    pub(crate) fn new(allowed_hosts: Arc<AllowedHosts>, services: Option<Arc<Services>>) -> Self {
        Self {
            allowed_hosts,
            services,
        }
    }

    fn check(&self, uri: &http::Uri) -> Result<(), Error> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let scheme = uri.scheme_str().unwrap_or("https");
        if self
            .allowed_hosts
            .allows(scheme, authority.host(), authority.port_u16())
        {
            Ok(())
        } else {
            Err(Error::HttpRequestDenied)
        }
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let checked = self.check(request.uri());
        let services = self.services.clone();
        Box::new(async move {
            checked?;
            if services::name(request.uri()).is_some() {
                let services = services.ok_or(Error::DestinationNotFound)?;
                let io: Io = Box::new(std::future::ready(Ok(())));
                return Ok((services.ask(request).await?, io));
            }
            let (response, io) = wasmtime_wasi_http::default_send_request(request, options).await?;
            let io: Io = Box::new(io);
            Ok((response.map(|body| body.boxed_unsync()), io))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn denied(uri: &'static str) -> bool {
        let rules = [
            "https://api.example".to_owned(),
            "http://127.0.0.1:8080".to_owned(),
        ];
        let allowed = AllowedHosts::new(&rules, &BTreeMap::new()).unwrap_or_default();
        OutboundHttp::new(Arc::new(allowed), None)
            .check(&http::Uri::from_static(uri))
            .is_err()
    }

    #[test]
    fn only_allowed_hosts_are_reached() {
        assert!(!denied("https://api.example/path?query"));
        assert!(!denied("http://127.0.0.1:8080/"));
        assert!(denied("http://api.example/"));
        assert!(denied("https://api.example:444/"));
        assert!(denied("https://user@api.example.evil/"));
        assert!(denied("http://127.0.0.1/"));
        assert!(denied("/relative"));
    }
}
