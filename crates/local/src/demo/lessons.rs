//! Writes the classes of a demo tenant, with completed, cancelled and future lessons, and their attendance.
//! Payroll for the lessons is written in `payroll`.

use anyhow::{Result, anyhow};
use chrono::{Days, NaiveDate, SecondsFormat, Utc};
use database::{explain, zones};
use recurrence::Schedule;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::insert::insert;
use super::people::{People, TenantDefinition, Tutor};

/// Writes the classes, for which the database creates the lessons.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    definition: &TenantDefinition<'_>,
    people: &People,
) -> Result<()> {
    zones::read(transaction, &definition.time_zones()).await?;
    zones::read(transaction, &["UTC"]).await?;
    insert(transaction, "classes", &classes(definition, people)?).await?;
    transaction
        .execute(
            "update lms.attendances as a
            set
              status = (array['present', 'present', 'present', 'late', 'present', 'absent', 'excused'])[n.number % 7 + 1],
              note = case when n.number % 7 = 3 then 'Ten minutes late.' end
            from (
              select id, row_number() over (order by starts_at, student_id) as number
              from lms.attendances
              where ends_at < now()
                and is_booked
            ) as n
            where a.id = n.id",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Returns the classes. Each tutor teaches one hour after another in a room of the tutor's own, so that no lessons overlap.
fn classes(definition: &TenantDefinition<'_>, people: &People) -> Result<Vec<Value>> {
    let today = Utc::now().date_naive();
    let providers = ["teams", "zoom", "chime"];
    let mut rows = Vec::new();
    for (index, tutor) in people.tutors.iter().enumerate() {
        let students: Vec<Uuid> = people
            .students
            .iter()
            .filter(|student| student.tutor == index)
            .map(|student| student.id)
            .collect();
        for (hour, group) in (14..).zip(students.chunks(2)) {
            for (day, status) in [
                (today - Days::new(14), "completed"),
                (today - Days::new(7), "completed"),
                (today - Days::new(6), "cancelled"),
                (today + Days::new(7), "scheduled"),
            ] {
                let schedule = schedule(zone(definition, people, tutor), day, hour, status);
                let lessons = Schedule::parse(&schedule)
                    .and_then(|schedule| schedule.plan(Utc::now()))
                    .map_err(|errors| anyhow!("cannot plan a demo class: {errors:?}"))?;
                let written =
                    |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
                let planned: Vec<Value> = lessons
                    .spans
                    .iter()
                    .map(|span| json!([written(span.start), written(span.end)]))
                    .collect();
                rows.push(json!({
                    "centre_id": tutor.centre,
                    "tutor_id": tutor.id,
                    "student_ids": group,
                    "schedule": schedule,
                    "status": status,
                    "room": format!("Room {}", index + 1),
                    "meeting_provider": providers[index % providers.len()],
                    "meeting_url": format!("https://meet.example/{}", tutor.id.simple()),
                    "warnings": [],
                    "planned": planned,
                    "planned_until": lessons.until.map(written),
                }));
            }
        }
    }
    Ok(rows)
}

/// Returns the time zone of the tutor's centre.
fn zone(definition: &TenantDefinition<'_>, people: &People, tutor: &Tutor) -> &'static str {
    people
        .centres
        .iter()
        .position(|centre| *centre == tutor.centre)
        .and_then(|centre| definition.time_zones().get(centre).copied())
        .unwrap_or("UTC")
}

fn schedule(zone: &str, day: NaiveDate, hour: u32, status: &str) -> Value {
    let mut schedule = json!({
        "start": format!("{day}T{hour:02}:00:00"),
        "end": format!("{day}T{:02}:00:00", hour + 1),
        "time_zone": zone,
    });
    if status == "scheduled" {
        schedule["recurring"] = json!({"rule": "FREQ=WEEKLY;COUNT=10"});
    }
    schedule
}
