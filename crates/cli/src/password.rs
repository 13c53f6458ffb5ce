//! Password hashes as the schema stores them: Argon2id PHC strings with the parameters that components use.

use anyhow::{Result, anyhow, bail};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Refuses a password that the service itself would refuse for its length.
pub fn check(password: &str) -> Result<()> {
    if !LENGTH.contains(&password.chars().count()) {
        bail!(
            "a password has {} to {} characters",
            LENGTH.start(),
            LENGTH.end()
        );
    }
    Ok(())
}

/// Hashes a password with a new salt: 19 MiB, 2 passes, 1 lane.
pub fn hash(password: &str) -> Result<String> {
    let failed = |error| anyhow!("cannot hash the password: {error}");
    let parameters = Params::new(19_456, 2, 1, None).map_err(|error| failed(error.into()))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(hasher
        .hash_password(password.as_bytes(), &salt)
        .map_err(failed)?
        .to_string())
}

/// Whether a stored hash is this password's.
pub fn matches(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.as_bytes(), &stored)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_alone() {
        let stored = hash("a password of some length").unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(matches("a password of some length", &stored));
        assert!(!matches("another one", &stored));
        assert!(!matches("a password of some length", "nonsense"));
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(check("zwölf-Zeich!").is_ok());
        assert!(check("elf-Zeichen").is_err());
        assert!(check(&"x".repeat(129)).is_err());
    }
}
