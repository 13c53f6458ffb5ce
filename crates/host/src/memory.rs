//! Linear memory of an instance: how much there may be, and how much there is. It never shrinks, so
//! an instance that once needed much is let go instead of being used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use crate::engine::MAXIMUM_MEMORY;

/// The size up to which an instance serves further requests: more than hashing a password takes,
/// and less than a large import.
const MODEST: usize = 32 << 20;

/// How much there is, for those who decide on the instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Size(Arc<AtomicUsize>);

impl Size {
    /// Returns whether the instance is too large to be used again.
    pub(crate) fn is_swollen(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MODEST
    }
}

/// Watches the memory of one instance grow.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    size: Size,
}

impl Memory {
    pub(crate) fn size(&self) -> Size {
        self.size.clone()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MAXIMUM_MEMORY {
            return Ok(false);
        }
        self.size
            .0
            .fetch_add(desired.saturating_sub(current), Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The pool of instances bounds it.
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_grew_large_is_not_used_again() -> wasmtime::Result<()> {
        let mut memory = Memory::default();
        let size = memory.size();
        assert!(memory.memory_growing(0, 20 << 20, None)?);
        assert!(!size.is_swollen());
        assert!(memory.memory_growing(20 << 20, 60 << 20, None)?);
        assert!(size.is_swollen());
        assert!(!memory.memory_growing(60 << 20, MAXIMUM_MEMORY + 1, None)?);
        Ok(())
    }
}
