//! The memory that the imports of one instance reserve together. Requests that share an instance
//! share its memory, and running out of it would end the program with all of them. The rows
//! themselves are in the parent module.

use std::cell::Cell;

use crate::http::problem::{Kind, Problem};

/// The maximum size of the argument of one import, in bytes. Wasmtime limits the data that a guest
/// passes in one call: 61 MiB passed in tests, and 69 MiB ended the program.
pub(super) const MAX_ARGUMENT_BYTES: usize = 60 * 1024 * 1024;

/// The maximum total size of all arguments, in bytes: one of the maximum size, and small ones
/// beside it.
const MAX_TOTAL_BYTES: usize = MAX_ARGUMENT_BYTES + 16 * 1024 * 1024;

thread_local! {
    static RESERVED_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The reservation of one import, which is released when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct MemoryReservation(usize);

impl MemoryReservation {
    /// Sets the size of the reservation.
    ///
    /// # Errors
    ///
    /// 503 when the other imports reserve too much.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), Problem> {
        let reserved = RESERVED_BYTES.get() - self.0 + bytes;
        if reserved > MAX_TOTAL_BYTES {
            return Err(no_memory());
        }
        RESERVED_BYTES.set(reserved);
        self.0 = bytes;
        Ok(())
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        RESERVED_BYTES.set(RESERVED_BYTES.get() - self.0);
    }
}

/// Creates the problem that asks the client to wait until other imports have ended.
pub(super) fn no_memory() -> Problem {
    Problem::new(Kind::Unavailable)
        .detail("Other files are being imported. Try again later.")
        .header("retry-after", "30")
        .cause("no memory for an import")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_as_large_as_can_be_leaves_room_for_small_ones_only() {
        let (mut first, mut second, mut third) = (
            MemoryReservation::default(),
            MemoryReservation::default(),
            MemoryReservation::default(),
        );
        first.set(1024).unwrap();
        first.set(MAX_ARGUMENT_BYTES).unwrap();
        assert_eq!(second.set(MAX_ARGUMENT_BYTES).unwrap_err().status(), 503);
        second.set(4 * 1024 * 1024).unwrap();
        third.set(12 * 1024 * 1024).unwrap();
        assert!(third.set(12 * 1024 * 1024 + 1).is_err());
        drop(first);
        third.set(MAX_ARGUMENT_BYTES).unwrap();
        drop((second, third));
        assert_eq!(RESERVED_BYTES.get(), 0);
    }
}
