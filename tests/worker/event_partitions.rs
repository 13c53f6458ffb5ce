//! Tests the monthly partitions of the event log, which `lms worker` creates in advance.

use anyhow::Result;
use chrono::{DateTime, Duration, Months, Utc};

use tests::{Application, queries, run};
use uuid::Uuid;

/// Writes an event with a time, seals it, and returns its partition.
async fn partition_of_event(app: &Application, at: DateTime<Utc>) -> Result<String> {
    let id = Uuid::now_v7();
    queries::execute(
        app,
        "insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, at, state)
        values ($1, 'students', $2, 'student.updated', $3, '{}')",
        &[&app.demo.tenants[0].id, &id, &at],
    )
    .await?;
    let found = queries::fetch_texts(
        app,
        "select tableoid::regclass::text from lms.event_log where entity_id = $1",
        &[&id],
    )
    .await?;
    Ok(found.join(", "))
}

fn name(at: DateTime<Utc>) -> String {
    format!("lms_private.event_log_{}", at.format("%Y_%m"))
}

/// Returns the existing partitions.
async fn partitions(app: &Application) -> Result<Vec<String>> {
    let sql = "select i.inhrelid::regclass::text
        from pg_inherits as i
        where i.inhparent = 'lms.event_log'::regclass
        order by 1";
    queries::fetch_texts(app, sql, &[]).await
}

#[test]
fn one_run_creates_partitions_for_the_next_three_months() {
    run(async |app| {
        let now = Utc::now() + Months::new(4);
        let before = partitions(app).await?;
        let report = worker::run_once(&app.superuser_url, now).await?;
        assert!(report.partitions > 0, "{report}");
        let after = partitions(app).await?;
        for month in 0..=7 {
            let name = name(Utc::now() + Months::new(month));
            assert!(after.contains(&name), "{name} is not among {after:?}");
        }
        assert_eq!(
            after.len(),
            before.len() + usize::try_from(report.partitions)?
        );
        let again = worker::run_once(&app.superuser_url, now).await?;
        assert_eq!(again.partitions, 0, "{again}");
        assert_eq!(partitions(app).await?, after);
        for at in [Utc::now(), Utc::now() + Months::new(1), now] {
            assert_eq!(partition_of_event(app, at).await?, name(at));
        }
        Ok(())
    });
}

#[test]
fn events_of_a_month_without_a_partition_are_stored_and_stay_in_place() {
    run(async |app| {
        let distant_time = Utc::now() + Duration::days(400);
        let default = "lms_private.event_log_default";
        assert_eq!(partition_of_event(app, distant_time).await?, default);
        // A run in that month leaves its events in place, and creates the partitions after it.
        let report = worker::run_once(&app.superuser_url, distant_time).await?;
        assert!(report.partitions > 0, "{report}");
        assert_eq!(partition_of_event(app, distant_time).await?, default);
        let next = distant_time + Months::new(2);
        assert_eq!(partition_of_event(app, next).await?, name(next));
        assert_eq!(
            worker::run_once(&app.superuser_url, distant_time)
                .await?
                .partitions,
            0
        );
        Ok(())
    });
}
