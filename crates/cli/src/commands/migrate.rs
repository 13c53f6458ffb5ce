//! `lms migrate`: brings the schema of a database up to date. The migrations are applied in
//! `database::migrate`.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::{Context, Result, bail};
use database::migrate::{self, Migration};
use serde::Serialize;

use super::database_url;
use crate::answer::Outcome;
use crate::arguments;

/// The migrations that were applied, or would be, and the one at which the schema then is.
#[derive(Serialize)]
struct Migrated {
    dry_run: bool,
    migrations: Vec<Label>,
    schema: Option<Label>,
}

/// A migration, without its text.
#[derive(Serialize)]
struct Label {
    version: i64,
    name: String,
    #[serde(skip)]
    text: String,
}

impl From<&Migration> for Label {
    fn from(migration: &Migration) -> Self {
        Self {
            version: migration.version,
            name: migration.name.clone(),
            text: migration.label(),
        }
    }
}

impl Display for Migrated {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.migrations.is_empty() {
            let last = self.schema.as_ref().map_or("", |label| &label.text);
            return write!(formatter, "nothing to apply: the schema is at {last}");
        }
        let verb = if self.dry_run {
            "would apply"
        } else {
            "applied"
        };
        let lines = self
            .migrations
            .iter()
            .map(|label| format!("{verb} {}", label.text));
        formatter.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

pub(super) async fn execute(state: &Path, arguments: arguments::Migrate) -> Result<Outcome> {
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
    let known = migrate::embedded()?;
    let database_url = database_url(state, arguments.target).await?;
    let applied = migrate::run(&database_url, &known, &options).await?;
    Ok(Outcome::answer(Migrated {
        dry_run: options.dry_run,
        migrations: applied.into_iter().map(Label::from).collect(),
        schema: known.last().map(Label::from),
    }))
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
