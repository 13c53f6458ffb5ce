//! Adding the missing occurrences of a class: those that have come within the horizon, and all of a series with an end.
//! They are computed from the schedule in the crate `recurrence`.

use anyhow::{Result, anyhow};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use database::{explain, tenant, zones};
use recurrence::{HORIZON, MAX_YEARS, PlannedLessons, Schedule, Span};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Error, Transaction};
use uuid::Uuid;

use super::REQUEST_ID;

/// The time by which a class may be behind the horizon, so that each class is extended once in this time, and not in every round.
const EXTENSION_INTERVAL: Duration = Duration::days(7);

/// The SQLSTATE with which the trigger on classes rejects a double booking. Exclusion constraints use PostgreSQL's own.
const DOUBLE_BOOKING: &str = "LM409";

/// The extension of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extended {
    /// The number of occurrences that were added without a clash.
    pub(crate) added: usize,
    /// The starts of those that clash.
    pub(crate) clashes: Vec<DateTime<Utc>>,
}

/// The classes of an active tenant that are due: those whose occurrences end well before the horizon, and series with an end whose
/// occurrences were created for half a year only.
pub(crate) async fn due(
    client: &mut Client,
    tenant: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
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

/// A class is due when its occurrences end before this time.
fn due_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now + HORIZON - EXTENSION_INTERVAL
}

/// Extends a class up to the horizon or its end, unless another worker has done so in the meantime.
pub(crate) async fn extend(
    client: &mut Client,
    tenant: Uuid,
    class: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Extended>> {
    let mut transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    let Some((schedule, planned_until)) = lock(&transaction, tenant, class).await? else {
        return Ok(None);
    };
    let zone = schedule["time_zone"].as_str().unwrap_or_default();
    zones::read(&transaction, &[zone]).await?;
    let schedule = Schedule::read(&schedule)
        .map_err(|errors| anyhow!("its schedule is no longer valid: {errors:?}"))?;
    let is_due = planned_until < due_before(now) || schedule.ends();
    let Some(PlannedLessons { spans, until }) =
        schedule.continuation(planned_until, now).filter(|_| is_due)
    else {
        return Ok(None);
    };
    let mut extended = Extended {
        added: spans.len(),
        clashes: Vec::new(),
    };
    if !plan(&mut transaction, class, &spans, until).await? {
        // At least one of them clashes. So each is inserted by itself, and planning then finds all of them in place. Those that
        // cannot take place are inserted last and together, so that each person gets one notification of all of them.
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
                "its occurrences clash, although none of them clashes by itself"
            ));
        }
    }
    transaction.commit().await.map_err(explain)?;
    Ok(Some(extended))
}

/// Reads a class that may be due, and locks it.
async fn lock(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    class: Uuid,
) -> Result<Option<(Value, DateTime<Utc>)>> {
    tenant::serialize_writers(transaction, tenant).await?;
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

/// Adds spans to the plan of a class, from which a trigger creates the missing occurrences. Returns false when one of them clashes;
/// then nothing is changed.
async fn plan(
    transaction: &mut Transaction<'_>,
    class: Uuid,
    spans: &[Span],
    until: Option<DateTime<Utc>>,
) -> Result<bool> {
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| json!([format_time(span.start), format_time(span.end)]))
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
    end_savepoint(savepoint, updated).await
}

/// Inserts an occurrence with the properties of its class. Returns false when it clashes; then nothing is changed.
async fn try_insert(transaction: &mut Transaction<'_>, class: Uuid, span: Span) -> Result<bool> {
    let savepoint = transaction.transaction().await.map_err(explain)?;
    let inserted = insert(&savepoint, class, &[span], "scheduled").await;
    end_savepoint(savepoint, inserted).await
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

/// Commits the savepoint of a statement, or rolls it back when the statement met a clash.
async fn end_savepoint(savepoint: Transaction<'_>, outcome: Result<u64, Error>) -> Result<bool> {
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
        .is_some_and(|code| *code == SqlState::EXCLUSION_VIOLATION || code.code() == DOUBLE_BOOKING)
}

/// Formats a time as the component writes the times of a plan.
fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
