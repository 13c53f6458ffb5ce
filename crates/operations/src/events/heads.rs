//! Signed heads: where the chain of each tenant ended at some time, kept away from the database, so that whoever rewrites a chain from
//! some event on to its end is found out. A JSON Web Signature (RFC 7515) in its compact form with EdDSA (RFC 8037).

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
use super::{chain, still};

/// The type in the header, so that a signature over something else is not taken for one over heads.
const TYPE: &str = "lms-event-heads";

/// The header of the signature.
#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

/// Where all chains of a cell ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// When they were read.
    pub made_at: DateTime<Utc>,
    /// One for each tenant.
    pub heads: Vec<Head>,
}

/// Where the chain of a tenant ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The position of its last event; 0 without any.
    pub position: i64,
    /// The hash of that event, in hexadecimal digits.
    pub hash: String,
}

impl Heads {
    /// The head of a tenant.
    pub fn of(&self, tenant: Uuid) -> Option<&Head> {
        self.heads.iter().find(|head| head.tenant_id == tenant)
    }

    /// The heads of a file, once its signature is found to be that of the key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is something else, or was signed by somebody else.
    pub fn read(file: &Path, key: &VerifyingKey) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the heads {}", file.display()))?;
        Self::opened(text.trim_end(), key)
            .with_context(|| format!("the heads {} are refused", file.display()))
    }

    fn opened(text: &str, key: &VerifyingKey) -> Result<Self> {
        let (signed, signature) = text.rsplit_once('.').context("this is no signed file")?;
        let (header, payload) = signed.split_once('.').context("this is no signed file")?;
        let header: Header = serde_json::from_slice(&decoded(header)?)?;
        ensure!(
            header.alg == "EdDSA" && header.typ == TYPE,
            "this is a signature over something else"
        );
        let signature = Signature::from_slice(&decoded(signature)?)
            .map_err(|_| anyhow!("the signature is cut off"))?;
        key.verify_strict(signed.as_bytes(), &signature)
            .map_err(|_| anyhow!("the signature is not that of this key"))?;
        serde_json::from_slice(&decoded(payload)?).context("the heads cannot be understood")
    }

    fn signed(&self, key: &SigningKey) -> Result<String> {
        let header = Header {
            alg: "EdDSA".to_owned(),
            typ: TYPE.to_owned(),
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
        .context("this is no signed file")
}

/// Writes the signed heads of all tenants into a new file, and returns how many they are.
///
/// # Errors
///
/// When the database cannot be read, or the file is there already or cannot be written.
pub async fn export(address: &str, file: &Path, key: &SigningKey) -> Result<usize> {
    if file.exists() {
        bail!(
            "the file {} exists already: heads are kept, not replaced",
            file.display()
        );
    }
    let mut client = database::connect(address).await?;
    let mut heads = Heads {
        made_at: Utc::now(),
        heads: Vec::new(),
    };
    for (tenant, _) in tenant::all(&client).await? {
        tenant::seal_events(&mut client, tenant).await?;
        let transaction = still(&mut client, tenant, true).await?;
        let head = Log::open(&transaction, tenant).await?.head().await?;
        heads.heads.push(Head {
            tenant_id: tenant,
            position: head.position,
            hash: chain::hex(&head.hash),
        });
    }
    write(file, &heads.signed(key)?)?;
    Ok(heads.heads.len())
}

/// Whole or not at all.
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
    fn what_was_signed_is_read_with_the_right_key_alone() {
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
        assert_eq!(Heads::opened(&text, &key.verifying_key()).unwrap(), heads);
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        assert!(Heads::opened(&text, &other).is_err());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"lms-event-heads"}"#);
        let (_, rest) = text.split_once('.').unwrap();
        assert!(Heads::opened(&format!("{none}.{rest}"), &key.verifying_key()).is_err());
        for broken in ["", "a.b", "a.b.c", &text[..text.len() - 4]] {
            assert!(
                Heads::opened(broken, &key.verifying_key()).is_err(),
                "{broken}"
            );
        }
    }
}
