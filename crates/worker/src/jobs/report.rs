//! What a round did, and how it is printed.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::extension::Extended;

/// What a round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many classes have got further occurrences.
    pub classes: usize,
    /// How many occurrences that are, those that clash left out.
    pub occurrences: usize,
    /// Occurrences that can't take place.
    pub clashes: Vec<Clash>,
    /// Classes with lessons to come that are not at the time of their schedule any more.
    pub off_the_clock: Vec<OffTheClock>,
    /// Classes and requests that could not be done.
    pub failed: Vec<Failure>,
    /// Requests that are overdue.
    pub escalated: Vec<Escalation>,
    /// How many overdue loans people were reminded of.
    pub reminded: u64,
    /// How many rows were removed that had been deleted long ago, what went with them not counted.
    pub removed: u64,
    /// Tables of which such rows could not be removed.
    pub not_removed: Vec<NotRemoved>,
    /// How many of the event log's months were made.
    pub months: i32,
}

/// An occurrence that was cancelled because somebody or something in it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The slug of its tenant.
    pub tenant: String,
    /// Its class.
    pub class: Uuid,
    /// When it was to start.
    pub start: DateTime<Utc>,
}

/// A class with lessons that were planned by rules which the clocks of its zone have no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffTheClock {
    /// The slug of its tenant.
    pub tenant: String,
    /// The class.
    pub class: Uuid,
    /// How many lessons these are.
    pub lessons: i64,
    /// When the first of them is to start.
    pub first: DateTime<Utc>,
}

/// A request that was escalated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// The slug of its tenant.
    pub tenant: String,
    /// Its number.
    pub number: i64,
    /// Its priority from now on.
    pub priority: String,
    /// Whether somebody is to work on it.
    pub is_assigned: bool,
}

/// A class or a request that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The slug of its tenant.
    pub tenant: String,
    /// What it is: a class or a request.
    pub what: &'static str,
    /// Its id.
    pub id: Uuid,
    /// What was not done and why, in one line.
    pub reason: String,
}

/// A table of a tenant of which deleted rows could not be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRemoved {
    /// The slug of the tenant.
    pub tenant: String,
    /// The table.
    pub table: String,
    /// Why, in one line.
    pub reason: String,
}

impl Report {
    pub(crate) fn add(&mut self, tenant: &str, class: Uuid, extended: Extended) {
        self.classes += 1;
        self.occurrences += extended.added;
        let clashes = extended.clashes.into_iter().map(|start| Clash {
            tenant: tenant.to_owned(),
            class,
            start,
        });
        self.clashes.extend(clashes);
    }

    /// Whether something could not be done.
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty() || !self.not_removed.is_empty()
    }

    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Report::default()
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "classes extended: {}, occurrences added: {}",
            self.classes, self.occurrences
        )?;
        if self.reminded > 0 {
            write!(out, ", reminders of loans: {}", self.reminded)?;
        }
        if self.removed > 0 {
            write!(out, ", deleted rows removed for good: {}", self.removed)?;
        }
        if self.months > 0 {
            write!(out, ", months of the event log made: {}", self.months)?;
        }
        for clash in &self.clashes {
            write!(
                out,
                "\n  tenant {}, class {}: {} is cancelled, it clashes with another class",
                clash.tenant,
                clash.class,
                clash.start.format("%Y-%m-%dT%H:%M:%SZ")
            )?;
        }
        for class in &self.off_the_clock {
            write!(
                out,
                "\n  tenant {}, class {}: {} lessons from {} on are not at the time of its schedule, because its zone has other rules now; save the schedule again",
                class.tenant,
                class.class,
                class.lessons,
                class.first.format("%Y-%m-%dT%H:%M:%SZ")
            )?;
        }
        for failure in &self.failed {
            write!(
                out,
                "\n  tenant {}, {} {}: {}",
                failure.tenant, failure.what, failure.id, failure.reason
            )?;
        }
        for table in &self.not_removed {
            write!(
                out,
                "\n  tenant {}, {}: deleted rows are not removed: {}",
                table.tenant, table.table, table.reason
            )?;
        }
        for escalation in &self.escalated {
            let whose = if escalation.is_assigned {
                ""
            } else {
                ", assigned to nobody"
            };
            write!(
                out,
                "\n  tenant {}, request {}: overdue, priority {}{whose}",
                escalation.tenant, escalation.number, escalation.priority
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_line_for_each_thing_that_somebody_should_look_at() {
        let mut report = Report::default();
        assert!(report.is_empty());
        report.add(
            "acme",
            Uuid::nil(),
            Extended {
                added: 3,
                clashes: vec!["2026-09-07T15:00:00Z".parse().unwrap()],
            },
        );
        report.failed.push(Failure {
            tenant: "acme".to_owned(),
            what: "class",
            id: Uuid::nil(),
            reason: "not extended: broken".to_owned(),
        });
        for is_assigned in [true, false] {
            report.escalated.push(Escalation {
                tenant: "acme".to_owned(),
                number: 7,
                priority: "high".to_owned(),
                is_assigned,
            });
        }
        report.not_removed.push(NotRemoved {
            tenant: "acme".to_owned(),
            table: "students".to_owned(),
            reason: "locked".to_owned(),
        });
        report.reminded = 2;
        report.removed = 5;
        report.months = 1;
        assert!(!report.is_empty() && report.has_failures());
        assert_eq!(
            report.to_string(),
            "classes extended: 1, occurrences added: 3, reminders of loans: 2, \
             deleted rows removed for good: 5, months of the event log made: 1\n  \
             tenant acme, class 00000000-0000-0000-0000-000000000000: 2026-09-07T15:00:00Z is cancelled, it clashes with another class\n  \
             tenant acme, class 00000000-0000-0000-0000-000000000000: not extended: broken\n  \
             tenant acme, students: deleted rows are not removed: locked\n  \
             tenant acme, request 7: overdue, priority high\n  \
             tenant acme, request 7: overdue, priority high, assigned to nobody"
        );
    }
}
