//! Connections of each client address: how many one may have open.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each address has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    most: Option<NonZeroUsize>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of an address's connections, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted {
    address: IpAddr,
    addresses: Addresses,
}

impl Addresses {
    /// At most so many for each; none for as many as it likes.
    pub(crate) fn new(most: Option<NonZeroUsize>) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// Counts a connection, or says by an error that its address has enough.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<Option<Counted>, Enough> {
        let Some(most) = self.most else {
            return Ok(None);
        };
        let address = household(address);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= most.get() {
            return Err(Enough);
        }
        *count += 1;
        Ok(Some(Counted {
            address,
            addresses: self.clone(),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That an address has as many connections as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enough;

/// The address, or of IPv6 the network that one customer has: it has more addresses than can be counted.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        address => address,
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        if let Entry::Occupied(mut count) = open.entry(self.address) {
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
    fn an_address_has_so_many_and_gets_another_when_one_is_closed() -> anyhow::Result<()> {
        let addresses = Addresses::new(NonZeroUsize::new(2));
        let admit = |address: &str| -> anyhow::Result<_> { Ok(addresses.admit(address.parse()?)) };
        let first = admit("192.0.2.1")?;
        let second = admit("::ffff:192.0.2.1")?;
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(admit("192.0.2.1")?.err(), Some(Enough));
        assert!(admit("192.0.2.2")?.is_ok());
        drop(first);
        assert!(admit("192.0.2.1")?.is_ok());
        drop(second);
        assert!(addresses.open().is_empty());
        Ok(())
    }

    #[test]
    fn an_ipv6_network_counts_as_one() -> anyhow::Result<()> {
        let addresses = Addresses::new(NonZeroUsize::new(1));
        let _first = addresses.admit("2001:db8::1".parse()?);
        assert!(addresses.admit("2001:db8::2".parse()?).is_err());
        assert!(addresses.admit("2001:db8:0:1::1".parse()?).is_ok());
        Ok(())
    }

    #[test]
    fn without_a_limit_nothing_is_counted() -> anyhow::Result<()> {
        let addresses = Addresses::new(None);
        assert!(
            addresses
                .admit("192.0.2.1".parse()?)
                .is_ok_and(|counted| counted.is_none())
        );
        Ok(())
    }
}
