//! Finding lessons that were planned by rules of their time zone that have changed since.
//! They are only reported: a person decides to plan them again, by saving the schedule again.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST_ID;
use super::report::{OutdatedLessons, Report};

/// Reports the classes of a tenant with such lessons to come.
pub(crate) async fn find(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Result<()> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
    let rows = transaction
        .query(
            "select l.class_id, l.lessons, l.first_at from lms_private.classes_with_outdated_times($1) as l",
            &[&now],
        )
        .await
        .map_err(explain)?;
    report
        .outdated_lessons
        .extend(rows.iter().map(|row| OutdatedLessons {
            tenant: slug.to_owned(),
            class: row.get(0),
            lessons: row.get(1),
            first: row.get(2),
        }));
    Ok(())
}
