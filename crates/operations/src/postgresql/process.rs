//! The process of a PostgreSQL server, found through its data directory.
//! Servers are started and stopped in `local::cluster` and `backup::recovery`.

use std::fs;
use std::path::Path;

/// Returns whether a server runs in a data directory.
pub fn is_running(data: &Path) -> bool {
    data.canonicalize()
        .is_ok_and(|data| running_process(&data).is_some())
}

/// The process of the server that runs in a data directory, if there is one.
pub fn running_process(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let process = text.lines().next()?.trim().parse().ok()?;
    works_in(process, data).then_some(process)
}

/// Returns whether a process is a server in a data directory, or a child of one: that directory is then its working directory.
pub fn works_in(process: u32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|directory| directory == data)
}
