//! `lms migrate`: brings the schema of a database up to date. The migrations are applied in
//! `database::migrate`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use database::migrate;

use super::{database_url, print_line};
use crate::arguments;

pub(super) async fn execute(state: &Path, arguments: arguments::Migrate) -> Result<ExitCode> {
    let mut passwords = Vec::new();
    for (role, file) in [
        ("lms_application", &arguments.application_password_file),
        ("lms_migrator", &arguments.migrator_password_file),
    ] {
        if let Some(file) = file {
            passwords.push((role, read_password(file)?));
        }
    }
    let options = migrate::Options {
        cell: arguments.cell,
        dry_run: arguments.dry_run,
        passwords,
    };
    let migrations = migrate::embedded()?;
    let applied = migrate::run(
        &database_url(state, arguments.target).await?,
        &migrations,
        &options,
    )
    .await?;
    let verb = if options.dry_run {
        "would apply"
    } else {
        "applied"
    };
    for migration in &applied {
        print_line(format_args!("{verb} {}", migration.label()))?;
    }
    if applied.is_empty() {
        print_line(format_args!(
            "nothing to apply: the schema is at {}",
            migrations
                .last()
                .map(migrate::Migration::label)
                .unwrap_or_default()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_password(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the password in {}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("the password file {} is empty", file.display());
    }
    Ok(password.to_owned())
}
