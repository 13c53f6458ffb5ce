//! Generates, reads and writes the random secrets of a local installation, in `.lms/secrets.toml`.
//! They are used in `cluster` and `installation`.

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

/// The name of the file in the state directory.
pub const SECRETS_FILE_NAME: &str = "secrets.toml";

/// The secrets, which stay the same once they are generated.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The password of the cluster's superuser `postgres`.
    pub superuser_password: String,
    /// The password of `lms_migrator`.
    pub migrator_password: String,
    /// The password of `lms_application`.
    pub application_password: String,
    /// The password of every demo user.
    pub demo_password: String,
    /// The keys that sign access tokens, in the format of the variable `signing_keys`.
    pub signing_keys: String,
}

impl Secrets {
    /// Reads the secrets of the state directory `directory`, or generates them if there are none.
    pub fn load_or_create(directory: &Path) -> Result<Self> {
        let path = directory.join(SECRETS_FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| {
                format!(
                    "{} cannot be read: restore it, or remove the directory {} to start over",
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

/// Returns random letters and digits, which need no quoting in a URL, a file or a shell.
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
        let mode = fs::metadata(directory.path().join(SECRETS_FILE_NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_error_for_an_invalid_file_suggests_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(SECRETS_FILE_NAME), "nonsense").unwrap();
        let error = Secrets::load_or_create(directory.path()).err().unwrap();
        assert!(error.to_string().contains("restore it"), "{error}");
    }
}
