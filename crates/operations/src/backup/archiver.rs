//! The state of the server's archiver, from `pg_stat_archiver`, and waiting for it.
//! Archiving is set up in `configure`.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use database::explain;
use tokio_postgres::Client;

use crate::time;

/// The state of archiving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archiver {
    /// The server does not archive.
    Off,
    /// The last attempt succeeded, or there has been none.
    Working {
        /// The last segment and the time at which it was archived, if there is one.
        last: Option<(String, DateTime<Utc>)>,
    },
    /// The last attempt failed.
    Failing {
        /// The waiting segment.
        segment: String,
        /// The time of the last attempt.
        failed_at: DateTime<Utc>,
        /// The time of the last success, if there was one.
        last: Option<DateTime<Utc>>,
    },
}

/// Reads the state of archiving.
///
/// # Errors
///
/// When the database fails.
pub async fn archiver(client: &Client) -> Result<Archiver> {
    let row = client
        .query_one(
            "-- backup.archiver
            select
              current_setting('archive_mode') <> 'off',
              a.last_archived_wal,
              a.last_archived_time,
              a.last_failed_wal,
              a.last_failed_time
            from pg_stat_archiver as a",
            &[],
        )
        .await
        .map_err(explain)?;
    if !row.get::<_, bool>(0) {
        return Ok(Archiver::Off);
    }
    let last: Option<DateTime<Utc>> = row.get(2);
    match (row.get(3), row.get(4)) {
        (Some(segment), Some(failed_at)) if last.is_none_or(|last| last < failed_at) => {
            Ok(Archiver::Failing {
                segment,
                failed_at,
                last,
            })
        }
        _ => Ok(Archiver::Working {
            last: row.get::<_, Option<String>>(1).zip(last),
        }),
    }
}

/// Makes the server finish its current segment, and waits until it is archived. Everything committed before can then be restored.
///
/// # Errors
///
/// When archiving fails, is off, or takes longer than `timeout`.
pub async fn archive_now(client: &Client, timeout: Duration) -> Result<()> {
    // Without a write since the last segment, that one may have been archived already, and another file after it.
    client
        .execute("select pg_create_restore_point('lms')", &[])
        .await
        .map_err(explain)?;
    let segment: String = client
        .query_one("select pg_walfile_name(pg_switch_wal())", &[])
        .await
        .map_err(explain)?
        .get(0);
    let started = Instant::now();
    loop {
        match archiver(client).await? {
            Archiver::Off => bail!("the server does not archive: run `lms backup configure`"),
            // The timeline is ignored, because it changes when a restored cluster continues.
            Archiver::Working {
                last: Some((last, _)),
            } if last.get(8..24) >= segment.get(8..24) => return Ok(()),
            state if started.elapsed() > timeout => {
                bail!("{segment} is not archived yet: {state}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Display for Archiver {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("the server does not archive"),
            Self::Working { last: None } => formatter.write_str("nothing has been archived yet"),
            Self::Working {
                last: Some((segment, at)),
            } => write!(formatter, "{segment} was archived at {}", time::text(*at)),
            Self::Failing {
                segment,
                failed_at,
                last,
            } => {
                write!(
                    formatter,
                    "archiving of {segment} failed at {}, nothing has been archived ",
                    time::text(*failed_at)
                )?;
                match last {
                    Some(last) => write!(formatter, "since {}", time::text(*last)),
                    None => formatter.write_str("ever"),
                }
            }
        }
    }
}
