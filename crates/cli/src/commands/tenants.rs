//! Executing `lms tenant`, and printing the results.
//! The work is done in `database::tenant`, `operations::tenants`, `operations::relocation` and `operations::tenant_restore`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use database::tenant;
use operations::cell::Definition;
use operations::privacy;
use operations::relocation::{self, Cell};
use operations::tenant_restore::{self, Source};
use operations::tenants::{self, Status};

use super::{database_url, print_line};
use crate::arguments::tenants as arguments;
use crate::arguments::tenants::Tenant;

pub(super) async fn execute(state: &Path, command: Tenant) -> Result<ExitCode> {
    match command {
        Tenant::List(options) => list(state, options).await,
        Tenant::Show(options) => show(state, options).await,
        Tenant::Create(options) => create(state, options).await,
        Tenant::Suspend(options) => set_status(state, options, Status::Inactive).await,
        Tenant::Resume(options) => set_status(state, options, Status::Active).await,
        Tenant::Move(options) => relocate(options).await,
        Tenant::Forget(options) => erase_source(options).await,
        Tenant::Restore(options) => restore(state, options).await,
    }
}

async fn list(state: &Path, arguments: arguments::ListTenants) -> Result<ExitCode> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let tenants = tenants::list(&mut client).await?;
    if arguments.format.json {
        print_line(serde_json::to_string_pretty(&tenants)?)?;
    } else {
        for tenant in tenants {
            print_line(tenant)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(state: &Path, arguments: arguments::ShowTenant) -> Result<ExitCode> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let tenant = tenants::find(&mut client, &arguments.tenant).await?;
    if arguments.format.json {
        print_line(serde_json::to_string_pretty(&tenant)?)?;
    } else {
        print_line(tenant)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_status(
    state: &Path,
    arguments: arguments::TenantStatus,
    status: Status,
) -> Result<ExitCode> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    tenants::set_status(&mut client, &arguments.tenant, status).await?;
    print_line(match status {
        Status::Active => format!("{} is active again", arguments.tenant),
        Status::Inactive => format!(
            "{} is suspended; `lms tenant resume` ends that",
            arguments.tenant
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn create(state: &Path, arguments: arguments::CreateTenant) -> Result<ExitCode> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let new = tenant::New {
        slug: arguments.slug,
        name: arguments.name,
    };
    print_line(tenant::create(&mut client, &new).await?)?;
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
        print_line(format_args!(
            "{} stays in its cell, and accepts writes again",
            options.tenant
        ))?;
        return Ok(ExitCode::SUCCESS);
    };
    if file.exists() {
        bail!("{} already exists: choose another file", file.display());
    }
    let receipt = relocation::run(&options).await?;
    privacy::write(&file, &serde_json::to_string_pretty(&receipt)?)?;
    print_line(format_args!(
        "{} now lives in {}; the receipt is in {}",
        options.tenant,
        receipt.to.name,
        file.display()
    ))?;
    if receipt.from.retention_class != receipt.to.retention_class {
        print_line(format_args!(
            "its retention class was {} and is now {}, which determines how long backups and deleted rows are kept",
            receipt.from.retention_class, receipt.to.retention_class
        ))?;
    }
    print_line("erase the rows in the former cell with `lms tenant forget`")?;
    Ok(ExitCode::SUCCESS)
}

async fn erase_source(arguments: arguments::ForgetTenant) -> Result<ExitCode> {
    let (from, to) = cells(arguments.cells)?;
    let erased = relocation::erase_source(&arguments.receipt, &from, &to).await?;
    print_line(format_args!(
        "every row was found in the new cell, and {} rows are erased in the former one",
        erased.rows
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn restore(state: &Path, arguments: arguments::RestoreTenant) -> Result<ExitCode> {
    let database_url = database_url(state, arguments.target).await?;
    let source = match (arguments.to_time, arguments.from_database_file) {
        (_, Some(file)) => Source::Cluster(read_database_url(&file)?),
        (Some(time), None) => Source::Events(time),
        (None, None) => bail!("no time is given: give --to-time, or --from-database-file"),
    };
    let options = tenant_restore::Options {
        tenant: arguments.tenant,
        source,
    };
    let restored = tenant_restore::run(&database_url, &options).await?;
    print_line(format_args!("{} is restored: {restored}", options.tenant))?;
    Ok(ExitCode::SUCCESS)
}

/// The name and the base URL of a cell that is given by either of them. Without a definition, it has no name.
fn name_and_url(cell: String, directory: &Path) -> Result<(Option<String>, String)> {
    if cell.contains("://") {
        return Ok((None, cell));
    }
    let url = Definition::load(directory, &cell)?.url;
    Ok((Some(cell), url))
}

fn cells(arguments: arguments::Cells) -> Result<(Cell, Cell)> {
    let directory = arguments.directory.cells.as_path();
    let (from, from_url) = name_and_url(arguments.from, directory)?;
    let (to, to_url) = name_and_url(arguments.to, directory)?;
    let from = Cell {
        name: from,
        database_url: cell_database_url(
            arguments.from_database_file.as_deref(),
            "from",
            "LMS_MOVE_FROM_DATABASE_URL",
        )?,
        url: from_url,
    };
    let to = Cell {
        name: to,
        database_url: cell_database_url(
            arguments.to_database_file.as_deref(),
            "to",
            "LMS_MOVE_TO_DATABASE_URL",
        )?,
        url: to_url,
    };
    Ok((from, to))
}

fn cell_database_url(file: Option<&Path>, end: &str, variable: &str) -> Result<String> {
    let Some(file) = file else {
        return std::env::var(variable).with_context(|| {
            format!("no database is given: set {variable}, or give --{end}-database-file")
        });
    };
    read_database_url(file)
}

fn read_database_url(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the database's address in {}", file.display()))?;
    Ok(text.trim().to_owned())
}
