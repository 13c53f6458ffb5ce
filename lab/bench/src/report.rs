//! The report of a run, with its targets.
//! The measurements are taken in `rounds` and shown in `tables`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::operation::{Dataset, Operation};
use super::tables;

/// The maximum of the components' p99 as a multiple of the native service's.
const LATENCY_TARGET: f64 = 2.0;
/// The maximum of the components' p50 as a share of the native service's, with the database a network away.
const DISTANT_LATENCY_TARGET: f64 = 0.2;
/// The maximum of the readers' p99 during sign-ins, as a multiple of their p99 alone.
const SIGN_INS_TARGET: f64 = 3.0;
/// The maximum latency with a hundred times as many rows, as a multiple.
const GROWTH_TARGET: f64 = 1.3;
/// The maximum time of the check that a lesson overlaps no other, in milliseconds.
const CONFLICT_TARGET: f64 = 1.0;
/// The maximum additional latency of a fresh instance, in milliseconds.
const FRESH_TARGET: f64 = 5.0;
/// The maximum memory of the host at the highest number of connections, in MB.
const MEMORY_TARGET: f64 = 300.0;
/// The maximum size of a component, and of the one with time zones, in bytes.
const WASM_TARGET: u64 = 1_500_000;
const WASM_TARGET_WITH_ZONES: u64 = 3_000_000;

/// The subject of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// The components on the embedded host.
    Components,
    /// The conventional native service.
    Native,
    /// The bare statement, sent by pgbench.
    Statement,
}

/// How far the database is from a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Distance {
    /// On the same machine.
    Nearby,
    /// A network away.
    Distant,
}

impl Subject {
    /// Returns the name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Native => "native",
            Self::Statement => "statement",
        }
    }
}

/// The measurement of one subject.
#[derive(Debug, Serialize)]
pub(super) struct Measurement {
    pub(super) operation: Operation,
    pub(super) connections: usize,
    pub(super) distance: Distance,
    pub(super) subject: Subject,
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p50_milliseconds: f64,
    pub(super) p99_milliseconds: f64,
    /// The round trips to the database, which are counted where it is a network away.
    pub(super) round_trips_per_request: Option<f64>,
    /// The CPU time of the service's process, which pgbench does not have.
    pub(super) cpu_seconds: Option<f64>,
    /// The CPU time of all PostgreSQL sessions.
    pub(super) postgres_cpu_seconds: f64,
    pub(super) peak_memory_megabytes: Option<f64>,
}

/// The latency of first requests to a fresh instance and of requests to a warm one.
#[derive(Debug, Serialize)]
pub(super) struct FreshInstance {
    pub(super) samples: usize,
    pub(super) fresh_p50_milliseconds: f64,
    pub(super) warm_p50_milliseconds: f64,
    pub(super) fresh_worst_milliseconds: f64,
}

/// The latency of an operation with few rows and with many.
#[derive(Debug, Serialize)]
pub(super) struct Growth {
    pub(super) operation: Operation,
    /// The plural noun for the rows.
    pub(super) rows: &'static str,
    pub(super) few: i32,
    pub(super) many: i32,
    pub(super) few_p50_milliseconds: f64,
    pub(super) many_p50_milliseconds: f64,
}

/// The results of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) postgresql: String,
    pub(super) processors: usize,
    pub(super) tenants: i64,
    pub(super) users: i64,
    /// How long each packet was held in each direction where the database was a network away.
    pub(super) database_delay_milliseconds: f64,
    pub(super) measurements: Vec<Measurement>,
    pub(super) growth: Vec<Growth>,
    /// The median time of an insert of a lesson with its checks, if the calendar was measured.
    pub(super) conflict_check_milliseconds: Option<f64>,
    pub(super) fresh_instance: FreshInstance,
    /// The host's memory while the highest number of connections read.
    pub(super) host_resident_megabytes: f64,
    /// The size of each component in bytes.
    pub(super) wasm_bytes: BTreeMap<String, u64>,
}

/// A target with the run's value.
#[derive(Debug, PartialEq)]
struct Target {
    description: String,
    value: String,
    met: bool,
}

impl Report {
    /// Formats the tables and the targets.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{}, {} processors, {} tenants, {} users\n",
            self.postgresql, self.processors, self.tenants, self.users,
        );
        if let Some(table) = tables::services(self, Distance::Distant) {
            let _ = writeln!(
                text,
                "\nWith the database {} ms away\n{table}",
                self.database_delay_milliseconds
            );
        }
        if let Some(table) = tables::services(self, Distance::Nearby) {
            let _ = writeln!(text, "\nWith the database on the same machine\n{table}");
        }
        let _ = writeln!(text, "\nWhat it took there\n{}\n", tables::resources(self));
        for target in self.targets() {
            let mark = if target.met { "met   " } else { "MISSED" };
            let _ = writeln!(text, "{mark}  {}: {}", target.description, target.value);
        }
        text
    }

    /// Returns the native service's measurement under the same load.
    pub(super) fn native(&self, line: &Measurement) -> Option<&Measurement> {
        self.line(
            line.operation,
            line.connections,
            line.distance,
            Subject::Native,
        )
    }

    fn line(
        &self,
        operation: Operation,
        connections: usize,
        distance: Distance,
        subject: Subject,
    ) -> Option<&Measurement> {
        self.measurements.iter().find(|line| {
            line.operation == operation
                && line.connections == connections
                && line.distance == distance
                && line.subject == subject
        })
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for line in &self.measurements {
            let native = self.native(line);
            if let (Subject::Components, Some(native)) = (line.subject, native) {
                targets.extend(line.targets(native));
            }
        }
        targets.extend(self.sign_in_targets());
        targets.extend(self.growth.iter().map(Growth::target));
        targets.extend(self.conflict_check_milliseconds.map(|milliseconds| Target {
            description: format!("a lesson is checked for overlaps within {CONFLICT_TARGET} ms"),
            value: format!("{milliseconds:.2} ms with its insert"),
            met: milliseconds < CONFLICT_TARGET,
        }));
        targets.extend(self.host_targets());
        targets
    }

    /// Returns the targets of readers during sign-ins, where they were measured alone, too.
    fn sign_in_targets(&self) -> impl Iterator<Item = Target> + '_ {
        let during = Operation::ListDuringSignIns;
        self.measurements
            .iter()
            .filter(move |line| line.operation == during && line.subject == Subject::Components)
            .filter_map(|line| {
                let alone = self.line(
                    Operation::ListUsers,
                    line.connections,
                    line.distance,
                    line.subject,
                )?;
                let multiple = line.p99_milliseconds / alone.p99_milliseconds;
                Some(Target {
                    description: format!(
                        "{}, {} connections: p99 at most {SIGN_INS_TARGET} times that of the list alone",
                        line.operation.name(),
                        line.connections
                    ),
                    value: format!(
                        "{multiple:.2} times ({:.1} and {:.1} ms)",
                        line.p99_milliseconds, alone.p99_milliseconds
                    ),
                    met: multiple <= SIGN_INS_TARGET,
                })
            })
    }

    /// Returns the targets of the host's memory and of the components' sizes.
    fn host_targets(&self) -> Vec<Target> {
        let later =
            self.fresh_instance.fresh_p50_milliseconds - self.fresh_instance.warm_p50_milliseconds;
        let mut targets = vec![
            Target {
                description: format!(
                    "a fresh instance responds within {FRESH_TARGET} ms of a warm one"
                ),
                value: format!("{later:.2} ms later"),
                met: later <= FRESH_TARGET,
            },
            Target {
                description: format!("the host uses less than {MEMORY_TARGET} MB"),
                value: format!("{:.0} MB", self.host_resident_megabytes),
                met: self.host_resident_megabytes < MEMORY_TARGET,
            },
        ];
        for (name, bytes) in &self.wasm_bytes {
            let max = if name == "academics" {
                WASM_TARGET_WITH_ZONES
            } else {
                WASM_TARGET
            };
            targets.push(Target {
                description: format!("{name}.wasm is smaller than {:.1} MB", max as f64 / 1e6),
                value: format!("{:.2} MB", *bytes as f64 / 1e6),
                met: *bytes < max,
            });
        }
        targets
    }
}

impl Measurement {
    /// Returns the targets of an operation, given the native service's measurement under the same load.
    fn targets(&self, native: &Measurement) -> Vec<Target> {
        match self.distance {
            Distance::Nearby => self.nearby_targets(native),
            Distance::Distant => self.distant_target(native).into_iter().collect(),
        }
    }

    fn distant_target(&self, native: &Measurement) -> Option<Target> {
        let is_measured = self.operation == Operation::GetUser && self.connections == 1;
        let share = self.p50_milliseconds / native.p50_milliseconds;
        is_measured.then(|| Target {
            description: format!(
                "{}, the database a network away: p50 at most {DISTANT_LATENCY_TARGET} of the native service's",
                self.operation.name()
            ),
            value: format!("{share:.2} times"),
            met: share <= DISTANT_LATENCY_TARGET,
        })
    }

    fn nearby_targets(&self, native: &Measurement) -> Vec<Target> {
        let mut targets = Vec::new();
        let name = self.operation.name();
        if let Some(min) = self.operation.rate_target(self.connections) {
            let share = self.requests_per_second / native.requests_per_second;
            targets.push(Target {
                description: format!(
                    "{name}, {} connections: requests/s at least {min} of the native service's",
                    self.connections
                ),
                value: format!("{share:.2} times"),
                met: share >= min,
            });
        }
        if let (Some(max), 1) = (self.operation.time_target(), self.connections) {
            targets.push(Target {
                description: format!("{name} within {max} ms"),
                value: format!("{:.1} ms", self.p50_milliseconds),
                met: self.p50_milliseconds < max,
            });
        }
        let is_alone = self.operation.background_load().is_none();
        if self.operation.dataset() == Dataset::Tenants && self.connections == 8 && is_alone {
            let multiple = self.p99_milliseconds / native.p99_milliseconds;
            targets.push(Target {
                description: format!(
                    "{name}, 8 connections: p99 at most {LATENCY_TARGET} times the native service's"
                ),
                value: format!("{multiple:.2} times"),
                met: multiple <= LATENCY_TARGET,
            });
        }
        targets
    }
}

impl Growth {
    fn target(&self) -> Target {
        let multiple = self.many_p50_milliseconds / self.few_p50_milliseconds;
        Target {
            description: format!(
                "{}: with {} {} at most {GROWTH_TARGET} times as long as with {}",
                self.operation.name(),
                self.many,
                self.rows,
                self.few
            ),
            value: format!(
                "{multiple:.2} times ({:.2} and {:.2} ms)",
                self.many_p50_milliseconds, self.few_p50_milliseconds
            ),
            met: multiple <= GROWTH_TARGET,
        }
    }
}
