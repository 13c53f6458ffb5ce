//! Time zones as the database knows them. Their description in iCalendar form is in the component
//! `academics`.
//!
//! The database is the only source of the rules of time zones, so that components and SQL compute
//! the same times, and an upgrade of the database's zones renews both. A zone is read on its first
//! use and cached for a while, because reading one takes the database some milliseconds. Looking up
//! a zone is synchronous, and reading one is not: [`resolved`] runs the work, reads the missing
//! zones, and runs the work again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Display, Formatter};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use chrono::{
    DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone, Utc,
};
use serde::Deserialize;

/// The time for which a zone is cached.
const CACHE_TTL: TimeDelta = TimeDelta::minutes(10);
/// The maximum number of zones that are read at once.
const MAX_READ: usize = 16;
/// The maximum number of rounds of reading for one piece of work, which exceeds the number of
/// zones.
const MAX_ROUNDS: usize = 64;
/// The maximum length of a name that is looked up, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// The maximum offset from UTC, in seconds, with a margin.
const MAX_OFFSET_SECONDS: i64 = 26 * 3600;

/// A time zone and its changes of clocks.
///
/// It lives as long as the program, so that it can be copied like a number. There is one for each
/// zone that was looked up, and another one if the rules of its clocks have changed meanwhile.
#[derive(Clone, Copy)]
pub struct Zone(&'static Rules);

/// The rules of a zone, as the database returns them.
#[derive(Deserialize, PartialEq, Eq)]
struct Rules {
    name: String,
    /// The offset and the abbreviation before the first change.
    offset: i32,
    abbreviation: String,
    changes: Vec<(i64, i32, String)>,
}

/// A change of a zone's clocks, with the offset from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The instant, in UTC.
    pub at: NaiveDateTime,
    /// Seconds east of Greenwich before it.
    pub from: i32,
    /// Seconds east of Greenwich from it on.
    pub to: i32,
    /// The abbreviation from the change on, such as BST; a number if there is none.
    pub abbreviation: &'static str,
}

impl Zone {
    /// Returns its name in the IANA database.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// Returns the offset before the first change, in seconds east of Greenwich.
    pub fn first_offset(self) -> i32 {
        self.0.offset
    }

    /// Returns the abbreviation before the first change.
    pub fn first_abbreviation(self) -> &'static str {
        &self.0.abbreviation
    }

    /// Returns its known changes of clocks, in order.
    pub fn changes(self) -> impl Iterator<Item = Change> {
        let rules = self.0;
        rules
            .changes
            .iter()
            .enumerate()
            .filter_map(|(index, (at, to, abbreviation))| {
                Some(Change {
                    at: DateTime::from_timestamp(*at, 0)?.naive_utc(),
                    from: rules.offset_after(index),
                    to: *to,
                    abbreviation,
                })
            })
    }

    fn offset_of(self, seconds: i32) -> ZoneOffset {
        ZoneOffset {
            zone: self,
            seconds,
        }
    }
}

impl Rules {
    /// Returns the number of changes up to and including an instant.
    fn changes_until(&self, instant: i64) -> usize {
        self.changes.partition_point(|(at, ..)| *at <= instant)
    }

    /// Returns the offset after so many changes.
    fn offset_after(&self, changes: usize) -> i32 {
        changes
            .checked_sub(1)
            .and_then(|last| self.changes.get(last))
            .map_or(self.offset, |(_, offset, _)| *offset)
    }

    /// Returns true if `chrono` can compute with it.
    fn is_sound(&self) -> bool {
        let mut offsets = self.changes.iter().map(|(_, offset, _)| *offset);
        FixedOffset::east_opt(self.offset).is_some()
            && offsets.all(|offset| FixedOffset::east_opt(offset).is_some())
            && self
                .changes
                .is_sorted_by(|(one, ..), (other, ..)| one < other)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        std::ptr::eq(self.0, other.0) || self.0 == other.0
    }
}

impl Eq for Zone {}

impl Debug for Zone {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Display for Zone {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The offset of a zone from UTC at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    zone: Zone,
    seconds: i32,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        // Zones with other offsets are not accepted.
        FixedOffset::east_opt(self.seconds).unwrap_or_else(|| Utc.fix())
    }
}

impl Debug for ZoneOffset {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.fix(), formatter)
    }
}

impl Display for ZoneOffset {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.fix(), formatter)
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Zone {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let rules = self.0;
        let local = local.and_utc().timestamp();
        let near = rules.changes_until(local - MAX_OFFSET_SECONDS)
            ..=rules.changes_until(local + MAX_OFFSET_SECONDS);
        let mut fitting = near
            .filter(|changes| {
                let instant = local - i64::from(rules.offset_after(*changes));
                rules.changes_until(instant) == *changes
            })
            .map(|changes| self.offset_of(rules.offset_after(changes)));
        let Some(first) = fitting.next() else {
            return MappedLocalTime::None;
        };
        match fitting.next_back() {
            Some(last) if last != first => MappedLocalTime::Ambiguous(first, last),
            _ => MappedLocalTime::Single(first),
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        let changes = self.0.changes_until(utc.and_utc().timestamp());
        self.offset_of(self.0.offset_after(changes))
    }
}

/// The cached zones, with the time at which each was read.
type Cache = BTreeMap<String, (Zone, DateTime<Utc>)>;

static CACHE: RwLock<Cache> = RwLock::new(BTreeMap::new());

thread_local! {
    /// The zones that the running work has looked up and that were missing.
    static LOOKUPS: RefCell<Lookups> = RefCell::default();
}

#[derive(Default)]
struct Lookups {
    /// The names that have to be read.
    missing: BTreeSet<String>,
    /// The names that were read already and that the database does not know.
    unknown: BTreeSet<String>,
}

/// Returns the zone of a name, if there is one. A zone that has not been read yet is noted for
/// [`resolved`].
pub fn find(name: &str) -> Option<Zone> {
    let found = cached(name, Utc::now());
    if found.is_none() && is_possible(name) {
        LOOKUPS.with_borrow_mut(|lookups| {
            if lookups.missing.len() < MAX_READ && !lookups.unknown.contains(name) {
                lookups.missing.insert(name.to_owned());
            }
        });
    }
    found
}

/// Returns true if the database may know the name. It cannot store control characters.
fn is_possible(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control)
}

/// Runs work that looks up zones until no zone is missing that the database has. `read` queries the
/// database: for a JSON array of names it returns the result of `lms.time_zones`.
///
/// # Errors
///
/// The error of reading them.
pub async fn resolved<T, E>(
    read: impl AsyncFn(Vec<String>) -> Result<String, E>,
    work: impl Fn() -> T,
) -> Result<T, E> {
    let mut unknown = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let (outcome, missing) = run_once(&mut unknown, &work);
        if missing.is_empty() {
            return Ok(outcome);
        }
        let names: Vec<String> = missing.into_iter().collect();
        remember(&read(names.clone()).await?);
        let now = Utc::now();
        unknown.extend(names.into_iter().filter(|name| cached(name, now).is_none()));
    }
    Ok(work())
}

/// Runs work once, and returns its result with the names of zones that have to be read.
fn run_once<T>(unknown: &mut BTreeSet<String>, work: impl FnOnce() -> T) -> (T, BTreeSet<String>) {
    let before = LOOKUPS.replace(Lookups {
        missing: BTreeSet::new(),
        unknown: std::mem::take(unknown),
    });
    let outcome = work();
    let lookups = LOOKUPS.replace(before);
    *unknown = lookups.unknown;
    (outcome, lookups.missing)
}

/// Runs work once, and returns its result with true if it looked up zones that have to be read
/// first.
pub fn attempt<T>(work: impl FnOnce() -> T) -> (T, bool) {
    let (outcome, missing) = run_once(&mut BTreeSet::new(), work);
    (outcome, !missing.is_empty())
}

/// Stores zones in the cache, as `lms.time_zones` returns them.
pub fn remember(zones: &str) {
    let zones: Vec<Rules> = serde_json::from_str(zones).unwrap_or_default();
    let now = Utc::now();
    let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    for rules in zones.into_iter().filter(Rules::is_sound) {
        let same = cache
            .get(&rules.name)
            .map(|(zone, _)| *zone)
            .filter(|zone| *zone.0 == rules);
        let name = rules.name.clone();
        let zone = same.unwrap_or_else(|| Zone(Box::leak(Box::new(rules))));
        cache.insert(name, (zone, now));
    }
}

/// Returns the zone of a name, if it was read recently.
fn cached(name: &str, now: DateTime<Utc>) -> Option<Zone> {
    let cache: RwLockReadGuard<'_, Cache> = CACHE.read().unwrap_or_else(PoisonError::into_inner);
    cache
        .get(name)
        .filter(|(_, read_at)| (now - *read_at).abs() < CACHE_TTL)
        .map(|(zone, _)| *zone)
}

#[cfg(test)]
mod tests;
