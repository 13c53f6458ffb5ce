//! Time zones for computations outside of components, read from the database, which is their only source there too.
//! The computations themselves are in `platform::values::zones` and the crate `recurrence`.

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Json;

use crate::connection::explain;

/// The zones whose rules changed in 2026 (IANA 2026b to 2026f), each with the UTC time of 16:00 local time on 11 January 2027 by the new
/// rules. These are the latest changes that this release knows of.
const LATEST_ZONE_CHANGES: [(&str, &str); 4] = [
    ("America/Vancouver", "2027-01-11T23:00:00Z"),
    ("America/Edmonton", "2027-01-11T22:00:00Z"),
    ("America/Winnipeg", "2027-01-11T21:00:00Z"),
    ("Africa/Casablanca", "2027-01-11T16:00:00Z"),
];

/// Reads zones from the database, so that schedules in them can be parsed.
///
/// # Errors
///
/// When the database fails.
pub async fn read(client: &impl GenericClient, names: &[&str]) -> Result<()> {
    let row = client
        .query_one("select lms.time_zones($1)::text", &[&Json(json!(names))])
        .await
        .map_err(explain)?;
    platform::values::zones::remember(row.get(0));
    Ok(())
}

/// The zones whose latest rules the database does not know.
///
/// # Errors
///
/// When the database fails.
pub async fn outdated(client: &impl GenericClient) -> Result<Vec<&'static str>> {
    let mut outdated = Vec::new();
    for (name, expected) in LATEST_ZONE_CHANGES {
        let row = client
            .query_one(
                "select timestamp '2027-01-11 16:00' at time zone $1",
                &[&name],
            )
            .await
            .map_err(explain)?;
        if expected.parse() != Ok(row.get::<_, DateTime<Utc>>(0)) {
            outdated.push(name);
        }
    }
    Ok(outdated)
}
