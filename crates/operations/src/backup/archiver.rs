//! Whether the server's archiver gets rid of what it has: what `pg_stat_archiver` says.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use database::explain;
use tokio_postgres::Client;

/// What stands of archiving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archiver {
    /// The server keeps no archive.
    Off,
    /// It has archived whatever it tried last.
    Working {
        /// The latest segment and when it was archived; nothing, when none has been yet.
        last: Option<(String, DateTime<Utc>)>,
    },
    /// The last attempt failed.
    Failing {
        /// The segment that waits.
        segment: String,
        /// When it was tried last.
        tried_at: DateTime<Utc>,
        /// Since when nothing has been archived, if anything ever was.
        last: Option<DateTime<Utc>>,
    },
}

/// What stands of archiving.
///
/// # Errors
///
/// When the database cannot be asked.
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
        (Some(segment), Some(tried_at)) if last.is_none_or(|last| last < tried_at) => {
            Ok(Archiver::Failing {
                segment,
                tried_at,
                last,
            })
        }
        _ => Ok(Archiver::Working {
            last: row.get::<_, Option<String>>(1).zip(last),
        }),
    }
}

/// Has the server finish the segment it writes, and waits until that is in the archive: what was committed before can be restored then.
///
/// # Errors
///
/// When archiving fails, is off, or does not get there within `patience`.
pub async fn archive_now(client: &Client, patience: Duration) -> Result<()> {
    // Where nothing was written since the last segment, that one may have been archived already, and another file after it.
    client
        .execute("select pg_create_restore_point('lms')", &[])
        .await
        .map_err(explain)?;
    let segment: String = client
        .query_one("select pg_walfile_name(pg_switch_wal())", &[])
        .await
        .map_err(explain)?
        .get(0);
    let began = Instant::now();
    loop {
        match archiver(client).await? {
            Archiver::Off => bail!("the server keeps no archive: run `lms backup configure`"),
            // Without the timeline, which changes when a restored cluster goes on.
            Archiver::Working {
                last: Some((last, _)),
            } if last.get(8..24) >= segment.get(8..24) => return Ok(()),
            state if began.elapsed() > patience => {
                bail!("{segment} is not archived yet: {state}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Display for Archiver {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("the server keeps no archive"),
            Self::Working { last: None } => formatter.write_str("nothing has been archived yet"),
            Self::Working {
                last: Some((segment, at)),
            } => write!(
                formatter,
                "{segment} was archived at {}",
                at.format("%FT%TZ")
            ),
            Self::Failing {
                segment,
                tried_at,
                last,
            } => {
                write!(
                    formatter,
                    "archiving of {segment} failed at {}, nothing has been archived ",
                    tried_at.format("%FT%TZ")
                )?;
                match last {
                    Some(last) => write!(formatter, "since {}", last.format("%FT%TZ")),
                    None => formatter.write_str("ever"),
                }
            }
        }
    }
}
