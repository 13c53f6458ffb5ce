//! The process of a PostgreSQL server, found through its data directory.

use std::fs;
use std::path::Path;

/// Whether a server runs in a data directory.
pub fn serves(data: &Path) -> bool {
    data.canonicalize()
        .is_ok_and(|data| running_process(&data).is_some())
}

/// The process that serves the data directory, if there is one.
pub fn running_process(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let process = text.lines().next()?.trim().parse().ok()?;
    works_in(process, data).then_some(process)
}

/// A server and all its children have the data directory as their working directory.
pub fn works_in(process: u32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|directory| directory == data)
}
