//! Fills the datasets that operations work on, and measures latencies before and after they grow.
//! The rows of each dataset are written in `calendar`, `ledger` and `requests`.

use anyhow::Result;
use operations::progress::step;
use tokio_postgres::Client;

use super::client_account::ClientAccount;
use super::operation::{Dataset, Operation};
use super::report::Growth;
use super::rounds::Bench;
use super::{bench_tenant, calendar, ledger, requests};

/// The measurements taken while the datasets grow.
#[derive(Default)]
pub(super) struct GrowthResults {
    pub(super) growth: Vec<Growth>,
    pub(super) conflict_check_milliseconds: Option<f64>,
}

/// Fills a dataset and returns the accounts that send requests to it. `tenant_accounts` are the administrators of the seeded
/// tenants.
pub(super) async fn prepare(
    dataset: Dataset,
    bench: &Bench,
    client: &mut Client,
    tenant_accounts: &[ClientAccount],
    growth_results: &mut GrowthResults,
) -> Result<Vec<ClientAccount>> {
    match dataset {
        Dataset::Tenants => Ok(tenant_accounts.to_vec()),
        Dataset::Calendar => fill_calendar(bench, client, growth_results).await,
        Dataset::Ledger => fill_ledger(client).await,
        Dataset::Requests => fill_requests(bench, client, growth_results).await,
    }
}

async fn fill_calendar(
    bench: &Bench,
    client: &mut Client,
    growth_results: &mut GrowthResults,
) -> Result<Vec<ClientAccount>> {
    const MEASURED: [Operation; 2] = [Operation::TutorWeek, Operation::StudentMonth];
    let writing = step("Calendar");
    let tenant = bench_tenant::create(client, "bench-calendar").await?;
    calendar::fill(client, tenant, 0, calendar::SMALL_TUTORS).await?;
    let accounts = bench_tenant::accounts(client, tenant).await?;
    let small = bench.medians(&MEASURED, &accounts).await?;
    calendar::fill(
        client,
        tenant,
        calendar::SMALL_TUTORS,
        calendar::LARGE_TUTORS,
    )
    .await?;
    // The same tutors and students are measured again, with more lessons of others in the tables.
    let large = bench.medians(&MEASURED, &accounts).await?;
    growth_results.conflict_check_milliseconds =
        Some(calendar::measure_conflict_check(client, tenant).await?);
    for (operation, (small, large)) in MEASURED.into_iter().zip(small.into_iter().zip(large)) {
        growth_results.growth.push(Growth {
            operation,
            rows: "lessons",
            few: calendar::SMALL_TUTORS * calendar::LESSONS_PER_TUTOR,
            many: calendar::LARGE_TUTORS * calendar::LESSONS_PER_TUTOR,
            few_p50_milliseconds: small,
            many_p50_milliseconds: large,
        });
    }
    writing.done("full");
    bench_tenant::accounts(client, tenant).await
}

async fn fill_ledger(client: &mut Client) -> Result<Vec<ClientAccount>> {
    let writing = step("Ledger");
    let tenant = bench_tenant::create(client, "bench-ledger").await?;
    ledger::fill(client, tenant).await?;
    writing.done("full");
    bench_tenant::accounts(client, tenant).await
}

async fn fill_requests(
    bench: &Bench,
    client: &mut Client,
    growth_results: &mut GrowthResults,
) -> Result<Vec<ClientAccount>> {
    let writing = step("Requests");
    let tenant = bench_tenant::create(client, "bench-requests").await?;
    let median = async |client: &mut Client, from: i32, to: i32| -> Result<f64> {
        requests::fill(client, tenant, from, to).await?;
        let accounts = bench_tenant::accounts(client, tenant).await?;
        let medians = bench
            .medians(&[Operation::UrgentRequests], &accounts)
            .await?;
        Ok(medians.into_iter().sum())
    };
    growth_results.growth.push(Growth {
        operation: Operation::UrgentRequests,
        rows: "requests",
        few: requests::SMALL,
        many: requests::LARGE,
        few_p50_milliseconds: median(client, 0, requests::SMALL).await?,
        many_p50_milliseconds: median(client, requests::SMALL, requests::LARGE).await?,
    });
    writing.done("full");
    bench_tenant::accounts(client, tenant).await
}
