//! Measures one operation at one number of connections, in short alternating rounds of each service, so that other activity
//! of the machine affects both. The load is generated in `load`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::client_account::ClientAccount;
use super::load::{self, Outcome};
use super::operation::{self, Operation, SignedIn};
use super::pgbench::Scripts;
use super::process;
use super::report::{Measurement, Subject};
use super::server::Server;

/// The load before a measurement, which prepares statements and fills caches.
const WARM_UP: Duration = Duration::from_millis(500);

/// The services and the database of a run.
pub(super) struct Bench {
    pub(super) components: Server,
    pub(super) native: Server,
    /// The database URL of the application's role.
    pub(super) database_url: String,
    pub(super) postmaster: u32,
    pub(super) rounds: u32,
    pub(super) time: Duration,
}

/// The sum of all rounds of one subject.
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
        accounts: &Arc<[SignedIn]>,
        connections: usize,
    ) -> Result<Vec<Measurement>> {
        let source = operation.source(accounts);
        let background = operation
            .background_load()
            .map_or_else(Vec::new, |(other, count)| {
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
            for position in 0..subjects.len() {
                // The services alternate in going first.
                let index = (position + round as usize) % subjects.len();
                let server = subjects[index].1;
                let cpu = process::cpu_seconds(server.process())?;
                let postgres_cpu = process::postgres_cpu_seconds(self.postmaster)?;
                let outcome = load::run_with_background_load(
                    server.address,
                    connections,
                    self.time,
                    &source,
                    &background,
                )
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

    /// Measures the components' median latency of each operation on one connection, in milliseconds.
    pub(super) async fn medians(
        &self,
        operations: &[Operation],
        client_accounts: &[ClientAccount],
    ) -> Result<Vec<f64>> {
        let accounts = operation::sign_in_all(&self.components, client_accounts).await?;
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

    /// Measures the host's memory at the end of a round of reads on this many connections.
    pub(super) async fn resident_memory(
        &self,
        accounts: &Arc<[SignedIn]>,
        connections: usize,
    ) -> Result<f64> {
        load::run(
            self.components.address,
            connections,
            self.time,
            &Operation::GetUser.source(accounts),
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
            let outcome = scripts
                .run(&self.database_url, connections, self.time)
                .await?;
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
