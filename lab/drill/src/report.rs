//! The report of a drill, which `docs/explanation/recovery.md` quotes.
//! The drill itself is in the crate's root.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

const MEGABYTE: f64 = 1_000_000.0;

/// The results of a drill.
#[derive(Clone, Debug)]
pub struct Report {
    /// The writes acknowledged before the operator's error, all of which were restored.
    pub acknowledged: usize,
    /// The tables that are identical to before the error.
    pub tables: usize,
    /// The events in verified chains.
    pub events: i64,
    /// The seconds between the last acknowledged write and the restored moment.
    pub recovery_point: f64,
    /// The seconds between the last archived segment and the error, which a loss of the machine would cost.
    pub archive_age: f64,
    /// The time from the start of the restore to the first response of the restored database.
    pub recovery_time: Duration,
    /// The part of it spent copying the backup.
    pub copying: Duration,
    /// The part of it spent replaying the WAL.
    pub replaying: Duration,
    /// The duration of the full backup during writes.
    pub backup_time: Duration,
    /// The size of the data directory.
    pub database_bytes: u64,
    /// The size of the backup, compressed and encrypted.
    pub backup_bytes: u64,
    /// The size of the archived WAL.
    pub log_bytes: u64,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "acknowledged writes   {}, all restored; none after the error",
            self.acknowledged
        )?;
        writeln!(
            formatter,
            "compared              {} tables the same by hash, {} events in verified chains",
            self.tables, self.events
        )?;
        writeln!(
            formatter,
            "recovery point        0 writes lost; restored to {:.3} s after the last acknowledged one",
            self.recovery_point
        )?;
        writeln!(
            formatter,
            "                      if the machine itself were lost: the last {:.1} s",
            self.archive_age
        )?;
        writeln!(
            formatter,
            "recovery time         {:.1} s: {:.1} s to copy, {:.1} s to replay, the rest to start",
            self.recovery_time.as_secs_f64(),
            self.copying.as_secs_f64(),
            self.replaying.as_secs_f64()
        )?;
        write!(
            formatter,
            "bytes                 {} MB of database, {} MB of backup (made in {:.1} s), {} MB of archived log",
            megabytes(self.database_bytes),
            megabytes(self.backup_bytes),
            self.backup_time.as_secs_f64(),
            megabytes(self.log_bytes)
        )
    }
}

fn megabytes(bytes: u64) -> String {
    // One decimal is printed, so that lost precision doesn't matter.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    format!("{:.1}", bytes / MEGABYTE)
}
