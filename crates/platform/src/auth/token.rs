//! Access tokens: signed JSON Web Tokens (RFC 7519, HS256) that are valid for 15 minutes. Refresh
//! tokens and one-use tokens are random values that the database stores by their hashes.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use sha2::Sha256;

use crate::auth::claims::Claims;
use crate::auth::hmac_provider;
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
    keys: Vec<(String, Vec<u8>)>,
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
                Ok((id.to_owned(), bytes))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut ids = BTreeSet::new();
        if let Some((id, _)) = keys.iter().find(|(id, _)| !ids.insert(id)) {
            return Err(format!("signing key {id} is there twice"));
        }
        hmac_provider::install();
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
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key))
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
        let mut hash =
            Hmac::<Sha256>::new_from_slice(key).map_err(|_| "the signing key can't be used")?;
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
        let audience = audience(token).ok_or(Refused::Invalid)?;
        if audience != region {
            return Err(Refused::OtherRegion(audience));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        let id = header.kid.ok_or(Refused::Invalid)?;
        let (_, key) = self
            .keys
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

/// Returns the audience that the token claims, which is not verified.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{claims, role};

    const ONE: &str = "one:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE";
    const TWO: &str = "two:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI";

    fn keys(text: &str) -> Keys {
        Keys::parse(text).unwrap()
    }

    /// Returns a token of any header and claims, signed with the first key by the algorithm that
    /// the caller claims.
    fn forged(header: &Value, claims: &Value, signature: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(header), part(claims))
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let claims = claims(role::KEEPER);
        let token = keys(ONE).sign(&claims).unwrap();
        assert_eq!(keys(ONE).verify(&token, "eu"), Ok(Arc::new(claims)));
        assert!(token.len() < 600, "{}", token.len());
    }

    #[test]
    fn keys_rotate_without_signing_anybody_out() {
        let claims = claims(role::KEEPER);
        let old = keys(ONE).sign(&claims).unwrap();
        let rotated = keys(&format!("{TWO}, {ONE}"));
        let new = rotated.sign(&claims).unwrap();
        assert_eq!(rotated.verify(&old, "eu"), Ok(Arc::new(claims.clone())));
        assert_eq!(rotated.verify(&new, "eu"), Ok(Arc::new(claims.clone())));
        assert_eq!(keys(TWO).verify(&new, "eu"), Ok(Arc::new(claims)));
        assert_eq!(keys(TWO).verify(&old, "eu"), Err(Refused::Invalid));
    }

    #[test]
    fn another_key_under_the_same_id_is_not_the_key() {
        let token = keys(&TWO.replace("two", "one"))
            .sign(&claims(role::ADMIN))
            .unwrap();
        assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Invalid));
    }

    #[test]
    fn a_token_ends_on_the_second() {
        let mut claims = claims(role::KEEPER);
        claims.exp = claims.iat - 1;
        let token = keys(ONE).sign(&claims).unwrap();
        assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Expired));
    }

    #[test]
    fn a_token_of_another_region_is_told_apart() {
        let mut claims = claims(role::KEEPER);
        claims.aud = "us".to_owned();
        let token = keys(TWO).sign(&claims).unwrap();
        assert_eq!(
            keys(ONE).verify(&token, "eu"),
            Err(Refused::OtherRegion("us".to_owned()))
        );
    }

    #[test]
    fn only_hs256_is_taken() {
        let claims = json!(claims(role::ADMIN));
        let key = EncodingKey::from_secret(&[b'A'; 32]);
        for algorithm in [
            "none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", "", "hs256",
        ] {
            let header = json!({"alg": algorithm, "typ": "JWT", "kid": "one"});
            for signature in ["", "AAAA"] {
                let token = forged(&header, &claims, signature);
                assert_eq!(
                    keys(ONE).verify(&token, "eu"),
                    Err(Refused::Invalid),
                    "{algorithm}"
                );
            }
            // The key is right, but the header names another algorithm.
            let unsigned = forged(&header, &claims, "");
            let message = unsigned.trim_end_matches('.');
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            let token = format!("{message}.{signature}");
            assert_eq!(
                keys(ONE).verify(&token, "eu"),
                Err(Refused::Invalid),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn a_token_without_a_known_key_id_is_invalid() {
        let claims = json!(claims(role::ADMIN));
        for header in [
            json!({"alg": "HS256"}),
            json!({"alg": "HS256", "kid": ""}),
            json!({"alg": "HS256", "kid": "three"}),
        ] {
            assert_eq!(
                keys(ONE).verify(&forged(&header, &claims, ""), "eu"),
                Err(Refused::Invalid)
            );
        }
    }

    #[test]
    fn claims_must_be_whole_even_with_a_good_signature() {
        let key = EncodingKey::from_secret(&[b'A'; 32]);
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("one".to_owned());
        let whole = json!(claims(role::ADMIN));
        for name in ["sub", "tid", "sid", "role", "iat", "exp"] {
            let mut claims = whole.clone();
            claims.as_object_mut().unwrap().remove(name);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            assert_eq!(
                keys(ONE).verify(&token, "eu"),
                Err(Refused::Invalid),
                "{name}"
            );
        }
    }

    #[test]
    fn keys_are_named_once_and_long_enough() {
        for (text, expected) in [
            (
                "",
                "variable signing_keys must be like id:base64url,id:base64url",
            ),
            (
                "one",
                "variable signing_keys must be like id:base64url,id:base64url",
            ),
            ("one:***", "signing key one is not base64url"),
            ("one:QUFB", "signing key one is shorter than 32 bytes"),
            (&ONE.replace("one", ""), "a signing key has no id"),
            (&format!("{ONE},{ONE}"), "signing key one is there twice"),
        ] {
            assert_eq!(Keys::parse(text).err().as_deref(), Some(expected));
        }
        assert!(Keys::parse(&format!("{ONE}=")).is_ok(), "padding is taken");
    }

    proptest! {
        #[test]
        fn a_token_with_one_byte_changed_is_refused(place in 0_usize..1_000, byte in b'0'..=b'z') {
            let token = keys(ONE).sign(&claims(role::GUEST)).unwrap();
            let place = place % token.len();
            let mut changed = token.clone().into_bytes();
            prop_assume!(changed[place] != byte);
            changed[place] = byte;
            let changed = String::from_utf8(changed).unwrap();
            // The last characters of a part may hold unused bits, which base64url refuses.
            prop_assert!(keys(ONE).verify(&changed, "eu").is_err());
        }

        #[test]
        fn any_text_is_refused_without_a_crash(text in "\\PC{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,3}") {
            prop_assert!(keys(ONE).verify(&text, "eu").is_err());
        }
    }
}
