//! Relocating a tenant from one cell to another (`lms tenant move`), in steps that both databases record. Running it again resumes it.
//! The order of the steps is here, and docs/explanation/regions.md explains it; the steps live in `steps`, and copying in `copy`.

mod cells;
mod confirm;
mod copy;
mod digest;
mod erase;
mod read_only;
mod receipt;
mod record;
mod state;
mod steps;
mod tables;
mod writers;

pub use cells::{Cell, Options};
pub(crate) use cells::{enter, identity, latest_migration};
pub use confirm::{Erased, erase_source};
pub(crate) use read_only::{clear_read_only, set_read_only};
pub use receipt::{CellReference, Receipt};
pub(crate) use record::has_relocation;
pub use state::{Direction, RelocationState};
pub(crate) use steps::seal;
pub use tables::{CELL_TABLES, tenant_tables};
pub(crate) use writers::wait_for_writers;

use anyhow::{Context, Result, bail, ensure};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use cells::Cells;
use read_only::new_home;
use record::Relocation;

/// Relocates a tenant, or resumes an interrupted relocation, and returns the receipt.
///
/// # Errors
///
/// When a cell cannot be reached or rejects a statement, or the tenant cannot be relocated there. The tenant then lives in the source, or,
/// after the switch, in the target; running it again resumes it.
pub async fn run(options: &Options) -> Result<Receipt> {
    let mut cells = Cells::open(&options.from, &options.to).await?;
    let mut relocation = match begun(&cells, &options.tenant).await? {
        Some(relocation) => relocation,
        None => begin(&mut cells, options).await?,
    };
    check_cells(&relocation.receipt, options, &cells)?;
    if relocation.state == RelocationState::SourceReadOnly {
        let copied = match Relocation::find(&cells.to, relocation.id).await? {
            Some(copied) => copied,
            None => copy_rows(&mut cells, &mut relocation, options).await?,
        };
        relocation.receipt = copied.receipt;
        steps::make_target_ready(&mut cells.to, &relocation).await?;
        steps::switch(&mut cells.from, &mut relocation).await?;
    }
    steps::activate(&mut cells.to, &relocation).await?;
    Ok(relocation.receipt)
}

/// Cancels a relocation: the copy at the target is erased, and the tenant stays in the source.
///
/// # Errors
///
/// When no relocation has begun, or it has already switched.
pub async fn cancel(options: &Options) -> Result<()> {
    let mut cells = Cells::open(&options.from, &options.to).await?;
    let relocation = begun(&cells, &options.tenant)
        .await?
        .filter(|relocation| relocation.state == RelocationState::SourceReadOnly)
        .with_context(|| {
            format!(
                "no relocation of {} can be cancelled: none has begun, or the tenant already lives in the other cell",
                options.tenant
            )
        })?;
    if Relocation::find(&cells.to, relocation.id).await?.is_some() {
        steps::discard_copy(&mut cells.to, &relocation, &options.from.url).await?;
    }
    steps::cancel(&mut cells.from, &relocation).await
}

/// The relocation of a tenant out of the source, unless the source has been erased since.
async fn begun(cells: &Cells, slug: &str) -> Result<Option<Relocation>> {
    Relocation::last(&cells.from, Direction::Out, slug).await
}

/// Rejects other cells than those of the interrupted relocation.
fn check_cells(receipt: &Receipt, options: &Options, cells: &Cells) -> Result<()> {
    ensure!(
        receipt.to.name == cells.to_cell.name && receipt.from.name == cells.from_cell.name,
        "a relocation of {} from {} to {} has begun: resume that one, or cancel it with --cancel",
        options.tenant,
        receipt.from.name,
        receipt.to.name
    );
    Ok(())
}

/// Checks that the tenant can be relocated, and makes it read-only.
async fn begin(cells: &mut Cells, options: &Options) -> Result<Relocation> {
    let slug = &options.tenant;
    let Some(tenant) = tenant::find(&cells.from, slug).await? else {
        bail!(
            "there is no tenant {slug} in the cell {}",
            cells.from_cell.name
        );
    };
    if let Some(url) = new_home(&cells.from, tenant).await? {
        bail!(
            "the tenant {slug} lives at {url}, and no longer in the cell {}",
            cells.from_cell.name
        );
    }
    check_target(&cells.to, tenant, slug, &cells.to_cell.name).await?;
    let receipt = Receipt::begin(Uuid::now_v7(), tenant, slug, cells, options);
    steps::begin(&mut cells.from, receipt).await
}

/// Rejects a target in which the slug is taken, or which still has rows of the tenant from before an earlier relocation.
async fn check_target(to: &Client, tenant: Uuid, slug: &str, cell: &str) -> Result<()> {
    match tenant::find(to, slug).await? {
        Some(there) if there == tenant => bail!(
            "the cell {cell} still has rows of {slug} from before an earlier relocation: erase them first with `lms tenant forget`"
        ),
        Some(_) => bail!("the slug {slug} is taken in the cell {cell} by another tenant"),
        None => {}
    }
    let taken = to
        .query_opt(
            "-- relocation.other_of_slug
            select a.tenant_id
            from lms_private.relocated_tenants as a
            where a.slug = $1
              and a.tenant_id <> $2",
            &[&slug, &tenant],
        )
        .await
        .map_err(explain)?;
    ensure!(
        taken.is_none(),
        "the slug {slug} belongs to another tenant, whose clients the cell {cell} redirects to its new home"
    );
    let present = to
        .query_opt(
            "-- relocation.slug_of_tenant
            select s.slug
            from lms_private.tenant_slugs as s
            where s.tenant_id = $1",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    match present {
        Some(row) => bail!(
            "the cell {cell} already has the tenant {tenant}, as {}",
            row.get::<_, String>(0)
        ),
        None => Ok(()),
    }
}

/// Waits until no transaction writes any more, seals the events, copies all rows and compares them.
async fn copy_rows(
    cells: &mut Cells,
    relocation: &mut Relocation,
    options: &Options,
) -> Result<Relocation> {
    wait_for_writers(&cells.from).await?;
    steps::seal(&mut cells.from, relocation.receipt.tenant_id).await?;
    let target = relocation.receipt.to.name.clone();
    copy::run(cells, relocation, &options.from.url)
        .await
        .with_context(|| format!("cannot copy {} to {target}", options.tenant))
}
