//! Passwords that the tool gives to accounts, hashed as components do it.

use anyhow::{Result, anyhow, bail};
use passwords::hashing;
use platform::http::problem::Problem;

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

/// Hashes a password with a new salt, into a PHC string.
pub fn hash(password: &str) -> Result<String> {
    hashing::hash(password).map_err(|problem| failed(&problem))
}

/// Returns whether a stored hash is this password's.
pub fn matches(password: &str, stored: &str) -> bool {
    hashing::matches(password, Some(stored)).unwrap_or_default()
}

fn failed(problem: &Problem) -> anyhow::Error {
    let cause = problem.cause.as_deref().unwrap_or("no cause is known");
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
