//! Measures one operation at one number of connections, in short alternating rounds of each service, so that other activity
//! of the machine affects both. The load is generated in `load`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::client_account::{ClientAccount, SignedIn};
use super::load::{self, Outcome};
use super::operation::{self, Operation};
use super::pgbench::Scripts;
use super::process;
use super::report::{Distance, Measurement, Subject};
use super::server::{Services, Settings};

/// The load before a measurement, which prepares statements and fills caches.
const WARM_UP: Duration = Duration::from_millis(500);

/// The services and the database of a run.
pub(super) struct Bench {
    pub(super) nearby: Services,
    /// How further services are started.
    pub(super) settings: Settings,
    /// How long each packet is held in each direction where the database is a network away.
    pub(super) database_delay: Duration,
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
    /// The round trips of a service whose database is a network away.
    round_trips: Option<u64>,
}

impl Bench {
    /// Starts the services with their database a network away, if the operation is measured there. They run only meanwhile,
    /// because both hold connections to the same database.
    pub(super) async fn distant_services(&self, operation: Operation) -> Result<Option<Services>> {
        if !operation.is_measured_at_a_distance() {
            return Ok(None);
        }
        let services = Services::start(&self.settings, Some(self.database_delay)).await?;
        Ok(Some(services))
    }

    /// Measures all services, round by round.
    pub(super) async fn services(
        &self,
        operation: Operation,
        accounts: &Arc<[SignedIn]>,
        connections: usize,
        distant: Option<&Services>,
    ) -> Result<Vec<Measurement>> {
        let source = operation.source(accounts);
        let background = operation
            .background_load()
            .map_or_else(Vec::new, |(other, count)| {
                vec![other.source(accounts); count]
            });
        let subjects: Vec<_> = [
            (Distance::Nearby, Some(&self.nearby)),
            (Distance::Distant, distant),
        ]
        .into_iter()
        .filter_map(|(distance, services)| Some((distance, services?)))
        .flat_map(|(distance, services)| {
            [
                (distance, Subject::Components, &services.components),
                (distance, Subject::Native, &services.native),
            ]
        })
        .collect();
        let mut totals = Vec::with_capacity(subjects.len());
        for (_, _, server) in &subjects {
            totals.push(Total::new()?);
            load::run(server.address, connections, WARM_UP, &source).await?;
            process::reset_peak(server.process())?;
        }
        for round in 0..self.rounds {
            for position in 0..subjects.len() {
                // The services alternate in going first.
                let index = (position + round as usize) % subjects.len();
                let server = subjects[index].2;
                let cpu = process::cpu_seconds(server.process())?;
                let postgres_cpu = process::postgres_cpu_seconds(self.postmaster)?;
                let round_trips = server.round_trips();
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
                total.round_trips = server
                    .round_trips()
                    .zip(round_trips)
                    .map(|(after, before)| total.round_trips.unwrap_or_default() + after - before);
                total.outcome.add(&outcome)?;
            }
        }
        subjects
            .into_iter()
            .zip(totals)
            .map(|((distance, subject, server), total)| {
                let mut line = total.line(operation, connections, distance, subject);
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
        let accounts = operation::sign_in_all(&self.nearby.components, client_accounts).await?;
        let mut medians = Vec::with_capacity(operations.len());
        for operation in operations.iter().copied() {
            let source = operation.source(&accounts);
            load::run(self.nearby.components.address, 1, WARM_UP, &source).await?;
            let time = self.time * self.rounds;
            let outcome = load::run(self.nearby.components.address, 1, time, &source).await?;
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
            self.nearby.components.address,
            connections,
            self.time,
            &Operation::GetUser.source(accounts),
        )
        .await?;
        Ok(process::memory(self.nearby.components.process())?.resident)
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
        Ok(total.line(operation, connections, Distance::Nearby, Subject::Statement))
    }
}

impl Total {
    fn new() -> Result<Self> {
        Ok(Self {
            outcome: Outcome::empty()?,
            cpu: 0.0,
            postgres_cpu: 0.0,
            round_trips: None,
        })
    }

    fn line(
        &self,
        operation: Operation,
        connections: usize,
        distance: Distance,
        subject: Subject,
    ) -> Measurement {
        let requests = self.outcome.latencies.count();
        Measurement {
            operation,
            connections,
            distance,
            subject,
            requests,
            requests_per_second: self.outcome.rate(),
            p50_milliseconds: self.outcome.latencies.quantile(0.5),
            p99_milliseconds: self.outcome.latencies.quantile(0.99),
            round_trips_per_request: self
                .round_trips
                .map(|count| count as f64 / requests.max(1) as f64),
            cpu_seconds: None,
            postgres_cpu_seconds: self.postgres_cpu,
            peak_memory_megabytes: None,
        }
    }
}
