//! Passwords that native programs set for accounts, hashed in the same way as in components.
//! Hashes are computed in the crate `password-hashing`.

use anyhow::{Result, anyhow, bail};
use domain::password;
use platform::declare::validation::scalar;
use platform::http::problem::Problem;

/// Returns the normal form of a new password, which is hashed. It rejects what the API would reject.
///
/// # Errors
///
/// When the password is too short, too long, or a common one.
pub fn normalize(password: &str) -> Result<String> {
    let normal = scalar(password::KIND, password)
        .map_err(|(_, detail)| anyhow!("this is not a password to use: {detail}"))?;
    if password::is_common(&normal) {
        bail!("the password is too common: attackers try it first; choose another one");
    }
    Ok(normal)
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
        assert!(normalize("zwölf-Zeich!").is_ok());
        assert!(normalize("elf-Zeichen").is_err());
        assert!(normalize(&"x".repeat(129)).is_err());
    }

    #[test]
    fn a_password_is_hashed_in_the_form_in_which_it_is_compared() {
        assert_eq!(normalize("zwo\u{308}lf-Zeich!").unwrap(), "zwölf-Zeich!");
    }

    #[test]
    fn a_common_password_is_rejected() {
        let error = normalize("PasswordPassword").unwrap_err();
        assert!(error.to_string().contains("too common"), "{error}");
    }
}
