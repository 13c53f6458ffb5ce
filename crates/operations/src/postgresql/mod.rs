//! A PostgreSQL server as its own machine sees it: its account, its programs, its process, and the disk and ports that it needs.
//! Connecting to one lives in the crate `database`; a private one for development lives in `local::cluster`.

mod account;
mod process;
mod programs;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;

pub use account::Account;
pub use process::{running_process, serves, works_in};
pub use programs::{VERSION, find_programs};

/// Free bytes of the file system under `directory`.
pub fn free_space(directory: &Path) -> Result<u64> {
    let facts = statvfs(directory).with_context(|| {
        format!(
            "cannot ask for the free space under {}",
            directory.display()
        )
    })?;
    Ok(facts
        .blocks_available()
        .saturating_mul(facts.fragment_size()))
}

/// A port on the loopback address that nobody has now.
pub(crate) fn any_port() -> Result<u16> {
    free_port(None)
}

/// The remembered port if nobody has it now, otherwise one that is free.
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
