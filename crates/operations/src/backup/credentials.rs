//! The credentials of a cell's repositories. They are read from files, so that no list of processes shows them.
//! They are written into pgBackRest's configuration in `configuration`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The maximum number of bytes of a line with a passphrase or a key.
const MAX_LINE_BYTES: usize = 1024;

/// The minimum number of bytes of a passphrase. A shorter one could be guessed by anyone with access to a repository.
const MIN_PASSPHRASE_BYTES: usize = 16;

/// The files with the credentials.
#[derive(Clone, Debug)]
pub struct CredentialFiles {
    /// The file with the passphrase of the cell's repositories.
    pub passphrase: PathBuf,
    /// The file with the key of the S3 repositories. Without it, the machine's own role is used.
    pub s3: Option<PathBuf>,
}

/// The credentials of a cell's repositories.
#[derive(Clone)]
pub struct Credentials {
    pub(super) passphrase: String,
    pub(super) s3: Option<S3>,
}

/// The access key of an S3 account.
#[derive(Clone)]
pub(super) struct S3 {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is not valid.
    pub fn read(files: &CredentialFiles) -> Result<Self> {
        let passphrase = line(&files.passphrase)?;
        if passphrase.len() < MIN_PASSPHRASE_BYTES {
            bail!(
                "the passphrase in {} is shorter than {MIN_PASSPHRASE_BYTES} characters: generate one with `openssl rand -base64 48`",
                files.passphrase.display()
            );
        }
        let s3 = files.s3.as_deref().map(s3).transpose()?;
        Ok(Self { passphrase, s3 })
    }
}

fn s3(file: &Path) -> Result<S3> {
    match line(file)?.split_once(' ') {
        Some((id, secret)) if !id.is_empty() && !secret.contains(' ') => Ok(S3 {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }),
        _ => bail!(
            "{} must contain the S3 access key: one line with its id, a space and its secret",
            file.display()
        ),
    }
}

/// The one line of a file, which is safe to write into a configuration.
fn line(file: &Path) -> Result<String> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.len() > MAX_LINE_BYTES {
        bail!(
            "{} must contain 1 to {MAX_LINE_BYTES} characters",
            file.display()
        );
    }
    if line.trim() != line || line.chars().any(char::is_control) {
        bail!(
            "{} must contain one line, without spaces around it",
            file.display()
        );
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(passphrase: &str, key: Option<&str>) -> Result<Credentials> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        fs::write(&path, passphrase).unwrap();
        let s3 = key.map(|key| {
            let path = directory.path().join("key");
            fs::write(&path, key).unwrap();
            path
        });
        Credentials::read(&CredentialFiles {
            passphrase: path,
            s3,
        })
    }

    #[test]
    fn a_passphrase_is_one_long_line() {
        let good = "correct horse battery staple";
        assert_eq!(read(&format!("{good}\n"), None).unwrap().passphrase, good);
        for bad in [
            "",
            "short",
            " begins with a space",
            "two lines\nrepo1-path=/elsewhere",
        ] {
            assert!(read(bad, None).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_s3_key_is_an_id_and_a_secret() {
        let passphrase = "correct horse battery staple";
        let key = read(passphrase, Some("AKIA secret\n")).unwrap().s3.unwrap();
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("AKIA", "secret"));
        assert!(read(passphrase, Some("AKIA")).is_err());
    }
}
