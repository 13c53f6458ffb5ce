//! Telling webhooks of events: what is sealed in the log becomes a queue for each webhook, and the queue is posted.
//!
//! A delivery is taken, posted and recorded as one of a notification is (see [`crate::delivery`]): for a time, outside of any
//! transaction, under an id that stays the same. What differs is who is at the other end. There are many receivers, which their
//! tenants choose and nobody looks after, so one worker serves them all side by side, a few messages of each at a time.

mod message;
mod queue;
mod receiver;
mod signature;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio_postgres::Client;
use uuid::Uuid;

pub use receiver::{Options, Sender};

use crate::delivery;
use crate::delivery::outcome::Schedule;
use crate::delivery::{PAUSE, Report};
use message::{Answer, Delivery};

/// That of the specification, over three days.
const SCHEDULE: Schedule = Schedule {
    waits: &[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    parts: 0.9..=1.1,
    longest: Duration::from_secs(24 * 3600),
};

/// What is delivered here.
const WHAT: &str = "webhook messages";

/// How many messages a worker has under way to one webhook.
const AT_ONCE: usize = 4;

/// How many it has under way to all of them. A message that is under way costs little.
const AT_ONCE_IN_ALL: usize = 256;

/// How often it is said what was delivered, when there is no end of it.
const TOLD_AFTER: Duration = Duration::from_secs(60);

/// Delivers for ever. A database that is away is asked again.
pub async fn work(address: &str, sender: &Sender) {
    loop {
        let error = match database::connect(address).await {
            Ok(mut client) => work_until_it_fails(&mut client, sender).await,
            Err(error) => error,
        };
        delivery::rest("webhooks", &error).await;
    }
}

async fn work_until_it_fails(client: &mut Client, sender: &Sender) -> Error {
    let mut round = Round::new(sender, Utc::now());
    let (mut report, mut told) = (Report::new(WHAT), Instant::now());
    loop {
        match round.go_on(client).await {
            Ok(further) => report.merge(further),
            Err(error) => return error,
        }
        if round.is_idle || told.elapsed() >= TOLD_AFTER {
            if !report.is_empty() {
                delivery::say(&report.to_string());
            }
            (report, told) = (Report::new(WHAT), Instant::now());
        }
        if round.is_idle {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Delivers everything that is due at a time, and what becomes due meanwhile.
///
/// # Errors
///
/// When the database fails; what was under way is then posted again in time.
pub async fn round(address: &str, sender: &Sender, now: DateTime<Utc>) -> Result<Report> {
    let mut client = database::connect(address).await?;
    let mut round = Round::new(sender, now);
    let mut report = Report::new(WHAT);
    loop {
        report.merge(round.go_on(&mut client).await?);
        if round.is_idle {
            return Ok(report);
        }
    }
}

/// What a worker is at.
struct Round<'a> {
    sender: &'a Sender,
    begun: DateTime<Utc>,
    clock: Instant,
    under_way: FuturesUnordered<BoxFuture<'a, (Delivery, Answer)>>,
    /// How many of those are of which webhook.
    counts: HashMap<Uuid, usize>,
    /// Whether there was nothing to post and nothing under way when it last looked.
    is_idle: bool,
    /// The webhooks whose last attempt failed: they get one message at a time until they take one.
    failing: HashSet<Uuid>,
}

impl<'a> Round<'a> {
    fn new(sender: &'a Sender, now: DateTime<Utc>) -> Self {
        Self {
            sender,
            begun: now,
            clock: Instant::now(),
            under_way: FuturesUnordered::new(),
            counts: HashMap::new(),
            is_idle: false,
            failing: HashSet::new(),
        }
    }

    /// The time, which went on since the beginning.
    fn now(&self) -> DateTime<Utc> {
        self.begun + TimeDelta::from_std(self.clock.elapsed()).unwrap_or_default()
    }

    /// Queues and takes what there is, waits for an answer, but not so long that others wait too, and records what was answered.
    async fn go_on(&mut self, client: &mut Client) -> Result<Report> {
        queue::fill(client, self.now()).await?;
        self.take(client).await?;
        self.is_idle = self.under_way.is_empty();
        let mut report = Report::new(WHAT);
        let mut answered = tokio::time::timeout(PAUSE, self.under_way.next())
            .await
            .unwrap_or_default();
        while let Some((delivery, answer)) = answered {
            self.settle(client, &delivery, answer, &mut report).await?;
            // Whatever else has been answered by now.
            answered = futures::FutureExt::now_or_never(self.under_way.next()).flatten();
        }
        Ok(report)
    }

    /// Begins to post what is due, as far as there is room.
    async fn take(&mut self, client: &mut Client) -> Result<()> {
        let now = self.now();
        let busy: Vec<Uuid> = self
            .counts
            .keys()
            .filter(|webhook| self.room(**webhook) == 0)
            .copied()
            .collect();
        for webhook in queue::due(client, now, &busy).await? {
            let left = AT_ONCE_IN_ALL.saturating_sub(self.under_way.len());
            let most = i64::try_from(self.room(webhook.id).min(left))?;
            if most == 0 {
                continue;
            }
            let lease = self.sender.longest() * 2;
            for delivery in queue::take(client, webhook, now, most, lease).await? {
                *self.counts.entry(webhook.id).or_default() += 1;
                let (sender, now) = (self.sender, self.now());
                self.under_way.push(Box::pin(async move {
                    let answer = sender.post(&delivery, now).await;
                    (delivery, answer)
                }));
            }
        }
        Ok(())
    }

    /// How many more messages may be under way to a webhook.
    fn room(&self, webhook: Uuid) -> usize {
        let most = match self.failing.contains(&webhook) {
            true => 1,
            false => AT_ONCE,
        };
        most.saturating_sub(self.counts.get(&webhook).copied().unwrap_or_default())
    }

    /// Records what was answered.
    async fn settle(
        &mut self,
        client: &mut Client,
        delivery: &Delivery,
        answer: Answer,
        report: &mut Report,
    ) -> Result<()> {
        let webhook = delivery.webhook.id;
        if let Some(count) = self.counts.get_mut(&webhook) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&webhook);
            }
        }
        let verdict = answer.outcome.clone().verdict(delivery.attempt, &SCHEDULE);
        match verdict {
            delivery::outcome::Verdict::Sent(_) => self.failing.remove(&webhook),
            _ => self.failing.insert(webhook),
        };
        queue::record(client, delivery, &answer, &verdict, self.now()).await?;
        report.add(&verdict);
        Ok(())
    }
}
