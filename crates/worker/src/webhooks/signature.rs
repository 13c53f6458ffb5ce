//! The signature of a message: HMAC-SHA256 by Standard Webhooks 1.0.0, with every valid secret.
//! The secrets come with a claimed delivery, from `deliveries`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// A secret, which is never printed.
pub(super) struct Secret(Hmac<Sha256>);

impl Secret {
    /// The secret with these bytes.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    fn sign(&self, id: Uuid, seconds: i64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The header `webhook-signature`: a signature of id, time and body with each secret.
pub(super) fn signatures(secrets: &[Secret], id: Uuid, seconds: i64, body: &str) -> String {
    secrets
        .iter()
        .map(|secret| secret.sign(id, seconds, body))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_signs_id_time_and_body() {
        // Computed with Python's hmac and base64.
        let secrets = [
            Secret::new(&[7; 32]).unwrap(),
            Secret::new(&[8; 32]).unwrap(),
        ];
        let signed = signatures(&secrets, Uuid::nil(), 1_700_000_000, "{\"a\":1}");
        let parts: Vec<&str> = signed.split(' ').collect();
        assert_eq!(parts, [FIRST, SECOND]);
    }

    const FIRST: &str = "v1,6BxHRXxl/k8GtciC8ZWztW5YqCD24o+HXLtpxUV5+/M=";
    const SECOND: &str = "v1,sDOUiRQzMjudTExszIs2On2lCwiz9f3OsiNx78ZeYq4=";
}
