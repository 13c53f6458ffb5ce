//! Time zones, read from the database for what is computed outside components: as there, it is the one source of them.

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Json;

use crate::connection::explain;

/// The latest changes of rules that this release knows of: when it is four in the afternoon in January 2027 where the clocks
/// were given other rules in 2026 (IANA 2026b to 2026f).
const LATEST: [(&str, &str); 4] = [
    ("America/Vancouver", "2027-01-11T23:00:00Z"),
    ("America/Edmonton", "2027-01-11T22:00:00Z"),
    ("America/Winnipeg", "2027-01-11T21:00:00Z"),
    ("Africa/Casablanca", "2027-01-11T16:00:00Z"),
];

/// Has zones known to whatever reads a schedule.
pub async fn read(client: &impl GenericClient, names: &[&str]) -> Result<()> {
    let row = client
        .query_one("select lms.time_zones($1)::text", &[&Json(json!(names))])
        .await
        .map_err(explain)?;
    platform::values::zones::remember(row.get(0));
    Ok(())
}

/// The zones of which the database does not know the latest rules.
pub async fn outdated(client: &impl GenericClient) -> Result<Vec<&'static str>> {
    let mut outdated = Vec::new();
    for (name, expected) in LATEST {
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
