//! Refuses common passwords, and has the others hashed. The requests that set a password are in
//! [`crate::auth`] and [`crate::accounts`], and hashes are computed through [`crate::hashing`].

use domain::password;
use platform::http::problem::Problem;
use platform::http::requester::Requester;
use platform::values::field_error::FieldError;

use crate::hashing;

/// Refuses a common password. The check is cheap, so it comes before the expensive ones.
///
/// # Errors
///
/// 422.
pub(crate) fn refuse_common(pointer: &str, password: &str) -> Result<(), Problem> {
    if password::is_common(password) {
        return Err(Problem::invalid(vec![FieldError::new(
            pointer,
            "common_password",
            "The password is too common: attackers try it first. Choose another one.",
        )]));
    }
    Ok(())
}

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// 422 for a common password, 503 when too many passwords are being hashed. The length is checked
/// with the body's other fields.
pub(crate) async fn hash(
    requester: &Requester,
    pointer: &str,
    password: &str,
) -> Result<String, Problem> {
    refuse_common(pointer, password)?;
    hashing::hash(requester, password).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in ["password1234", "PassWord1234"] {
            let problem = refuse_common("/password", password).expect_err("it is common");
            assert_eq!(problem.errors[0].code, "common_password");
        }
        assert_eq!(refuse_common("/password", "a long enough one"), Ok(()));
    }
}
