//! TLS to the database: which certificates are trusted.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connector that trusts the system's certificates, and the given one (PEM) besides.
pub(crate) fn connector(certificate: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut trusted = RootCertStore::empty();
    // A certificate of the system that cannot be read is as good as one that is not there.
    trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(text) = certificate {
        for parsed in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let parsed = parsed.map_err(|error| error.to_string())?;
            trusted.add(parsed).map_err(|error| error.to_string())?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Says what is wrong with a certificate that a guest hands over, if anything is.
pub(crate) fn check(certificate: &str) -> Result<(), String> {
    let mut found = false;
    for parsed in CertificateDer::pem_slice_iter(certificate.as_bytes()) {
        let parsed = parsed.map_err(|error| error.to_string())?;
        RootCertStore::empty()
            .add(parsed)
            .map_err(|error| error.to_string())?;
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err("no certificate in PEM form found".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_certificate_is_refused() {
        assert!(check("").is_err());
        assert!(check("hello").is_err());
        assert!(check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
