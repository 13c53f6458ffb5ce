//! What opens a cell's repositories: read from files, so that it stands in no list of processes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// More than this is no passphrase and no key.
const LONGEST: usize = 1024;

/// A shorter passphrase could be tried out by whoever gets hold of a repository.
const SHORTEST: usize = 16;

/// Where what opens the repositories lies.
#[derive(Clone, Debug)]
pub struct Files {
    /// File with the passphrase of the cell's repositories.
    pub passphrase: PathBuf,
    /// File with the key of the S3 repositories; without one, the machine's own role is used.
    pub s3: Option<PathBuf>,
}

/// What opens the repositories of a cell.
#[derive(Clone)]
pub struct Credentials {
    pub(super) passphrase: String,
    pub(super) s3: Option<S3>,
}

/// The key of an account of S3.
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
    /// When one cannot be read, or does not hold what it should.
    pub fn read(files: &Files) -> Result<Self> {
        let passphrase = line(&files.passphrase)?;
        if passphrase.len() < SHORTEST {
            bail!(
                "the passphrase in {} is shorter than {SHORTEST} characters: make one with `openssl rand -base64 48`",
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
            "{} holds no key of S3: one line with its id, a space and its secret",
            file.display()
        ),
    }
}

/// The one line of a file, which may go into a configuration as it is.
fn line(file: &Path) -> Result<String> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.len() > LONGEST {
        bail!("{} has to hold 1 to {LONGEST} characters", file.display());
    }
    if line.trim() != line || line.chars().any(char::is_control) {
        bail!(
            "{} has to hold one line, without spaces around it",
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
        Credentials::read(&Files {
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
    fn a_key_of_s3_is_an_id_and_a_secret() {
        let passphrase = "correct horse battery staple";
        let key = read(passphrase, Some("AKIA secret\n")).unwrap().s3.unwrap();
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("AKIA", "secret"));
        assert!(read(passphrase, Some("AKIA")).is_err());
    }
}
