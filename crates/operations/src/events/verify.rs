//! Verifying the whole chain of a tenant (`lms events verify`), computed outside of the database.
//! The check of a single event lives in `chain`.

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use database::tenant;
use serde::Serialize;
use tokio_postgres::Client;
use uuid::Uuid;

use super::chain::{Break, Fault, Walk, ZERO_HASH};
use super::heads::Heads;
use super::log::{Log, POSITIONS_PER_WINDOW};
use super::snapshot::{begin_snapshot, find_tenant};
use crate::progress::Bar;

/// The result for one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The tenant's slug, or its id when only the signed heads have the tenant.
    pub tenant: String,
    /// The number of intact events, from the first one on.
    #[serde(rename = "intact_events")]
    pub intact: i64,
    /// The first break.
    pub broken: Option<Break>,
    /// True when the signed heads have the tenant; none when there are no signed heads.
    pub signed: Option<bool>,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { tenant, intact, .. } = self;
        match &self.broken {
            Some(broken) => write!(formatter, "{tenant}: broken at {broken}"),
            None => write!(formatter, "{tenant}: the chain is intact, events: {intact}"),
        }?;
        match self.signed {
            Some(false) => formatter.write_str("; the signed heads do not have this tenant"),
            Some(true) | None => Ok(()),
        }
    }
}

/// Verifies the tenant with a slug, or all tenants, and compares them with signed heads if there are any.
///
/// # Errors
///
/// When the database cannot be read, or there is no such tenant. A broken chain is in a report, and not an error.
pub async fn run(
    database_url: &str,
    slug: Option<&str>,
    heads: Option<&Heads>,
) -> Result<Vec<Report>> {
    let mut client = database::connect(database_url).await?;
    let tenants = match slug {
        Some(slug) => vec![(find_tenant(&client, slug).await?, slug.to_owned())],
        None => tenant::all(&client).await?,
    };
    let mut reports = Vec::new();
    for (tenant, slug) in &tenants {
        reports.push(verify_tenant(&mut client, slug, *tenant, heads).await?);
    }
    if slug.is_none() {
        reports.extend(
            heads
                .into_iter()
                .flat_map(|heads| missing_tenants(heads, &tenants)),
        );
    }
    Ok(reports)
}

/// A report for each tenant that the signed heads have and the database does not have.
fn missing_tenants(heads: &Heads, tenants: &[(Uuid, String)]) -> Vec<Report> {
    heads
        .heads
        .iter()
        .filter(|head| head.position > 0)
        .filter(|head| !tenants.iter().any(|(tenant, _)| *tenant == head.tenant_id))
        .map(|head| Report {
            tenant: head.tenant_id.to_string(),
            intact: 0,
            broken: Some(Break {
                position: 1,
                fault: Fault::Missing,
            }),
            signed: Some(true),
        })
        .collect()
}

async fn verify_tenant(
    client: &mut Client,
    slug: &str,
    tenant: Uuid,
    heads: Option<&Heads>,
) -> Result<Report> {
    tenant::seal_events(client, tenant).await?;
    let transaction = begin_snapshot(client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let signed = heads.map(|heads| heads.of(tenant));
    let head = log.head().await?;
    let signed_position = signed.flatten().map_or(0, |head| head.position);
    let end = log.last().await?.max(head.position).max(0);
    let mut verification = Verification {
        walk: Walk::after(0, ZERO_HASH.to_vec()),
        signed: signed
            .flatten()
            .map(|head| (head.position, head.hash.as_str())),
        end: head.position,
        rewritten: false,
    };
    let mut broken = verification.windows(&log, slug, end).await?;
    if broken.is_none() && verification.walk.hash() != head.hash {
        broken = Some(Break {
            position: head.position,
            fault: Fault::Head,
        });
    }
    if broken.is_none() && end < signed_position {
        broken = Some(Break {
            position: end + 1,
            fault: Fault::Missing,
        });
    }
    Ok(Report {
        tenant: slug.to_owned(),
        intact: verification.walk.reached(),
        broken,
        signed: signed.map(|head| head.is_some()),
    })
}

/// A walk along the whole log, compared with the signed head and with `event_heads`.
struct Verification<'a> {
    walk: Walk,
    /// The position and hash of the signed head.
    signed: Option<(i64, &'a str)>,
    /// The position in `event_heads`.
    end: i64,
    /// True when the event at the signed position has another hash.
    rewritten: bool,
}

impl Verification<'_> {
    /// Verifies all windows up to the end of the log.
    async fn windows(&mut self, log: &Log<'_>, slug: &str, end: i64) -> Result<Option<Break>> {
        let mut bar = Bar::new(format!("verifying {slug}"), u64::try_from(end)?);
        loop {
            let before = self.walk.reached();
            let until = before.saturating_add(POSITIONS_PER_WINDOW).min(end);
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
                    *rewritten = hex::encode(&event.hash) != *hash;
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

/// Verifies the chain of a tenant up to a position, on a connection of its own.
pub(super) async fn find_break(
    database_url: &str,
    tenant: Uuid,
    end: i64,
) -> Result<Option<Break>> {
    let mut client = database::connect(database_url).await?;
    let transaction = begin_snapshot(&mut client, tenant, true).await?;
    let log = Log::open(&transaction, tenant).await?;
    let mut walk = Walk::after(0, ZERO_HASH.to_vec());
    loop {
        let until = walk.reached().saturating_add(POSITIONS_PER_WINDOW).min(end);
        let broken = log.walk(&mut walk, until, |_| Ok(())).await?;
        if broken.is_some() || until == end {
            return Ok(broken);
        }
    }
}
