//! What the subcommands of `lms tenant` do.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use database::tenant;
use operations::cell::Definition;
use operations::privacy;
use operations::relocation::{self, Cell};
use operations::tenant_restore::{self, Source};

use super::{address, say};
use crate::arguments::tenants as arguments;
use crate::arguments::tenants::Tenant;

pub(super) async fn execute(state: &Path, command: Tenant) -> Result<ExitCode> {
    match command {
        Tenant::Create(options) => create(state, options).await,
        Tenant::Move(options) => relocate(options).await,
        Tenant::Forget(options) => forget(options).await,
        Tenant::Restore(options) => restore(state, options).await,
    }
}

async fn create(state: &Path, arguments: arguments::CreateTenant) -> Result<ExitCode> {
    let mut client = database::connect(&address(state, arguments.target).await?).await?;
    let new = tenant::New {
        slug: arguments.slug,
        name: arguments.name,
    };
    say(tenant::create(&mut client, &new).await?)?;
    Ok(ExitCode::SUCCESS)
}

async fn relocate(arguments: arguments::MoveTenant) -> Result<ExitCode> {
    let (from, to) = cells(arguments.cells)?;
    let options = relocation::Options {
        tenant: arguments.tenant,
        from,
        to,
    };
    let Some(file) = arguments.receipt else {
        relocation::cancel(&options).await?;
        say(format_args!(
            "{} stays where it is, and can be written again",
            options.tenant
        ))?;
        return Ok(ExitCode::SUCCESS);
    };
    if file.exists() {
        bail!("{} exists already: choose another file", file.display());
    }
    let receipt = relocation::run(&options).await?;
    privacy::write(&file, &serde_json::to_string_pretty(&receipt)?)?;
    say(format_args!(
        "{} lives in {} now; the receipt is in {}",
        options.tenant,
        receipt.to.name,
        file.display()
    ))?;
    if receipt.from.retention_class != receipt.to.retention_class {
        say(format_args!(
            "its retention class was {} and is {}: backups and deleted rows are kept as long as that says",
            receipt.from.retention_class, receipt.to.retention_class
        ))?;
    }
    say("erase what is left in the other cell with `lms tenant forget`")?;
    Ok(ExitCode::SUCCESS)
}

async fn forget(arguments: arguments::ForgetTenant) -> Result<ExitCode> {
    let (from, to) = cells(arguments.cells)?;
    let forgotten = relocation::forget(&arguments.receipt, &from, &to).await?;
    say(format_args!(
        "everything was found again, and {} rows are erased",
        forgotten.rows
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn restore(state: &Path, arguments: arguments::RestoreTenant) -> Result<ExitCode> {
    let address = address(state, arguments.target).await?;
    let source = match (arguments.to_time, arguments.from_database_file) {
        (_, Some(file)) => Source::Cluster(address_in(&file)?),
        (Some(time), None) => Source::Events(time),
        (None, None) => bail!("which time? Give --to-time, or --from-database-file"),
    };
    let options = tenant_restore::Options {
        tenant: arguments.tenant,
        source,
    };
    let restored = tenant_restore::run(&address, &options).await?;
    say(format_args!(
        "{} is what it was then: {restored}",
        options.tenant
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// A cell's base URL, by its name or as it was given.
fn url_of(cell: &str, directory: &Path) -> Result<String> {
    if cell.contains("://") {
        return Ok(cell.to_owned());
    }
    Ok(Definition::load(directory, cell)?.url)
}

fn cells(arguments: arguments::Cells) -> Result<(Cell, Cell)> {
    let directory = arguments.directory.cells.as_path();
    let from = Cell {
        database: database_of(
            arguments.from_database_file.as_deref(),
            "from",
            "LMS_MOVE_FROM_DATABASE_URL",
        )?,
        url: url_of(&arguments.from, directory)?,
    };
    let to = Cell {
        database: database_of(
            arguments.to_database_file.as_deref(),
            "to",
            "LMS_MOVE_TO_DATABASE_URL",
        )?,
        url: url_of(&arguments.to, directory)?,
    };
    Ok((from, to))
}

fn database_of(file: Option<&Path>, end: &str, variable: &str) -> Result<String> {
    let Some(file) = file else {
        return std::env::var(variable).with_context(|| {
            format!("which database? Set {variable}, or give --{end}-database-file")
        });
    };
    address_in(file)
}

fn address_in(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the database's address in {}", file.display()))?;
    Ok(text.trim().to_owned())
}
