//! The random secrets of one local installation, kept in `.lms/secrets.toml`.
//! Only generating, reading and writing them; what they are used for is known by the modules that use them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use operations::private_file::write_private;
use rand::RngExt;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

/// Name of the file inside the state directory.
pub const FILE: &str = "secrets.toml";

/// Secrets that are made once and then stay.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Password of the cluster's superuser `postgres`.
    pub superuser_password: String,
    /// Password of `lms_migrator`.
    pub migrator_password: String,
    /// Password of `lms_application`.
    pub application_password: String,
    /// Password of every demo user.
    pub demo_password: String,
    /// Keys that sign access tokens, as the variable `signing_keys` wants them.
    pub signing_keys: String,
}

impl Secrets {
    /// Reads the secrets of the state directory `directory`, or makes them if there are none.
    pub fn load_or_create(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| {
                format!(
                    "{} cannot be read: restore it, or remove the directory {} to begin anew",
                    path.display(),
                    directory.display()
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secrets = Self::generate();
                write_private(&path, &toml::to_string(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn generate() -> Self {
        Self {
            superuser_password: random_text(32),
            migrator_password: random_text(32),
            application_password: random_text(32),
            demo_password: random_text(16),
            signing_keys: format!("k1:{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())),
        }
    }
}

/// Letters and digits from the thread's cryptographic generator: safe in a URL, a file and a shell word.
fn random_text(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_stay_the_same_and_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_create(directory.path()).unwrap();
        let second = Secrets::load_or_create(directory.path()).unwrap();
        assert_eq!(first.signing_keys, second.signing_keys);
        assert_ne!(first.superuser_password, first.application_password);
        let mode = fs::metadata(directory.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_file_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "nonsense").unwrap();
        let error = Secrets::load_or_create(directory.path()).err().unwrap();
        assert!(error.to_string().contains("restore it"), "{error}");
    }
}
