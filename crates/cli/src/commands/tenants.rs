//! Executing `lms tenant`.
//! The work is done in `database::tenant`, `operations::tenants`, `operations::relocation` and `operations::tenant_restore`.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use database::tenant;
use operations::cell::Definition;
use operations::privacy;
use operations::relocation::{self, Cell, CellReference};
use operations::tenant_restore::{self, Source};
use operations::tenants::{self, Status};
use operations::time;
use serde::Serialize;
use uuid::Uuid;

use super::database_url;
use crate::answer::{Outcome, Row, Table};
use crate::arguments::tenants as arguments;
use crate::arguments::tenants::Tenant;

pub(super) async fn execute(state: &Path, command: Tenant) -> Result<Outcome> {
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

impl Row for tenants::Tenant {
    const HEADER: &'static [&'static str] = &[
        "TENANT", "NAME", "STATUS", "CREATED", "CENTRES", "USERS", "STUDENTS",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.slug.clone(),
            self.name.clone(),
            self.status.clone(),
            time::text(self.created_at),
            self.centres.to_string(),
            self.users.to_string(),
            self.students.to_string(),
        ]
    }
}

async fn list(state: &Path, arguments: arguments::ListTenants) -> Result<Outcome> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let tenants = tenants::list(&mut client).await?;
    Ok(Outcome::answer(Table::new("tenants", tenants)))
}

async fn show(state: &Path, arguments: arguments::ShowTenant) -> Result<Outcome> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let tenant = tenants::find(&mut client, &arguments.tenant).await?;
    Ok(Outcome::answer(tenant))
}

async fn set_status(
    state: &Path,
    arguments: arguments::TenantStatus,
    status: Status,
) -> Result<Outcome> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let tenant = tenants::set_status(&mut client, &arguments.tenant, status).await?;
    let text = match status {
        Status::Active => format!("{} is active again", tenant.slug),
        Status::Inactive => format!(
            "{} is suspended; `lms tenant resume` ends that",
            tenant.slug
        ),
    };
    Ok(Outcome::worded(tenant, text))
}

async fn create(state: &Path, arguments: arguments::CreateTenant) -> Result<Outcome> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let new = tenant::New {
        slug: arguments.slug,
        name: arguments.name,
    };
    let id = tenant::create(&mut client, &new).await?;
    let tenant = tenants::find(&mut client, &new.slug).await?;
    Ok(Outcome::worded(tenant, id.to_string()))
}

/// A tenant that was moved, and the file with the receipt.
#[derive(Serialize)]
struct Moved {
    tenant_id: Uuid,
    slug: String,
    from: CellReference,
    to: CellReference,
    receipt: PathBuf,
}

impl Display for Moved {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} now lives in {}; the receipt is in {}",
            self.slug,
            self.to.name,
            self.receipt.display()
        )?;
        let (before, now) = (&self.from.retention_class, &self.to.retention_class);
        if before != now {
            writeln!(
                formatter,
                "its retention class was {before} and is now {now}, which determines how long backups and deleted rows are kept"
            )?;
        }
        formatter.write_str("erase the rows in the former cell with `lms tenant forget`")
    }
}

/// A tenant that stays in its cell.
#[derive(Serialize)]
struct Kept {
    slug: String,
}

async fn relocate(arguments: arguments::MoveTenant) -> Result<Outcome> {
    let (from, to) = cells(arguments.cells)?;
    let options = relocation::Options {
        tenant: arguments.tenant,
        from,
        to,
    };
    let Some(file) = arguments.receipt else {
        relocation::cancel(&options).await?;
        let slug = options.tenant;
        let text = format!("{slug} stays in its cell, and accepts writes again");
        return Ok(Outcome::worded(Kept { slug }, text));
    };
    if file.exists() {
        bail!("{} already exists: choose another file", file.display());
    }
    let receipt = relocation::run(&options).await?;
    privacy::write(&file, &serde_json::to_string_pretty(&receipt)?)?;
    Ok(Outcome::answer(Moved {
        tenant_id: receipt.tenant_id,
        slug: receipt.slug,
        from: receipt.from,
        to: receipt.to,
        receipt: file,
    }))
}

async fn erase_source(arguments: arguments::ForgetTenant) -> Result<Outcome> {
    let (from, to) = cells(arguments.cells)?;
    let erased = relocation::erase_source(&arguments.receipt, &from, &to).await?;
    let text = format!(
        "every row was found in the new cell, and {} rows are erased in the former one",
        erased.rows
    );
    Ok(Outcome::worded(erased, text))
}

async fn restore(state: &Path, arguments: arguments::RestoreTenant) -> Result<Outcome> {
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
    let text = format!("{} is restored: {restored}", options.tenant);
    Ok(Outcome::worded(restored, text))
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
