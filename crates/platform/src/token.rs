//! Access tokens: signed JSON Web Tokens (RFC 7519, HS256) that live for 15 minutes.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hmac_provider;
use crate::role::Role;

/// How long an access token is good for, in seconds.
pub const LIFETIME: i64 = 15 * 60;

/// Fewest bytes of a signing key: the size of SHA-256's output (RFC 7518, section 3.2).
const KEY_BYTES: usize = 32;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The region that it is for.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The tenant.
    pub tid: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The user's role when it was signed.
    pub role: Role,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// Why a token was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It isn't one of ours, or it was changed.
    Invalid,
    /// Its time is over.
    Expired,
    /// It names another region, by which it must be judged.
    OtherRegion(String),
}

/// The keys of a cell: the first one signs, all of them verify, so that keys can be rotated.
#[derive(Clone)]
pub struct Keys(Vec<(String, Vec<u8>)>);

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
                if bytes.len() < KEY_BYTES {
                    return Err(format!("signing key {id} is shorter than {KEY_BYTES} bytes"));
                }
                Ok((id.to_owned(), bytes))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut ids = BTreeSet::new();
        if let Some((id, _)) = keys.iter().find(|(id, _)| !ids.insert(id)) {
            return Err(format!("signing key {id} is there twice"));
        }
        hmac_provider::install();
        Ok(Keys(keys))
    }

    /// Signs the claims with the first key.
    ///
    /// # Errors
    ///
    /// When the claims can't be written; it does not happen with claims of this type.
    pub fn sign(&self, claims: &Claims) -> Result<String, String> {
        let (id, key) = self.0.first().ok_or("no signing key")?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key))
            .map_err(|error| error.to_string())
    }

    /// Takes a token apart and verifies it for the region.
    ///
    /// # Errors
    ///
    /// Why it is refused. A token of another region is told apart before its signature is looked at,
    /// for that region's keys are not here.
    pub fn verify(&self, token: &str, region: &str) -> Result<Claims, Refused> {
        let audience = audience(token).ok_or(Refused::Invalid)?;
        if audience != region {
            return Err(Refused::OtherRegion(audience));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        let id = header.kid.ok_or(Refused::Invalid)?;
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| *known == id)
            .ok_or(Refused::Invalid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[region]);
        validation.leeway = 0;
        jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation)
            .map(|data| data.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => Refused::Expired,
                _ => Refused::Invalid,
            })
    }
}

/// The audience that the token claims, unverified.
fn audience(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Audience {
        aud: String,
    }
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Audience>(&bytes)
        .ok()
        .map(|claims| claims.aud)
}
