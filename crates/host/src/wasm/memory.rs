//! Linear memory of an instance: the limit to its growth, and its current size. The sizes of the
//! pool from which it is allocated are set in `engine`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use super::engine::MAX_MEMORY_BYTES;

/// The size up to which an instance serves further requests. Linear memory never shrinks, so that
/// larger instances are not reused. It is more than hashing a password takes, and less than a large
/// import.
const MAX_REUSABLE_BYTES: usize = 32 << 20;

/// The current size of an instance's memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemorySize(Arc<AtomicUsize>);

impl MemorySize {
    /// Returns whether the instance is too large to serve further requests.
    pub(crate) fn is_too_large_to_reuse(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_REUSABLE_BYTES
    }
}

/// Limits and records the growth of an instance's memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryLimiter {
    size: MemorySize,
}

impl MemoryLimiter {
    pub(crate) fn size(&self) -> MemorySize {
        self.size.clone()
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MAX_MEMORY_BYTES {
            return Ok(false);
        }
        self.size
            .0
            .fetch_add(desired.saturating_sub(current), Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The instance pool limits tables.
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_has_grown_large_is_not_reused() -> wasmtime::Result<()> {
        let mut memory = MemoryLimiter::default();
        let size = memory.size();
        assert!(memory.memory_growing(0, 20 << 20, None)?);
        assert!(!size.is_too_large_to_reuse());
        assert!(memory.memory_growing(20 << 20, 60 << 20, None)?);
        assert!(size.is_too_large_to_reuse());
        assert!(!memory.memory_growing(60 << 20, MAX_MEMORY_BYTES + 1, None)?);
        Ok(())
    }
}
