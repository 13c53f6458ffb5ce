//! The figures of a drill, as they are printed and kept in docs/explanation/recovery.md.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

const MEGABYTE: f64 = 1_000_000.0;

/// What a drill has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Writes that were acknowledged before the mistake, all of which are there again.
    pub acknowledged: usize,
    /// Tables that are the same as before the mistake, to the byte.
    pub tables: usize,
    /// Events whose chains are whole.
    pub events: i64,
    /// Seconds between the last acknowledged write and the time restored to: nothing in between is lost.
    pub recovery_point: f64,
    /// Seconds between the last segment in the archive and the mistake: what would be lost with the machine itself.
    pub archive_age: f64,
    /// From the decision to the first answer of the restored database.
    pub recovery_time: Duration,
    /// Of which copying the backup took this.
    pub copying: Duration,
    /// And replaying the log this.
    pub replaying: Duration,
    /// How long the full backup took, under writes.
    pub backup_time: Duration,
    /// The size of the data directory.
    pub database_bytes: u64,
    /// What the backup takes, compressed and encrypted.
    pub backup_bytes: u64,
    /// What the archived log takes.
    pub log_bytes: u64,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "acknowledged writes   {}, all restored; none after the mistake",
            self.acknowledged
        )?;
        writeln!(
            formatter,
            "compared              {} tables the same by hash, {} events with whole chains",
            self.tables, self.events
        )?;
        writeln!(
            formatter,
            "recovery point        0 writes lost; restored to {:.3} s behind the last acknowledged one",
            self.recovery_point
        )?;
        writeln!(
            formatter,
            "                      had the machine been lost instead: the last {:.1} s",
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
    // Rounding is what this is for.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    format!("{:.1}", bytes / MEGABYTE)
}
