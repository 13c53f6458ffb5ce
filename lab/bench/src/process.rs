//! What processes use: CPU time and memory of one, CPU time of a whole PostgreSQL.

use anyhow::{Context, Result};
use procfs::process::{ClearRefs, Process, Stat};

/// Memory of a process in MB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// What it holds now.
    pub(super) resident: f64,
    /// The most that it held since [`reset_peak`].
    pub(super) peak: f64,
}

/// CPU seconds that a process has used, without its children.
pub(super) fn cpu_seconds(process: u32) -> Result<f64> {
    Ok(own_seconds(&open(process)?.stat()?))
}

/// CPU seconds of all sessions of the PostgreSQL whose main process is `postmaster`, those that ended included.
pub(super) fn postgres_cpu_seconds(postmaster: u32) -> Result<f64> {
    let main = open(postmaster)?.stat()?;
    let ended = (main.cutime + main.cstime) as f64 / procfs::ticks_per_second() as f64;
    let running: f64 = procfs::process::all_processes()?
        // A process may end between the listing and the reading.
        .filter_map(|process| process.ok()?.stat().ok())
        .filter(|stat| stat.ppid == main.pid)
        .map(|stat| own_seconds(&stat))
        .sum();
    Ok(own_seconds(&main) + ended + running)
}

/// The memory of a process.
pub(super) fn memory(process: u32) -> Result<Memory> {
    let status = open(process)?.status()?;
    let megabytes = |kibibytes: Option<u64>| kibibytes.map(|count| count as f64 * 1024.0 / 1e6);
    Ok(Memory {
        resident: megabytes(status.vmrss)
            .context("the kernel does not tell the resident memory")?,
        peak: megabytes(status.vmhwm).context("the kernel does not tell the peak memory")?,
    })
}

/// Lets the peak memory of a process begin anew.
pub(super) fn reset_peak(process: u32) -> Result<()> {
    open(process)?
        .clear_refs(ClearRefs::PeakRSS)
        .context("cannot reset the peak memory of a measured process")
}

/// The process that started `process`.
pub(super) fn parent(process: u32) -> Result<u32> {
    u32::try_from(open(process)?.stat()?.ppid).context("a process without a parent")
}

fn own_seconds(stat: &Stat) -> f64 {
    (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
}

fn open(process: u32) -> Result<Process> {
    let number = i32::try_from(process).context("not a process number")?;
    Process::new(number).with_context(|| format!("the process {process} has ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let own = std::process::id();
        assert!(cpu_seconds(own).unwrap() >= 0.0);
        reset_peak(own).unwrap();
        let memory = memory(own).unwrap();
        assert!(memory.peak > 0.0 && memory.resident > 0.0);
        assert!(parent(own).unwrap() > 0);
    }

    #[test]
    fn the_children_of_a_process_count() {
        let own = std::process::id();
        // Read first, because other tests of this process go on using time.
        let alone = cpu_seconds(own).unwrap();
        assert!(postgres_cpu_seconds(own).unwrap() >= alone);
    }

    #[test]
    fn an_ended_process_is_named() {
        let error = cpu_seconds(i32::MAX as u32).unwrap_err();
        assert!(error.to_string().contains("has ended"), "{error}");
    }
}
