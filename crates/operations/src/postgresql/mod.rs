//! A PostgreSQL server on its own machine: its account, programs and process, and the disk space and ports that it needs.
//! Connections to a server are opened in the crate `database`; the private cluster for development is in `local::cluster`.

mod account;
mod process;
mod programs;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;

pub use account::Account;
pub use process::{is_running, running_process, works_in};
pub use programs::{VERSION, find_programs};

/// The free bytes of the file system that contains `directory`.
///
/// # Errors
///
/// When the file system cannot be queried.
pub fn free_space(directory: &Path) -> Result<u64> {
    let statistics = statvfs(directory)
        .with_context(|| format!("cannot read the free space of {}", directory.display()))?;
    Ok(statistics
        .blocks_available()
        .saturating_mul(statistics.fragment_size()))
}

/// A free port on the loopback address.
pub(crate) fn any_port() -> Result<u16> {
    free_port(None)
}

/// The remembered port if it is free, and otherwise any free port.
///
/// # Errors
///
/// When no port is free.
pub fn free_port(remembered: Option<u16>) -> Result<u16> {
    let listener = remembered
        .and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)
        .context("no free port on 127.0.0.1 for PostgreSQL")?;
    Ok(listener
        .local_addr()
        .context("no free port on 127.0.0.1 for PostgreSQL")?
        .port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_remembered_port_is_kept_and_a_taken_one_changed() {
        let port = free_port(None).unwrap();
        assert_eq!(free_port(Some(port)).unwrap(), port);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(free_port(Some(port)).unwrap(), port);
    }
}
