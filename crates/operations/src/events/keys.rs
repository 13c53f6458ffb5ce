//! The pair of Ed25519 keys for signing heads, in the standard forms PKCS #8 and SubjectPublicKeyInfo in PEM.
//! The heads are signed in `heads`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{SigningKey, VerifyingKey};

/// Generates a pair: the private key in a new file that its owner alone can read, and the public one beside it with the suffix `.pub`.
///
/// # Errors
///
/// When one of the files exists or cannot be written. Then neither is left behind.
pub fn generate(file: &Path) -> Result<PathBuf> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow!("there are no random numbers: {error}"))?;
    let key = SigningKey::from_bytes(&seed);
    let private = key
        .to_pkcs8_pem(LineEnding::LF)
        .context("the private key cannot be encoded")?;
    let public = key
        .verifying_key()
        .to_public_key_pem(LineEnding::LF)
        .context("the public key cannot be encoded")?;
    let public_file = public_path(file);
    write_new(file, private.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&public_file, public.as_bytes(), 0o644) {
        // A private key without its public key is useless, and would make the next attempt fail.
        let _ = fs::remove_file(file);
        return Err(error);
    }
    Ok(public_file)
}

fn public_path(file: &Path) -> PathBuf {
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
    write().with_context(|| format!("cannot create the file {}", file.display()))
}

/// Reads a private key from a file.
///
/// # Errors
///
/// When the file cannot be read, or holds no such key.
pub fn private(file: &Path) -> Result<SigningKey> {
    SigningKey::from_pkcs8_pem(&read(file)?).map_err(|_| {
        anyhow!(
            "{} is not a private Ed25519 key in PEM (PKCS #8): `lms events key` generates one",
            file.display()
        )
    })
}

/// Reads a public key from a file.
///
/// # Errors
///
/// When the file cannot be read, or holds no such key.
pub fn public(file: &Path) -> Result<VerifyingKey> {
    VerifyingKey::from_public_key_pem(&read(file)?).map_err(|_| {
        anyhow!(
            "{} is not a public Ed25519 key in PEM: it is in the file that ends in .pub",
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
        let public_file = generate(&file).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(
            private(&file).unwrap().verifying_key(),
            public(&public_file).unwrap()
        );
        assert!(generate(&file).is_err());
        assert!(public(&file).is_err() && private(&public_file).is_err());
        fs::remove_file(&file).unwrap();
        assert!(generate(&file).is_err());
        assert!(!file.exists());
    }
}
