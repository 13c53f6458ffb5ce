//! Executing `lms events`.
//! The work lives in `operations::events`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use operations::events::heads::{self, Heads};
use operations::events::replay::{self, Until};
use operations::events::{export, keys, verify};
use serde::Serialize;

use super::database_url;
use crate::answer::{Lines, Outcome};
use crate::arguments::events as arguments;
use crate::arguments::events::Events;

/// The files with a pair of keys.
#[derive(Serialize)]
struct KeyFiles {
    private_key_file: PathBuf,
    public_key_file: PathBuf,
}

/// The file with the signed heads.
#[derive(Serialize)]
struct SignedHeads {
    file: PathBuf,
    tenants: usize,
}

/// The schema with the rebuilt tables.
#[derive(Serialize)]
struct Rebuilt {
    schema: String,
    #[serde(flatten)]
    report: replay::Report,
}

/// The directory with the exported events.
#[derive(Serialize)]
struct Exported {
    directory: PathBuf,
    #[serde(flatten)]
    report: export::Report,
}

pub(super) async fn execute(state: &Path, command: Events) -> Result<Outcome> {
    match command {
        Events::Verify(options) => verify(state, options).await,
        Events::Heads(options) => export_heads(state, options).await,
        Events::Key(options) => generate_keys(options),
        Events::Replay(options) => replay(state, options).await,
        Events::Export(options) => export(state, options).await,
    }
}

async fn verify(state: &Path, arguments: arguments::Verify) -> Result<Outcome> {
    let heads = match arguments.heads.zip(arguments.key) {
        Some((file, key)) => Some(Heads::read(&file, &keys::public(&key)?)?),
        None => None,
    };
    let database_url = database_url(state, arguments.target).await?;
    let data = verify::run(&database_url, arguments.tenant.as_deref(), heads.as_ref()).await?;
    let is_broken = data.iter().any(|report| report.broken.is_some());
    Ok(Outcome::answer(Lines::new("tenants", data)).with_fault(is_broken))
}

fn generate_keys(arguments: arguments::Key) -> Result<Outcome> {
    let files = KeyFiles {
        public_key_file: keys::generate(&arguments.output)?,
        private_key_file: arguments.output,
    };
    let text = format!(
        "the private key is in {}, and the public key in {}",
        files.private_key_file.display(),
        files.public_key_file.display()
    );
    Ok(Outcome::worded(files, text))
}

async fn export_heads(state: &Path, arguments: arguments::Heads) -> Result<Outcome> {
    let key = keys::private(&arguments.key)?;
    let database_url = database_url(state, arguments.target).await?;
    let heads = SignedHeads {
        tenants: heads::export(&database_url, &arguments.output, &key).await?,
        file: arguments.output,
    };
    let text = format!(
        "the heads of {} tenants are in {}",
        heads.tenants,
        heads.file.display()
    );
    Ok(Outcome::worded(heads, text))
}

async fn replay(state: &Path, arguments: arguments::Replay) -> Result<Outcome> {
    let until = match (arguments.until, arguments.position) {
        (Some(time), _) => Until::Time(time),
        (None, Some(position)) => Until::Position(position),
        (None, None) => Until::End,
    };
    let options = replay::Options {
        tenant: arguments.tenant,
        until,
        schema: arguments.into,
    };
    let report = replay::run(&database_url(state, arguments.target).await?, &options).await?;
    let text = format!(
        "{} rows rebuilt from the events up to position {}, in the schema {}",
        report.rows, report.position, options.schema
    );
    let rebuilt = Rebuilt {
        schema: options.schema,
        report,
    };
    Ok(Outcome::worded(rebuilt, text))
}

async fn export(state: &Path, arguments: arguments::Export) -> Result<Outcome> {
    let options = export::Options {
        tenant: arguments.tenant,
        format: arguments.format,
        output: arguments.output,
        after: arguments.after,
        home_page: arguments.home_page,
    };
    let report = export::run(&database_url(state, arguments.target).await?, &options).await?;
    let text = format!(
        "parts written: {}; {} contains the events up to position {}",
        report.parts,
        options.output.display(),
        report.position
    );
    let exported = Exported {
        directory: options.output,
        report,
    };
    Ok(Outcome::worded(exported, text))
}
