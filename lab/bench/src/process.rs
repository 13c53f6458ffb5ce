//! Reads CPU time and memory of a process, and the CPU time of all processes of a PostgreSQL server.
//! The measured services are started in `server`.

use anyhow::{Context, Result};
use procfs::process::{ClearRefs, Process, Stat};

/// The memory of a process in MB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// The resident memory now.
    pub(super) resident: f64,
    /// The peak since [`reset_peak`].
    pub(super) peak: f64,
}

/// Returns the CPU seconds of a process, without its children.
pub(super) fn cpu_seconds(process: u32) -> Result<f64> {
    Ok(own_seconds(&open(process)?.stat()?))
}

/// Returns the CPU seconds of all sessions of the server whose main process is `postmaster`, ended ones included.
pub(super) fn postgres_cpu_seconds(postmaster: u32) -> Result<f64> {
    let main = open(postmaster)?.stat()?;
    let ended = (main.cutime + main.cstime) as f64 / procfs::ticks_per_second() as f64;
    let running: f64 = procfs::process::all_processes()?
        // A process may end after it was listed.
        .filter_map(|process| process.ok()?.stat().ok())
        .filter(|stat| stat.ppid == main.pid)
        .map(|stat| own_seconds(&stat))
        .sum();
    Ok(own_seconds(&main) + ended + running)
}

/// Returns the memory of a process.
pub(super) fn memory(process: u32) -> Result<Memory> {
    let status = open(process)?.status()?;
    let megabytes = |kibibytes: Option<u64>| kibibytes.map(|count| count as f64 * 1024.0 / 1e6);
    Ok(Memory {
        resident: megabytes(status.vmrss)
            .context("the kernel does not report the resident memory")?,
        peak: megabytes(status.vmhwm).context("the kernel does not report the peak memory")?,
    })
}

/// Resets the peak memory of a process.
pub(super) fn reset_peak(process: u32) -> Result<()> {
    open(process)?
        .clear_refs(ClearRefs::PeakRSS)
        .context("cannot reset the peak memory of a measured process")
}

/// Returns the parent of `process`.
pub(super) fn parent(process: u32) -> Result<u32> {
    u32::try_from(open(process)?.stat()?.ppid).context("the process has no parent")
}

fn own_seconds(stat: &Stat) -> f64 {
    (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
}

fn open(process: u32) -> Result<Process> {
    let number = i32::try_from(process).context("the process id is out of range")?;
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
