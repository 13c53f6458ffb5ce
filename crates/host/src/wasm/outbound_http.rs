//! The import `wasi:http` for outbound requests: each is checked against `allowed_outbound_hosts`,
//! and then sent to the network or to a service of the same application. The services themselves
//! run in `services`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::manifest::allowed_hosts::AllowedHosts;

/// The domain of services, as in Spin: the service `hashes` is `http://hashes.spin.internal`.
const SERVICE_DOMAIN: &str = ".spin.internal";

/// The name of the service that the URI addresses, if it addresses one.
pub(crate) fn service_name(uri: &Uri) -> Option<&str> {
    uri.host()?.strip_suffix(SERVICE_DOMAIN)
}

/// Sends requests to the services of an application.
pub(crate) trait ServiceClient: Send + Sync {
    /// Sends a request to the service that its URI names.
    fn send(&self, request: Request<WasiBody>) -> ServiceResponse<'_>;
}

/// The response of a service, once it has come.
pub(crate) type ServiceResponse<'a> =
    Pin<Box<dyn Future<Output = Result<Response<WasiBody>, Error>> + Send + 'a>>;

/// The hooks of `wasi:http` for one instance.
pub(crate) struct OutboundHttp {
    allowed_hosts: Arc<AllowedHosts>,
    /// None if the component may not send requests to services.
    services: Option<Arc<dyn ServiceClient>>,
}

impl OutboundHttp {
    pub(crate) fn new(
        allowed_hosts: Arc<AllowedHosts>,
        services: Option<Arc<dyn ServiceClient>>,
    ) -> Self {
        Self {
            allowed_hosts,
            services,
        }
    }

    fn check(&self, uri: &Uri) -> Result<(), Error> {
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

/// The work that remains for the connection after the response's head.
type ConnectionIo = Box<dyn Future<Output = Result<(), Error>> + Send>;

type SendResult = Result<(Response<WasiBody>, ConnectionIo), Error>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: ConnectionIo,
    ) -> Box<dyn Future<Output = SendResult> + Send> {
        let checked = self.check(request.uri());
        let services = self.services.clone();
        Box::new(async move {
            checked?;
            if service_name(request.uri()).is_some() {
                let services = services.ok_or(Error::DestinationNotFound)?;
                let io: ConnectionIo = Box::new(std::future::ready(Ok(())));
                return Ok((services.send(request).await?, io));
            }
            let (response, io) = wasmtime_wasi_http::default_send_request(request, options).await?;
            let io: ConnectionIo = Box::new(io);
            Ok((response.map(|body| body.boxed_unsync()), io))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn is_denied(uri: &'static str) -> bool {
        let rules = [
            "https://api.example".to_owned(),
            "http://127.0.0.1:8080".to_owned(),
        ];
        let allowed = AllowedHosts::new(&rules, &BTreeMap::new()).unwrap_or_default();
        OutboundHttp::new(Arc::new(allowed), None)
            .check(&Uri::from_static(uri))
            .is_err()
    }

    #[test]
    fn only_allowed_hosts_are_reached() {
        assert!(!is_denied("https://api.example/path?query"));
        assert!(!is_denied("http://127.0.0.1:8080/"));
        assert!(is_denied("http://api.example/"));
        assert!(is_denied("https://api.example:444/"));
        assert!(is_denied("https://user@api.example.evil/"));
        assert!(is_denied("http://127.0.0.1/"));
        assert!(is_denied("/relative"));
    }

    #[test]
    fn a_service_is_named_by_the_host() {
        for (uri, expected) in [
            ("http://passwords.spin.internal/hash", Some("passwords")),
            ("http://passwords.spin.internal:80/", Some("passwords")),
            ("http://passwords.spin.internal.example/", None),
            ("http://example/passwords.spin.internal", None),
            ("/hash", None),
        ] {
            assert_eq!(service_name(&Uri::from_static(uri)), expected, "{uri}");
        }
    }
}
