//! Adding the occurrences of one class that are not there yet: those that have come into sight, and all of a series with an end.

use anyhow::{Result, anyhow};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use database::{explain, tenant, zones};
use recurrence::{HORIZON, MAX_YEARS, Plan, Schedule, Span};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Error, Transaction};
use uuid::Uuid;

use super::REQUEST;

/// How far a class may be behind the horizon before it is done: so each is done once in this time, and not in every round.
const SLACK: Duration = Duration::days(7);

/// What the trigger on classes answers to a double booking; constraints themselves answer with one of PostgreSQL's own.
const CONFLICT: &str = "LM409";

/// What a class has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extended {
    /// How many occurrences, those that clash left out.
    pub(crate) added: usize,
    /// When those that clash were to start.
    pub(crate) clashes: Vec<DateTime<Utc>>,
}

/// The classes of an active tenant that are due: those whose occurrences end well before the horizon, and those with an end that
/// were made when only half a year of theirs was.
pub(crate) async fn due(
    client: &mut Client,
    tenant: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, tenant, REQUEST).await?;
    let years = i32::try_from(MAX_YEARS)?;
    let rows = transaction
        .query(
            "select c.id
            from lms.classes as c
            join lms.tenants as t
              on t.tenant_id = c.tenant_id
            where t.status = 'active'
              and t.deleted_at is null
              and c.deleted_at is null
              and c.status = 'scheduled'
              and c.planned_until is not null
              and (
                c.planned_until < $1
                or (
                  c.schedule -> 'recurring' ->> 'rule' ~ '(^|;)(COUNT|UNTIL)='
                  and c.planned_until < (c.schedule ->> 'start')::timestamp at time zone 'UTC'
                    + make_interval(years => $2, days => -7)
                )
              )
            order by c.planned_until, c.id",
            &[&due_before(now), &years],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Before which time a class must end that is due.
fn due_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now + HORIZON - SLACK
}

/// Extends a class as far as it is to be, unless that has been done meanwhile.
pub(crate) async fn extend(
    client: &mut Client,
    tenant: Uuid,
    class: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Extended>> {
    let mut transaction = tenant::begin(client, tenant, REQUEST).await?;
    let Some((schedule, planned_until)) = lock(&transaction, tenant, class).await? else {
        return Ok(None);
    };
    let zone = schedule["time_zone"].as_str().unwrap_or_default();
    zones::read(&transaction, &[zone]).await?;
    let schedule = Schedule::read(&schedule)
        .map_err(|errors| anyhow!("its schedule is not one any more: {errors:?}"))?;
    let is_due = planned_until < due_before(now) || schedule.ends();
    let Some(Plan { spans, until }) = schedule.continuation(planned_until, now).filter(|_| is_due)
    else {
        return Ok(None);
    };
    let mut extended = Extended {
        added: spans.len(),
        clashes: Vec::new(),
    };
    if !plan(&mut transaction, class, &spans, until).await? {
        // One of them clashes, or some do: each is tried by itself, and the plan then finds all of them there. Those that can't
        // take place come last and at once, so that each person is told of all of them together.
        let mut clashing = Vec::new();
        for span in spans.iter().copied() {
            if !try_insert(&mut transaction, class, span).await? {
                extended.added -= 1;
                extended.clashes.push(span.start);
                clashing.push(span);
            }
        }
        insert(&transaction, class, &clashing, "cancelled")
            .await
            .map_err(explain)?;
        if !plan(&mut transaction, class, &spans, until).await? {
            return Err(anyhow!(
                "its occurrences clash, and none of them does by itself"
            ));
        }
    }
    transaction.commit().await.map_err(explain)?;
    Ok(Some(extended))
}

/// Reads a class that may be due, and keeps others from changing it.
async fn lock(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    class: Uuid,
) -> Result<Option<(Value, DateTime<Utc>)>> {
    tenant::take_turn(transaction, tenant).await?;
    let row = transaction
        .query_opt(
            "select c.schedule, c.planned_until
            from lms.classes as c
            where c.tenant_id = $1
              and c.id = $2
              and c.deleted_at is null
              and c.status = 'scheduled'
              and c.planned_until is not null
            for update skip locked",
            &[&tenant, &class],
        )
        .await
        .map_err(explain)?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Adds spans to a class's plan, from which a trigger makes those occurrences that are not there yet. Whether that went without a
/// clash; if not, nothing is changed.
async fn plan(
    transaction: &mut Transaction<'_>,
    class: Uuid,
    spans: &[Span],
    until: Option<DateTime<Utc>>,
) -> Result<bool> {
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| json!([text(span.start), text(span.end)]))
        .collect();
    let savepoint = transaction.transaction().await.map_err(explain)?;
    let updated = savepoint
        .execute(
            "update lms.classes as c
            set
              planned = c.planned || $2,
              planned_until = $3
            where c.id = $1",
            &[&class, &Json(spans), &until],
        )
        .await;
    settle(savepoint, updated).await
}

/// Inserts an occurrence as the class has it. Whether it clashes with none; if it does, nothing is changed.
async fn try_insert(transaction: &mut Transaction<'_>, class: Uuid, span: Span) -> Result<bool> {
    let savepoint = transaction.transaction().await.map_err(explain)?;
    let inserted = insert(&savepoint, class, &[span], "scheduled").await;
    settle(savepoint, inserted).await
}

async fn insert(
    transaction: &Transaction<'_>,
    class: Uuid,
    spans: &[Span],
    status: &str,
) -> Result<u64, Error> {
    let starts: Vec<DateTime<Utc>> = spans.iter().map(|span| span.start).collect();
    let ends: Vec<DateTime<Utc>> = spans.iter().map(|span| span.end).collect();
    transaction
        .execute(
            "insert into lms.occurrences (
              class_id, centre_id, tutor_id, room, original_start, starts_at, ends_at, status, reason
            )
            select
              c.id,
              c.centre_id,
              c.tutor_id,
              c.room,
              s.starts_at,
              s.starts_at,
              s.ends_at,
              $4,
              case when $4 = 'cancelled' then 'clash' end
            from lms.classes as c
            cross join unnest($2::timestamptz[], $3::timestamptz[]) as s (starts_at, ends_at)
            where c.id = $1",
            &[&class, &starts, &ends, &status],
        )
        .await
}

/// Keeps what a statement did, or takes it back when it met a clash.
async fn settle(savepoint: Transaction<'_>, outcome: Result<u64, Error>) -> Result<bool> {
    match outcome {
        Ok(_) => {
            savepoint.commit().await.map_err(explain)?;
            Ok(true)
        }
        Err(error) if is_clash(&error) => {
            savepoint.rollback().await.map_err(explain)?;
            Ok(false)
        }
        Err(error) => Err(explain(error)),
    }
}

fn is_clash(error: &Error) -> bool {
    error
        .code()
        .is_some_and(|code| *code == SqlState::EXCLUSION_VIOLATION || code.code() == CONFLICT)
}

/// As the component writes the times of a plan.
fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
