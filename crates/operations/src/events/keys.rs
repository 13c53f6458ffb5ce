//! The pair of Ed25519 keys that heads are signed with: files in the forms that other programs read, PKCS #8 and SubjectPublicKeyInfo in
//! PEM.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{SigningKey, VerifyingKey};

/// Makes a pair: the private key into a new file that its owner alone may read, the public one beside it with `.pub` behind the name.
///
/// # Errors
///
/// When one of the files is there already or cannot be written: then neither is left behind.
pub fn make(file: &Path) -> Result<PathBuf> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow!("no random numbers: {error}"))?;
    let key = SigningKey::from_bytes(&seed);
    let private = key
        .to_pkcs8_pem(LineEnding::LF)
        .context("the key cannot be written down")?;
    let public = key
        .verifying_key()
        .to_public_key_pem(LineEnding::LF)
        .context("the public key cannot be written down")?;
    let beside = beside(file);
    write_new(file, private.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&beside, public.as_bytes(), 0o644) {
        // A private key that nobody has the public one of is of no use, and would stand in the way of the next try.
        let _ = fs::remove_file(file);
        return Err(error);
    }
    Ok(beside)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn write_new(file: &Path, content: &[u8], mode: u32) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(file)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot make the file {}", file.display()))
}

/// The private key in a file.
///
/// # Errors
///
/// When it is not there, or is something else.
pub fn private(file: &Path) -> Result<SigningKey> {
    SigningKey::from_pkcs8_pem(&read(file)?).map_err(|_| {
        anyhow!(
            "{} holds no private Ed25519 key in PEM (PKCS #8): `lms events key` makes one",
            file.display()
        )
    })
}

/// The public key in a file.
///
/// # Errors
///
/// When it is not there, or is something else.
pub fn public(file: &Path) -> Result<VerifyingKey> {
    VerifyingKey::from_public_key_pem(&read(file)?).map_err(|_| {
        anyhow!(
            "{} holds no public Ed25519 key in PEM: it is the file that ends in .pub",
            file.display()
        )
    })
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read the key {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_pair_is_written_once_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("heads.pem");
        let beside = make(&file).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(
            private(&file).unwrap().verifying_key(),
            public(&beside).unwrap()
        );
        assert!(make(&file).is_err());
        assert!(public(&file).is_err() && private(&beside).is_err());
        fs::remove_file(&file).unwrap();
        assert!(make(&file).is_err());
        assert!(!file.exists());
    }
}
