//! The key of a provider's API, which is read from a file. The secrets with which webhooks are signed
//! are in `webhooks::signature`.

use std::fmt::{self, Debug, Formatter};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// An API key, which is never printed.
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// Reads the key from a file, without the end of its line.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the key in {}", file.display()))?;
        let key = text.trim_end_matches(['\r', '\n']);
        if key.is_empty() {
            bail!("the key file {} is empty", file.display());
        }
        Ok(Self(key.to_owned()))
    }

    /// The key for the development outbox, which checks none.
    pub(crate) fn of_the_dev_outbox() -> Self {
        Self("dev-outbox".to_owned())
    }

    /// The key itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for ApiKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_file_and_never_printed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, "re_123\n").unwrap();
        let key = ApiKey::read(&file).unwrap();
        assert_eq!(
            (key.reveal(), format!("{key:?}")),
            ("re_123", "***".to_owned())
        );
        std::fs::write(&file, "\n").unwrap();
        assert!(ApiKey::read(&file).is_err());
    }
}
