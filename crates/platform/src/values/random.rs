//! Random values and ids. Everything that must not be guessed is created here; hashes with a key
//! are in `auth::token`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Returns a new UUID of version 7 (RFC 9562), which sorts by time.
pub fn id() -> Uuid {
    Uuid::now_v7()
}

/// Returns random bytes that cannot be guessed.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], getrandom::Error> {
    let mut bytes = [0_u8; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns 256 random bits as base64url, for refresh tokens and one-use tokens.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn token() -> Result<String, getrandom::Error> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// Returns the form in which a token is stored: its SHA-256 as lower-case hex.
pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sortable_by_time() {
        let ids: Vec<Uuid> = (0..100).map(|_| id()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn tokens_hold_256_bits_and_are_never_the_same() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_ne!(one, two);
        assert_eq!(URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 32);
    }

    #[test]
    fn a_token_is_stored_as_its_hash() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            digest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
