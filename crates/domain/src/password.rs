//! The rules for a new password: its length, in characters of its normal form, and that it is not a
//! common one. Hashes are computed in the crate `password-hashing`.

use platform::declare::field::Kind;

/// The minimum number of characters of a password.
pub const MIN_CHARACTERS: usize = 12;
/// The maximum number of characters of a password.
pub const MAX_CHARACTERS: usize = 128;

/// The kind of a password: its length is counted in characters of the normal form, which is also
/// the text that is hashed.
pub const KIND: Kind = Kind::Password {
    min: MIN_CHARACTERS,
    max: MAX_CHARACTERS,
};

/// Common passwords of at least 12 characters, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Returns true if attackers try the password first, in any variation of case.
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    COMMON.lines().any(|common| common == lower)
}

#[cfg(test)]
mod tests {
    use super::is_common;

    #[test]
    fn common_passwords_are_found_in_any_case() {
        assert!(is_common("password1234") && is_common("PassWord1234"));
        assert!(!is_common("a long enough one"));
    }
}
