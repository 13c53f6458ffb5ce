//! The tokens that an instance has verified. A client sends the same token with each of its
//! requests, and verifying it takes longer than the routing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::auth::claims::Claims;

/// The maximum number of tokens that are kept. A token has about 500 bytes.
const MAX_TOKENS: usize = 256;

/// Verified tokens with their claims. A session that has ended is refused by the database, which
/// checks it for every request.
#[derive(Clone, Default)]
pub(crate) struct VerifiedTokens(Arc<Mutex<HashMap<String, Arc<Claims>>>>);

impl VerifiedTokens {
    /// Returns the claims of a token that was verified for the region before and has not expired.
    pub(crate) fn get(&self, token: &str, region: &str) -> Option<Arc<Claims>> {
        let mut tokens = self.tokens();
        let claims = tokens.get(token)?;
        if claims.aud != region || has_expired(claims) {
            tokens.remove(token);
            return None;
        }
        Some(Arc::clone(claims))
    }

    /// Keeps a token that was verified.
    pub(crate) fn insert(&self, token: &str, claims: &Arc<Claims>) {
        let mut tokens = self.tokens();
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(token.to_owned(), Arc::clone(claims));
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<String, Arc<Claims>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_expired(claims: &Claims) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| i64::try_from(now.as_secs()).is_ok_and(|now| claims.exp < now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{claims, role};

    #[test]
    fn a_token_is_kept_until_it_expires() {
        let tokens = VerifiedTokens::default();
        let claims = Arc::new(claims(role::KEEPER));
        tokens.insert("token", &claims);
        assert_eq!(tokens.get("token", "eu"), Some(Arc::clone(&claims)));
        assert_eq!(tokens.get("another", "eu"), None);
        let expired = Claims {
            exp: 1,
            ..(*claims).clone()
        };
        tokens.insert("token", &Arc::new(expired));
        assert_eq!(tokens.get("token", "eu"), None);
    }

    #[test]
    fn a_token_is_kept_for_its_region_only() {
        let tokens = VerifiedTokens::default();
        tokens.insert("token", &Arc::new(claims(role::KEEPER)));
        assert_eq!(tokens.get("token", "us"), None);
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let tokens = VerifiedTokens::default();
        let claims = Arc::new(claims(role::KEEPER));
        for number in 0..=MAX_TOKENS {
            tokens.insert(&number.to_string(), &claims);
        }
        assert_eq!(tokens.tokens().len(), 1);
    }
}
