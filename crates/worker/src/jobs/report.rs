//! The report on a round, and its printed form.
//! The report on deliveries lives in `queue::report`.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::extension::Extended;

/// The report on a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The number of classes that were extended.
    pub classes: usize,
    /// The number of occurrences that were added without a clash.
    pub occurrences: usize,
    /// Occurrences that cannot take place.
    pub clashes: Vec<Clash>,
    /// Classes with lessons to come that are no longer at the time of their schedule.
    pub outdated_lessons: Vec<OutdatedLessons>,
    /// Classes that could not be extended, and requests that could not be escalated.
    pub failed: Vec<Failure>,
    /// Requests that were escalated.
    pub escalated: Vec<Escalation>,
    /// The number of overdue loans of which people were reminded.
    pub reminded: u64,
    /// The number of deleted rows that were removed for good, not counting the rows that depended on them.
    pub removed: u64,
    /// Tables whose deleted rows could not be removed.
    pub not_removed: Vec<NotRemoved>,
    /// The number of partitions of the event log that were created.
    pub partitions: i32,
}

/// An occurrence that was cancelled because its tutor, a student or its room is already booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clash {
    /// The slug of its tenant.
    pub tenant: String,
    /// Its class.
    pub class: Uuid,
    /// Its planned start.
    pub start: DateTime<Utc>,
}

/// A class with lessons that were planned by rules of its time zone that have changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutdatedLessons {
    /// The slug of its tenant.
    pub tenant: String,
    /// The class.
    pub class: Uuid,
    /// The number of these lessons.
    pub lessons: i64,
    /// The start of the first one.
    pub first: DateTime<Utc>,
}

/// A request that was escalated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Escalation {
    /// The slug of its tenant.
    pub tenant: String,
    /// Its number.
    pub number: i64,
    /// Its new priority.
    pub priority: String,
    /// True when it is assigned to somebody.
    pub is_assigned: bool,
}

/// A class that could not be extended, or a request that could not be escalated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The slug of its tenant.
    pub tenant: String,
    /// The noun: class or request.
    pub what: &'static str,
    /// Its id.
    pub id: Uuid,
    /// The failure and its reason, in one line.
    pub reason: String,
}

/// A table whose deleted rows of a tenant could not be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRemoved {
    /// The slug of the tenant.
    pub tenant: String,
    /// The table.
    pub table: String,
    /// The reason, in one line.
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

    /// Returns whether anything could not be done.
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty() || !self.not_removed.is_empty()
    }

    /// Returns whether there was nothing to do.
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
        if self.partitions > 0 {
            write!(
                out,
                ", partitions of the event log created: {}",
                self.partitions
            )?;
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
        for class in &self.outdated_lessons {
            write!(
                out,
                "\n  tenant {}, class {}: {} lessons from {} on are not at the time of its schedule, because the rules of its time zone have changed; save the schedule again",
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
                "\n  tenant {}, {}: deleted rows were not removed: {}",
                table.tenant, table.table, table.reason
            )?;
        }
        for escalation in &self.escalated {
            let assignment = if escalation.is_assigned {
                ""
            } else {
                ", not assigned"
            };
            write!(
                out,
                "\n  tenant {}, request {}: overdue, priority {}{assignment}",
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
    fn a_report_has_a_line_for_each_thing_that_needs_attention() {
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
        report.partitions = 1;
        assert!(!report.is_empty() && report.has_failures());
        assert_eq!(
            report.to_string(),
            "classes extended: 1, occurrences added: 3, reminders of loans: 2, \
             deleted rows removed for good: 5, partitions of the event log created: 1\n  \
             tenant acme, class 00000000-0000-0000-0000-000000000000: 2026-09-07T15:00:00Z is cancelled, it clashes with another class\n  \
             tenant acme, class 00000000-0000-0000-0000-000000000000: not extended: broken\n  \
             tenant acme, students: deleted rows were not removed: locked\n  \
             tenant acme, request 7: overdue, priority high\n  \
             tenant acme, request 7: overdue, priority high, not assigned"
        );
    }
}
