//! Access tokens: signed JSON Web Tokens (RFC 7519, HS256) that are valid for 15 minutes. Refresh
//! tokens and one-use tokens are random values that the database stores by their hashes.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Header, TimeOptions, UntrustedToken, ValidationError};
use serde::Deserialize;
use sha2::Sha256;

use crate::auth::claims::Claims;
use crate::auth::verified_tokens::VerifiedTokens;

/// The lifetime of an access token, in seconds.
pub const LIFETIME_SECONDS: i64 = 15 * 60;

/// The minimum length of a signing key, in bytes: the size of SHA-256's output (RFC 7518, section
/// 3.2).
const MIN_KEY_BYTES: usize = 32;

/// The reason why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The token was not signed here, or was changed.
    Invalid,
    /// The token has expired.
    Expired,
    /// The token is for another region, which has to verify it.
    OtherRegion(String),
}

/// The signing keys of a cell. The first key signs and all of them verify, so that keys can be
/// rotated.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<(String, Hs256Key)>,
    verified: VerifiedTokens,
}

impl Keys {
    /// Reads `id:base64url,id:base64url`.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong, without the key.
    pub fn parse(text: &str) -> Result<Keys, String> {
        let keys = text
            .split(',')
            .map(|entry| {
                let (id, key) = entry.trim().split_once(':').ok_or_else(|| {
                    "variable signing_keys must be like id:base64url,id:base64url".to_owned()
                })?;
                let bytes = URL_SAFE_NO_PAD
                    .decode(key.trim_end_matches('='))
                    .map_err(|_| format!("signing key {id} is not base64url"))?;
                if id.is_empty() {
                    return Err("a signing key has no id".to_owned());
                }
                if bytes.len() < MIN_KEY_BYTES {
                    return Err(format!(
                        "signing key {id} is shorter than {MIN_KEY_BYTES} bytes"
                    ));
                }
                Ok((id.to_owned(), Hs256Key::new(bytes)))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut ids = BTreeSet::new();
        if let Some((id, _)) = keys.iter().find(|(id, _)| !ids.insert(id)) {
            return Err(format!("signing key {id} is there twice"));
        }
        Ok(Keys {
            keys,
            verified: VerifiedTokens::default(),
        })
    }

    /// Signs the claims with the first key.
    ///
    /// # Errors
    ///
    /// When the claims cannot be serialised, which does not happen with claims of this type.
    pub fn sign(&self, claims: &Claims) -> Result<String, String> {
        let (id, key) = self.keys.first().ok_or("no signing key")?;
        let header = Header::empty().with_token_type("JWT").with_key_id(id);
        Hs256
            .token(&header, &jwt_compact::Claims::new(claims), key)
            .map_err(|error| error.to_string())
    }

    /// Returns a hash that only holders of the first key can compute: lower-case hex of
    /// HMAC-SHA-256 over the parts, each ended by a NUL, which no token contains.
    ///
    /// # Errors
    ///
    /// When there is no usable key, which does not happen with parsed keys.
    pub fn keyed_hash(&self, parts: &[&[u8]]) -> Result<String, String> {
        let (_, key) = self.keys.first().ok_or("no signing key")?;
        let mut hash = Hmac::<Sha256>::new_from_slice(key.as_ref())
            .map_err(|_| "the signing key can't be used")?;
        for part in parts {
            hash.update(part);
            hash.update(&[0]);
        }
        Ok(hex::encode(hash.finalize().into_bytes()))
    }

    /// Parses a token and verifies it for the region.
    ///
    /// # Errors
    ///
    /// The reason why the token is refused. A token of another region is recognised before its
    /// signature is checked, because the keys of that region are not available here.
    pub fn verify(&self, token: &str, region: &str) -> Result<Arc<Claims>, Refused> {
        if let Some(claims) = self.verified.get(token, region) {
            return Ok(claims);
        }
        let claims = Arc::new(self.parse_and_verify(token, region)?);
        self.verified.insert(token, &claims);
        Ok(claims)
    }

    fn parse_and_verify(&self, token: &str, region: &str) -> Result<Claims, Refused> {
        let token = UntrustedToken::new(token).map_err(|_| Refused::Invalid)?;
        let audience = audience(&token).ok_or(Refused::Invalid)?;
        if audience != region {
            return Err(Refused::OtherRegion(audience));
        }
        let id = token.header().key_id.as_ref().ok_or(Refused::Invalid)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(Refused::Invalid)?;
        let (_, claims) = Hs256
            .validator::<Claims>(key)
            .validate(&token)
            .map_err(|_| Refused::Invalid)?
            .into_parts();
        claims
            .validate_expiration(&TimeOptions::new(TimeDelta::zero(), whole_seconds))
            .map_err(|error| match error {
                ValidationError::Expired => Refused::Expired,
                _ => Refused::Invalid,
            })?;
        let (Some(iat), Some(exp)) = (claims.issued_at, claims.expiration) else {
            return Err(Refused::Invalid);
        };
        Ok(Claims {
            iat: iat.timestamp(),
            exp: exp.timestamp(),
            ..claims.custom
        })
    }
}

/// Returns the audience that the token claims, which is not verified.
fn audience(token: &UntrustedToken) -> Option<String> {
    #[derive(Deserialize)]
    struct Audience {
        aud: String,
    }
    token
        .deserialize_claims_unchecked::<Audience>()
        .ok()
        .map(|claims| claims.custom.aud)
}

/// Returns the time without its fraction of a second, because a token is valid through the second
/// at which it expires.
fn whole_seconds() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(0)
}

#[cfg(test)]
mod tests;
