//! Remembering until when the server's certificate is valid. Whether it is trusted is decided by rustls as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The end of the validity, in seconds since 1970, of the certificate that was presented last; 0 before the first one.
static EXPIRY: AtomicI64 = AtomicI64::new(0);

/// The end of the validity of the certificate that a server has presented last to this process, in seconds since 1970. None if
/// all connections were made without TLS.
pub fn server_certificate_expiry() -> Option<f64> {
    let expiry = EXPIRY.load(Ordering::Relaxed);
    // A time is far below the integers that a float cannot represent.
    #[expect(clippy::cast_precision_loss)]
    (expiry != 0).then_some(expiry as f64)
}

/// Verifies certificates as rustls does, and remembers until when they are valid.
#[derive(Debug)]
pub(crate) struct RememberingVerifier(pub(crate) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for RememberingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(expiry) = expiry(end_entity) {
            EXPIRY.store(expiry, Ordering::Relaxed);
        }
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let not_after = certificate.tbs_certificate.validity.not_after;
    i64::try_from(not_after.to_unix_duration().as_secs()).ok()
}
