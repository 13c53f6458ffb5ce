//! The limit on the connections of each client address. Connections are accepted, or closed for
//! this limit, in `threads`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the open connections of each client address.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionLimit {
    max_per_address: Option<NonZeroUsize>,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    address: IpAddr,
    limit: ConnectionLimit,
}

impl ConnectionLimit {
    /// A limit for each address; `None` allows any number of connections.
    pub(crate) fn new(max_per_address: Option<NonZeroUsize>) -> Self {
        Self {
            max_per_address,
            counts: Arc::default(),
        }
    }

    /// Counts a connection, for which there is no guard if there is no limit.
    ///
    /// # Errors
    ///
    /// The address has as many connections as it may have.
    pub(crate) fn acquire(&self, address: IpAddr) -> Result<Option<ConnectionGuard>, LimitReached> {
        let Some(max) = self.max_per_address else {
            return Ok(None);
        };
        let address = counted_address(address);
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= max.get() {
            return Err(LimitReached);
        }
        *count += 1;
        Ok(Some(ConnectionGuard {
            address,
            limit: self.clone(),
        }))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address has as many connections as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LimitReached;

/// Maps an IPv6 address to its /64 network, because one customer can use all addresses of that.
fn counted_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        address => address,
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut counts = self.limit.counts();
        if let Entry::Occupied(mut count) = counts.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_makes_room_for_another() -> anyhow::Result<()> {
        let limit = ConnectionLimit::new(NonZeroUsize::new(2));
        let acquire = |address: &str| -> anyhow::Result<_> { Ok(limit.acquire(address.parse()?)) };
        let first = acquire("192.0.2.1")?;
        let second = acquire("::ffff:192.0.2.1")?;
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(acquire("192.0.2.1")?.err(), Some(LimitReached));
        assert!(acquire("192.0.2.2")?.is_ok());
        drop(first);
        assert!(acquire("192.0.2.1")?.is_ok());
        drop(second);
        assert!(limit.counts().is_empty());
        Ok(())
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() -> anyhow::Result<()> {
        let limit = ConnectionLimit::new(NonZeroUsize::new(1));
        let _first = limit.acquire("2001:db8::1".parse()?);
        assert!(limit.acquire("2001:db8::2".parse()?).is_err());
        assert!(limit.acquire("2001:db8:0:1::1".parse()?).is_ok());
        Ok(())
    }

    #[test]
    fn without_a_limit_no_connection_is_counted() -> anyhow::Result<()> {
        let limit = ConnectionLimit::new(None);
        assert!(
            limit
                .acquire("192.0.2.1".parse()?)
                .is_ok_and(|guard| guard.is_none())
        );
        Ok(())
    }
}
