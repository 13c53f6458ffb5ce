//! Passwords that native programs set for accounts, hashed in the same way as in components.
//! Hashes are computed in the crate `password-hashing`.

use anyhow::{Result, anyhow, bail};
use domain::password::{MAX_CHARACTERS, MIN_CHARACTERS};
use platform::http::problem::Problem;

/// Rejects a password whose length the API would reject.
///
/// # Errors
///
/// When it is too short or too long.
pub fn check(password: &str) -> Result<()> {
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&password.chars().count()) {
        bail!("a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters");
    }
    Ok(())
}

/// Hashes a password with a new salt, into a PHC string.
///
/// # Errors
///
/// When hashing fails.
pub fn hash(password: &str) -> Result<String> {
    password_hashing::hash(password).map_err(|problem| failed(&problem))
}

/// Returns whether a stored hash belongs to this password.
pub fn matches(password: &str, stored: &str) -> bool {
    password_hashing::matches(password, Some(stored)).unwrap_or_default()
}

fn failed(problem: &Problem) -> anyhow::Error {
    let cause = problem.cause.as_deref().unwrap_or("the cause is unknown");
    anyhow!("cannot hash the password: {cause}")
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
