//! `lms events verify`: the whole chain of a tenant, computed anew outside of the database.

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use database::tenant;
use tokio_postgres::Client;
use uuid::Uuid;

use super::chain::{BEGINNING, Break, Fault, Walk};
use super::heads::Heads;
use super::log::{Log, WINDOW};
use super::{known, still};
use crate::progress::Bar;

/// What was found of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tenant's slug; its id, when it is known from signed heads alone.
    pub tenant: String,
    /// How many events are sound, from the first one on.
    pub sound: i64,
    /// The first break.
    pub broken: Option<Break>,
    /// Whether the signed heads that it was compared with name the tenant; nothing, without such.
    pub signed: Option<bool>,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { tenant, sound, .. } = self;
        match &self.broken {
            Some(broken) => write!(formatter, "{tenant}: broken at {broken}"),
            None => write!(formatter, "{tenant}: {sound} events, the chain is whole"),
        }?;
        match self.signed {
            Some(false) => formatter.write_str("; the signed heads do not have this tenant"),
            Some(true) | None => Ok(()),
        }
    }
}

/// Verifies the tenant with a slug, or all, and compares them with signed heads if there are some.
///
/// # Errors
///
/// When the database cannot be read, or there is no such tenant: a broken chain is no error, but in a report.
pub async fn run(address: &str, slug: Option<&str>, heads: Option<&Heads>) -> Result<Vec<Report>> {
    let mut client = database::connect(address).await?;
    let tenants = match slug {
        Some(slug) => vec![(known(&client, slug).await?, slug.to_owned())],
        None => tenant::all(&client).await?,
    };
    let mut reports = Vec::new();
    for (tenant, slug) in &tenants {
        reports.push(one(&mut client, slug, *tenant, heads).await?);
    }
    if slug.is_none() {
        reports.extend(heads.into_iter().flat_map(|heads| lost(heads, &tenants)));
    }
    Ok(reports)
}

/// The tenants that the signed heads have and the database does not.
fn lost(heads: &Heads, tenants: &[(Uuid, String)]) -> Vec<Report> {
    heads
        .heads
        .iter()
        .filter(|head| head.position > 0)
        .filter(|head| !tenants.iter().any(|(tenant, _)| *tenant == head.tenant_id))
        .map(|head| Report {
            tenant: head.tenant_id.to_string(),
            sound: 0,
            broken: Some(Break {
                position: 1,
                fault: Fault::Missing,
            }),
            signed: Some(true),
        })
        .collect()
}

async fn one(
    client: &mut Client,
    slug: &str,
    tenant: Uuid,
    heads: Option<&Heads>,
) -> Result<Report> {
    tenant::seal_events(client, tenant).await?;
    let transaction = still(client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let signed = heads.map(|heads| heads.of(tenant));
    let head = log.head().await?;
    let promised = signed.flatten().map_or(0, |head| head.position);
    let end = log.last().await?.max(head.position).max(0);
    let mut checked = Checked {
        walk: Walk::behind(0, BEGINNING.to_vec()),
        signed: signed
            .flatten()
            .map(|head| (head.position, head.hash.as_str())),
        end: head.position,
        rewritten: false,
    };
    let mut broken = checked.windows(&log, slug, end).await?;
    if broken.is_none() && checked.walk.hash() != head.hash {
        broken = Some(Break {
            position: head.position,
            fault: Fault::Head,
        });
    }
    if broken.is_none() && end < promised {
        broken = Some(Break {
            position: end + 1,
            fault: Fault::Missing,
        });
    }
    Ok(Report {
        tenant: slug.to_owned(),
        sound: checked.walk.reached(),
        broken,
        signed: signed.map(|head| head.is_some()),
    })
}

/// A walk along the whole log, held against both ends that are known of it.
struct Checked<'a> {
    walk: Walk,
    /// Position and hash by the signed heads.
    signed: Option<(i64, &'a str)>,
    /// The position by `event_heads`.
    end: i64,
    rewritten: bool,
}

impl Checked<'_> {
    /// All windows up to the end of the log.
    async fn windows(&mut self, log: &Log<'_>, slug: &str, end: i64) -> Result<Option<Break>> {
        let mut bar = Bar::new(format!("verifying {slug}"), u64::try_from(end)?);
        loop {
            let before = self.walk.reached();
            let until = before.saturating_add(WINDOW).min(end);
            let broken = self.window(log, until).await?;
            bar.advance(u64::try_from(self.walk.reached() - before)?);
            if broken.is_some() {
                return Ok(broken);
            }
            if until == end {
                bar.done();
                return Ok(None);
            }
        }
    }

    async fn window(&mut self, log: &Log<'_>, until: i64) -> Result<Option<Break>> {
        let Self {
            walk,
            signed,
            end,
            rewritten,
        } = self;
        let mut surplus = None;
        let broken = log
            .walk(walk, until, |event| {
                if let Some((position, hash)) = signed
                    && event.position == *position
                {
                    *rewritten = super::chain::hex(&event.hash) != *hash;
                }
                if event.position > *end && surplus.is_none() {
                    surplus = Some(event.position);
                }
                Ok(())
            })
            .await?;
        let rewritten = rewritten.then(|| Break {
            position: signed.map_or(0, |(position, _)| position),
            fault: Fault::SignedHead,
        });
        let surplus = surplus.map(|position| Break {
            position,
            fault: Fault::Surplus,
        });
        Ok([broken, rewritten, surplus]
            .into_iter()
            .flatten()
            .min_by_key(|found| found.position))
    }
}

/// Walks the chain of a tenant up to a position, with a connection of its own.
pub(super) async fn sound_until(address: &str, tenant: Uuid, end: i64) -> Result<Option<Break>> {
    let mut client = database::connect(address).await?;
    let transaction = still(&mut client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let mut walk = Walk::behind(0, BEGINNING.to_vec());
    loop {
        let until = walk.reached().saturating_add(WINDOW).min(end);
        let broken = log.walk(&mut walk, until, |_| Ok(())).await?;
        if broken.is_some() || until == end {
            return Ok(broken);
        }
    }
}
