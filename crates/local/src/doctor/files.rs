//! Checks the files of the local installation: secrets, signing keys and demo data.
//! Sign-ins with them are checked in `sign_ins`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use operations::doctor::Check;
use platform::auth::token::Keys;

use super::Options;
use crate::demo::{self, Demo};
use crate::secrets::{self, Secrets};

pub(super) fn check(options: &Options) -> Vec<Check> {
    vec![secrets(&options.state), demo(&options.state)]
}

fn secrets(state: &Path) -> Check {
    const SUBJECT: &str = "secrets and signing keys";
    let path = state.join(secrets::SECRETS_FILE_NAME);
    if !path.exists() {
        return Check::skipped(
            SUBJECT,
            format!("{} does not exist yet; `lms up` creates it", path.display()),
        );
    }
    if let Some(check) = check_permissions(SUBJECT, &path) {
        return check;
    }
    let remedy = format!(
        "restore {}, or remove {} to start over",
        path.display(),
        state.display()
    );
    match Secrets::load_or_create(state) {
        Err(error) => Check::bad(SUBJECT, format!("{error:#}"), remedy),
        Ok(secrets) => match Keys::parse(&secrets.signing_keys) {
            Ok(_) => Check::good(SUBJECT, "readable by the owner only"),
            Err(error) => Check::bad(SUBJECT, error, remedy),
        },
    }
}

fn demo(state: &Path) -> Check {
    const SUBJECT: &str = "demo.json";
    let path = state.join(demo::DEMO_FILE_NAME);
    if !path.exists() {
        return Check::skipped(
            SUBJECT,
            format!("{} does not exist yet; `lms up` creates it", path.display()),
        );
    }
    if let Some(check) = check_permissions(SUBJECT, &path) {
        return check;
    }
    match Demo::read(state) {
        Ok(demo) => Check::good(
            SUBJECT,
            format!("{} tenants at {}", demo.tenants.len(), demo.base_url),
        ),
        Err(_) => Check::bad(
            SUBJECT,
            format!("{} cannot be read", path.display()),
            "`lms up` writes it again",
        ),
    }
}

/// Returns a failed check if other users can read a file with passwords.
fn check_permissions(subject: &'static str, path: &Path) -> Option<Check> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Check::bad(
            subject,
            format!("other users can read {} (mode {mode:o})", path.display()),
            format!("chmod 600 {}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_fails_the_check_and_a_missing_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!secrets(directory.path()).is_bad());
        Secrets::load_or_create(directory.path()).unwrap();
        assert!(!secrets(directory.path()).is_bad());
        let path = directory.path().join(secrets::SECRETS_FILE_NAME);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(secrets(directory.path()).is_bad());
    }

    #[test]
    fn an_invalid_demo_file_fails_the_check() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!demo(directory.path()).is_bad());
        operations::private_file::write_private(&directory.path().join(demo::DEMO_FILE_NAME), "{")
            .unwrap();
        assert!(demo(directory.path()).is_bad());
    }
}
