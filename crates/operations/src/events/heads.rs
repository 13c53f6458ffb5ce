//! Signed heads: the ends of all tenants' chains at some time, kept outside of the database, so that a chain that is rewritten up to its end
//! is detected. They are a compact JSON Web Signature (RFC 7515) with EdDSA (RFC 8037).
//! The keys are generated in `keys`; a chain is compared with its signed head in `verify`.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use database::tenant;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::log::Log;
use super::snapshot::begin_snapshot;

/// The type in the header, which tells heads from other signed content.
const HEADER_TYPE: &str = "lms-event-heads";

/// The header of the signature.
#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

/// The heads of all chains of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// When they were read.
    pub made_at: DateTime<Utc>,
    /// The head of each tenant.
    pub heads: Vec<Head>,
}

/// The head of a tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The position of its last event; 0 when there is none.
    pub position: i64,
    /// The hash of that event in hexadecimal digits.
    pub hash: String,
}

impl Heads {
    /// The head of a tenant.
    pub fn of(&self, tenant: Uuid) -> Option<&Head> {
        self.heads.iter().find(|head| head.tenant_id == tenant)
    }

    /// Reads a file of heads and verifies its signature with a public key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has other content, or was signed with another key.
    pub fn read(file: &Path, key: &VerifyingKey) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the heads {}", file.display()))?;
        Self::parse(text.trim_end(), key)
            .with_context(|| format!("the heads {} are rejected", file.display()))
    }

    fn parse(text: &str, key: &VerifyingKey) -> Result<Self> {
        let (signed, signature) = text
            .rsplit_once('.')
            .context("the file is not a JSON Web Signature")?;
        let (header, payload) = signed
            .split_once('.')
            .context("the file is not a JSON Web Signature")?;
        let header: Header = serde_json::from_slice(&decoded(header)?)?;
        ensure!(
            header.alg == "EdDSA" && header.typ == HEADER_TYPE,
            "the signature is not over heads"
        );
        let signature = Signature::from_slice(&decoded(signature)?)
            .map_err(|_| anyhow!("the signature is incomplete"))?;
        key.verify_strict(signed.as_bytes(), &signature)
            .map_err(|_| anyhow!("the signature does not match this key"))?;
        serde_json::from_slice(&decoded(payload)?).context("the heads cannot be parsed")
    }

    fn signed(&self, key: &SigningKey) -> Result<String> {
        let header = Header {
            alg: "EdDSA".to_owned(),
            typ: HEADER_TYPE.to_owned(),
        };
        let mut text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?),
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?)
        );
        let signature = key.sign(text.as_bytes()).to_bytes();
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(text)
    }
}

fn decoded(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .context("the file is not a JSON Web Signature")
}

/// Writes the signed heads of all tenants into a new file, and returns their number.
///
/// # Errors
///
/// When the database cannot be read, or the file exists or cannot be written.
pub async fn export(database_url: &str, file: &Path, key: &SigningKey) -> Result<usize> {
    if file.exists() {
        bail!(
            "the file {} already exists: heads are kept, not replaced",
            file.display()
        );
    }
    let mut client = database::connect(database_url).await?;
    let mut heads = Heads {
        made_at: Utc::now(),
        heads: Vec::new(),
    };
    for (tenant, _) in tenant::all(&client).await? {
        tenant::seal_events(&mut client, tenant).await?;
        let transaction = begin_snapshot(&mut client, tenant, true).await?;
        let head = Log::open(&transaction, tenant).await?.head().await?;
        heads.heads.push(Head {
            tenant_id: tenant,
            position: head.position,
            hash: hex::encode(&head.hash),
        });
    }
    write(file, &heads.signed(key)?)?;
    Ok(heads.heads.len())
}

/// Writes the file atomically.
fn write(file: &Path, text: &str) -> Result<()> {
    let write = || -> Result<()> {
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut temporary = NamedTempFile::new_in(directory)?;
        writeln!(temporary, "{text}")?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(file)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_with_the_right_key_alone() {
        let heads = Heads {
            made_at: DateTime::UNIX_EPOCH,
            heads: vec![Head {
                tenant_id: Uuid::max(),
                position: 7,
                hash: "00".to_owned(),
            }],
        };
        let key = SigningKey::from_bytes(&[1; 32]);
        let text = heads.signed(&key).unwrap();
        assert_eq!(Heads::parse(&text, &key.verifying_key()).unwrap(), heads);
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        assert!(Heads::parse(&text, &other).is_err());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"lms-event-heads"}"#);
        let (_, rest) = text.split_once('.').unwrap();
        assert!(Heads::parse(&format!("{none}.{rest}"), &key.verifying_key()).is_err());
        for broken in ["", "a.b", "a.b.c", &text[..text.len() - 4]] {
            assert!(
                Heads::parse(broken, &key.verifying_key()).is_err(),
                "{broken}"
            );
        }
    }
}
