//! TLS to the database: the certificates that are trusted. The decision to use TLS follows from the
//! connection string and is made in `pool`.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Creates a connector that trusts the operating system's certificates and the given one (PEM).
pub(crate) fn connector(certificate: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut trusted = RootCertStore::empty();
    // A certificate of the operating system that cannot be read is ignored.
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

/// Checks a certificate that a guest provides.
///
/// # Errors
///
/// The reason for which the certificate is invalid.
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
        Err("no certificate in PEM format found".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_certificates_are_rejected() {
        assert!(check("").is_err());
        assert!(check("hello").is_err());
        assert!(check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
