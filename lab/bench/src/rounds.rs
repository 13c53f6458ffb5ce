//! One operation at one number of connections: short rounds of each service in turn, so that whatever else the
//! machine does hits both, added up to one line each.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::load::{self, Outcome};
use super::operation::{self, Account, Operation};
use super::person::Person;
use super::process;
use super::report::{Measurement, Subject};
use super::server::Server;
use super::statement::Scripts;

/// Load before the measurement: connections are opened, statements prepared, caches filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// The services and the database that all lines share.
pub(super) struct Bench {
    pub(super) components: Server,
    pub(super) native: Server,
    /// As the application's role.
    pub(super) database: String,
    pub(super) postmaster: u32,
    pub(super) rounds: u32,
    pub(super) time: Duration,
}

/// What one subject has used and shown in all its rounds.
struct Total {
    outcome: Outcome,
    cpu: f64,
    postgres_cpu: f64,
}

impl Bench {
    /// Measures both services, round by round.
    pub(super) async fn services(
        &self,
        operation: Operation,
        accounts: &Arc<[Account]>,
        connections: usize,
    ) -> Result<Vec<Measurement>> {
        let source = operation.source(accounts);
        let others = operation.beside().map_or_else(Vec::new, |(other, count)| {
            vec![other.source(accounts); count]
        });
        let subjects = [
            (Subject::Components, &self.components),
            (Subject::Native, &self.native),
        ];
        let mut totals = [Total::new()?, Total::new()?];
        for (_, server) in subjects {
            load::run(server.address, connections, WARM_UP, &source).await?;
            process::reset_peak(server.process())?;
        }
        for round in 0..self.rounds {
            for turn in 0..subjects.len() {
                // Whoever was second begins the next round.
                let index = (turn + round as usize) % subjects.len();
                let server = subjects[index].1;
                let cpu = process::cpu_seconds(server.process())?;
                let postgres_cpu = process::postgres_cpu_seconds(self.postmaster)?;
                let outcome =
                    load::run_beside(server.address, connections, self.time, &source, &others)
                        .await?;
                let total = &mut totals[index];
                total.cpu += process::cpu_seconds(server.process())? - cpu;
                total.postgres_cpu +=
                    process::postgres_cpu_seconds(self.postmaster)? - postgres_cpu;
                total.outcome.add(&outcome)?;
            }
        }
        subjects
            .iter()
            .zip(totals)
            .map(|((subject, server), total)| {
                let mut line = total.line(operation, connections, *subject);
                line.cpu_seconds = Some(total.cpu);
                line.peak_memory_megabytes = Some(process::memory(server.process())?.peak);
                Ok(line)
            })
            .collect()
    }

    /// The components' median of each operation on one connection, in milliseconds.
    pub(super) async fn medians(
        &self,
        operations: &[Operation],
        people: &[Person],
    ) -> Result<Vec<f64>> {
        let accounts = operation::sign_in_all(&self.components, people).await?;
        let mut medians = Vec::with_capacity(operations.len());
        for operation in operations.iter().copied() {
            let source = operation.source(&accounts);
            load::run(self.components.address, 1, WARM_UP, &source).await?;
            let time = self.time * self.rounds;
            let outcome = load::run(self.components.address, 1, time, &source).await?;
            medians.push(outcome.latencies.quantile(0.5));
        }
        Ok(medians)
    }

    /// The host's memory at the end of a round of reading on so many connections.
    pub(super) async fn resident(
        &self,
        accounts: &Arc<[Account]>,
        connections: usize,
    ) -> Result<f64> {
        load::run(
            self.components.address,
            connections,
            self.time,
            &Operation::Get.source(accounts),
        )
        .await?;
        Ok(process::memory(self.components.process())?.resident)
    }

    /// Measures the bare statement for as long as each service was measured.
    pub(super) async fn statement(
        &self,
        operation: Operation,
        scripts: &Scripts,
        connections: usize,
    ) -> Result<Measurement> {
        let mut total = Total::new()?;
        for _ in 0..self.rounds {
            let postgres_cpu = process::postgres_cpu_seconds(self.postmaster)?;
            let outcome = scripts.run(&self.database, connections, self.time).await?;
            total.postgres_cpu += process::postgres_cpu_seconds(self.postmaster)? - postgres_cpu;
            total.outcome.add(&outcome)?;
        }
        Ok(total.line(operation, connections, Subject::Statement))
    }
}

impl Total {
    fn new() -> Result<Self> {
        Ok(Self {
            outcome: Outcome::empty()?,
            cpu: 0.0,
            postgres_cpu: 0.0,
        })
    }

    fn line(&self, operation: Operation, connections: usize, subject: Subject) -> Measurement {
        Measurement {
            operation,
            connections,
            subject,
            requests: self.outcome.latencies.count(),
            requests_per_second: self.outcome.rate(),
            p50_milliseconds: self.outcome.latencies.quantile(0.5),
            p99_milliseconds: self.outcome.latencies.quantile(0.99),
            cpu_seconds: None,
            postgres_cpu_seconds: self.postgres_cpu,
            peak_memory_megabytes: None,
        }
    }
}
