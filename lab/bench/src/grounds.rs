//! The rows that operations work on, and what is measured while they become many.

use anyhow::Result;
use operations::progress::step;
use tokio_postgres::Client;

use super::operation::{Ground, Operation};
use super::person::Person;
use super::report::Growth;
use super::rounds::Bench;
use super::{book, calendar, desk, own_tenant};

/// What was measured while the rows became many.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) growth: Vec<Growth>,
    pub(super) conflict_check_milliseconds: Option<f64>,
}

/// Writes the rows of a ground, and returns on whose behalf requests are made of them; `everybody` are the administrators of the
/// tenants that are there already.
pub(super) async fn prepare(
    ground: Ground,
    bench: &Bench,
    client: &mut Client,
    everybody: &[Person],
    findings: &mut Findings,
) -> Result<Vec<Person>> {
    match ground {
        Ground::Tenants => Ok(everybody.to_vec()),
        Ground::Calendar => fill_calendar(bench, client, findings).await,
        Ground::Book => fill_book(client).await,
        Ground::Desk => fill_desk(bench, client, findings).await,
    }
}

async fn fill_calendar(
    bench: &Bench,
    client: &mut Client,
    findings: &mut Findings,
) -> Result<Vec<Person>> {
    const GROWING: [Operation; 2] = [Operation::Week, Operation::Month];
    let writing = step("Calendar");
    let tenant = own_tenant::create(client, "bench-calendar").await?;
    calendar::fill(client, tenant, 0, calendar::FEW_TUTORS).await?;
    let people = own_tenant::people(client, tenant).await?;
    let few = bench.medians(&GROWING, &people).await?;
    calendar::fill(client, tenant, calendar::FEW_TUTORS, calendar::MANY_TUTORS).await?;
    // The same tutors and students as before: what differs is how many others there are.
    let many = bench.medians(&GROWING, &people).await?;
    findings.conflict_check_milliseconds = Some(calendar::conflict_check(client, tenant).await?);
    for (operation, (few, many)) in GROWING.into_iter().zip(few.into_iter().zip(many)) {
        findings.growth.push(Growth {
            operation,
            rows: "lessons",
            few: calendar::FEW_TUTORS * calendar::LESSONS,
            many: calendar::MANY_TUTORS * calendar::LESSONS,
            few_p50_milliseconds: few,
            many_p50_milliseconds: many,
        });
    }
    writing.done("full");
    own_tenant::people(client, tenant).await
}

async fn fill_book(client: &mut Client) -> Result<Vec<Person>> {
    let writing = step("Book");
    let tenant = own_tenant::create(client, "bench-book").await?;
    book::fill(client, tenant).await?;
    writing.done("full");
    own_tenant::people(client, tenant).await
}

async fn fill_desk(
    bench: &Bench,
    client: &mut Client,
    findings: &mut Findings,
) -> Result<Vec<Person>> {
    let writing = step("Requests");
    let tenant = own_tenant::create(client, "bench-desk").await?;
    let median = async |client: &mut Client, from: i32, to: i32| -> Result<f64> {
        desk::fill(client, tenant, from, to).await?;
        let people = own_tenant::people(client, tenant).await?;
        let medians = bench.medians(&[Operation::Urgent], &people).await?;
        Ok(medians.into_iter().sum())
    };
    findings.growth.push(Growth {
        operation: Operation::Urgent,
        rows: "requests",
        few: desk::FEW,
        many: desk::MANY,
        few_p50_milliseconds: median(client, 0, desk::FEW).await?,
        many_p50_milliseconds: median(client, desk::FEW, desk::MANY).await?,
    });
    writing.done("full");
    own_tenant::people(client, tenant).await
}
