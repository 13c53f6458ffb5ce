//! `lms tenant move`: a tenant from one cell into another, in steps that are written down in both databases. Whoever runs it again goes on
//! where it stopped. docs/explanation/regions.md tells the steps; here is their order, and nothing of how rows are copied or compared.

mod cells;
mod confirm;
mod copy;
mod digest;
mod erase;
mod receipt;
mod record;
mod tables;
mod writers;

pub use cells::Cell;
pub(crate) use cells::{enter, identity, latest};
pub use confirm::{Forgotten, forget};
pub use receipt::Receipt;
pub(crate) use record::{freeze, has_move, seal, thaw};
pub use tables::{NOT_OF_A_TENANT, of_tenants};
pub(crate) use writers::wait_for_writers;

use anyhow::{Context, Result, bail, ensure};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use cells::Cells;
use record::{Direction, Move};

/// What the event log calls the changes of a move.
const REQUEST: &str = "move";

/// Which tenant is moved, and between which cells.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// Where it lives.
    pub from: Cell,
    /// Where it is to live.
    pub to: Cell,
}

/// Every state that a move passes through, in order, and whether the database it came from has it or the one it goes to.
pub const STATES: &[(&str, &str)] = &[
    ("out", "leaving"),
    ("in", "arrived"),
    ("in", "awaited"),
    ("out", "left"),
    ("in", "served"),
];

/// Moves a tenant, or goes on with a move that was interrupted, and returns the receipt.
///
/// # Errors
///
/// When a cell can't be reached or refuses, or the tenant can't be moved there. The tenant then lives where it lived, or, once the cell that it
/// leaves has written down that it has left, in the other; running it again goes on.
pub async fn run(options: &Options) -> Result<Receipt> {
    let mut cells = Cells::open(&options.from, &options.to).await?;
    let mut out = match begun(&cells, &options.tenant).await? {
        Some(out) => out,
        None => begin(&mut cells, options).await?,
    };
    check_same(&out.receipt, options, &cells)?;
    if out.state == "leaving" {
        let arrived = match Move::find(&cells.to, out.id).await? {
            Some(arrived) => arrived,
            None => arrive(&mut cells, &mut out, options).await?,
        };
        out.receipt = arrived.receipt;
        record::close(&mut cells.to, &out).await?;
        record::leave(&mut cells.from, &mut out).await?;
    }
    record::serve(&mut cells.to, &out).await?;
    Ok(out.receipt)
}

/// Gives a move up: what has arrived is erased there, and the tenant goes on where it lives.
///
/// # Errors
///
/// When no move is under way, or the tenant has left already.
pub async fn cancel(options: &Options) -> Result<()> {
    let mut cells = Cells::open(&options.from, &options.to).await?;
    let out = begun(&cells, &options.tenant)
        .await?
        .filter(|out| out.state == "leaving")
        .with_context(|| {
            format!(
                "no move of {} can be given up: none is under way, or the tenant has left already and lives at the other cell",
                options.tenant
            )
        })?;
    if Move::find(&cells.to, out.id).await?.is_some() {
        record::send_back(&mut cells.to, &out, &options.from.url).await?;
    }
    record::stay(&mut cells.from, &out).await
}

/// The move of a tenant out of its cell that has not come to its end.
async fn begun(cells: &Cells, slug: &str) -> Result<Option<Move>> {
    Move::under_way(&cells.from, Direction::Out, slug).await
}

/// An interrupted move goes on between the cells it began between.
fn check_same(receipt: &Receipt, options: &Options, cells: &Cells) -> Result<()> {
    ensure!(
        receipt.to.name == cells.to_name.name && receipt.from.name == cells.from_name.name,
        "a move of {} from {} to {} is under way: go on with that one, or give it up with --cancel",
        options.tenant,
        receipt.from.name,
        receipt.to.name
    );
    Ok(())
}

/// Checks what can be checked, and has the tenant be read only from now on.
async fn begin(cells: &mut Cells, options: &Options) -> Result<Move> {
    let slug = &options.tenant;
    let Some(tenant) = tenant::find(&cells.from, slug).await? else {
        bail!(
            "there is no tenant {slug} in the cell {}",
            cells.from_name.name
        );
    };
    if let Some(url) = record::home(&cells.from, tenant).await? {
        bail!(
            "the tenant {slug} lives at {url}, no longer in the cell {}",
            cells.from_name.name
        );
    }
    check_free(&cells.to, tenant, slug, &cells.to_name.name).await?;
    let receipt = Receipt::begin(Uuid::now_v7(), tenant, slug, cells, options);
    record::begin(&mut cells.from, receipt).await
}

/// Nothing at the target may be in the way: not the slug, and not rows that a former move has left behind.
async fn check_free(to: &Client, tenant: Uuid, slug: &str, cell: &str) -> Result<()> {
    match tenant::find(to, slug).await? {
        Some(there) if there == tenant => bail!(
            "the cell {cell} still has rows of {slug} from before it moved away: erase them first with `lms tenant forget`"
        ),
        Some(_) => bail!("the slug {slug} is taken in the cell {cell} by another tenant"),
        None => {}
    }
    let taken = to
        .query_opt(
            "-- moves.other_of_slug
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
        "the slug {slug} belongs to another tenant, which the cell {cell} sends to where it has moved"
    );
    let present = to
        .query_opt(
            "-- moves.slug_of_tenant
            select s.slug
            from lms_private.tenant_slugs as s
            where s.tenant_id = $1",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    match present {
        Some(row) => bail!(
            "the cell {cell} has the tenant {tenant} already, as {}",
            row.get::<_, String>(0)
        ),
        None => Ok(()),
    }
}

/// Waits until nobody writes any more, seals, copies everything and compares.
async fn arrive(cells: &mut Cells, out: &mut Move, options: &Options) -> Result<Move> {
    wait_for_writers(&cells.from).await?;
    record::seal(&mut cells.from, out.receipt.tenant_id).await?;
    copy::run(cells, out, &options.from.url)
        .await
        .with_context(|| format!("cannot copy {} to {}", options.tenant, out.receipt.to.name))
}
