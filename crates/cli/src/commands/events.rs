//! Executing `lms events`, and printing the results.
//! The work lives in `operations::events`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use operations::events::heads::{self, Heads};
use operations::events::replay::{self, Until};
use operations::events::{export, keys, verify};

use super::{database_url, print_line};
use crate::arguments::events as arguments;
use crate::arguments::events::Events;

pub(super) async fn execute(state: &Path, command: Events) -> Result<ExitCode> {
    match command {
        Events::Verify(options) => verify(state, options).await,
        Events::Heads(options) => export_heads(state, options).await,
        Events::Key(options) => {
            let public = keys::generate(&options.output)?;
            print_line(format_args!(
                "the private key is in {}, and the public key in {}",
                options.output.display(),
                public.display()
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Events::Replay(options) => replay(state, options).await,
        Events::Export(options) => export(state, options).await,
    }
}

async fn verify(state: &Path, arguments: arguments::Verify) -> Result<ExitCode> {
    let heads = match arguments.heads.zip(arguments.key) {
        Some((file, key)) => Some(Heads::read(&file, &keys::public(&key)?)?),
        None => None,
    };
    let database_url = database_url(state, arguments.target).await?;
    let reports = verify::run(&database_url, arguments.tenant.as_deref(), heads.as_ref()).await?;
    for report in &reports {
        print_line(report)?;
    }
    Ok(match reports.iter().any(|report| report.broken.is_some()) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

async fn export_heads(state: &Path, arguments: arguments::Heads) -> Result<ExitCode> {
    let key = keys::private(&arguments.key)?;
    let database_url = database_url(state, arguments.target).await?;
    let tenants = heads::export(&database_url, &arguments.output, &key).await?;
    print_line(format_args!(
        "the heads of {tenants} tenants are in {}",
        arguments.output.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn replay(state: &Path, arguments: arguments::Replay) -> Result<ExitCode> {
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
    print_line(format_args!(
        "{} rows rebuilt from the events up to position {}, in the schema {}",
        report.rows, report.position, options.schema
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn export(state: &Path, arguments: arguments::Export) -> Result<ExitCode> {
    let options = export::Options {
        tenant: arguments.tenant,
        format: arguments.format,
        output: arguments.output,
        after: arguments.after,
        home_page: arguments.home_page,
    };
    let report = export::run(&database_url(state, arguments.target).await?, &options).await?;
    print_line(format_args!(
        "parts written: {}; {} contains the events up to position {}",
        report.parts,
        options.output.display(),
        report.position
    ))?;
    Ok(ExitCode::SUCCESS)
}
