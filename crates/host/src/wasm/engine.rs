//! The Wasmtime engine: its features and the size of its instance pool. Instances are created and
//! dropped in `instance`.

use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// The maximum number of instances at a time, idle ones included.
pub(crate) const MAX_INSTANCES: u32 = 512;

/// The size up to which an instance's linear memory may grow: twice the largest import of 64 MiB.
pub(crate) const MAX_MEMORY_BYTES: usize = 128 << 20;

/// The interval after which a guest that computes yields to other tasks.
const EPOCH_INTERVAL: Duration = Duration::from_millis(2);

/// Bytes of a dropped instance's memory that are zeroed and kept resident, rather than returned to
/// the operating system and faulted in again by the next instance.
const RESIDENT_MEMORY_BYTES: usize = 1 << 20;

/// The same for its tables.
const RESIDENT_TABLE_BYTES: usize = 64 << 10;

/// Creates the engine and starts the thread that advances its epoch.
pub(crate) fn new() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(4 * MAX_INSTANCES)
        .total_memories(MAX_INSTANCES)
        .total_tables(2 * MAX_INSTANCES)
        .total_stacks(4 * MAX_INSTANCES)
        .max_memory_size(MAX_MEMORY_BYTES)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .table_elements(100_000)
        .linear_memory_keep_resident(RESIDENT_MEMORY_BYTES)
        .table_keep_resident(RESIDENT_TABLE_BYTES);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .table_lazy_init(true);
    let engine = Engine::new(&config)
        .map_err(anyhow::Error::from)
        .context("cannot set up WebAssembly: is the address space limited (ulimit -v)?")?;
    start_epoch_thread(&engine)?;
    Ok(engine)
}

/// Advances the epoch until the engine is dropped.
fn start_epoch_thread(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH_INTERVAL);
            }
        })
        .context("cannot start the thread that interrupts guests")?;
    Ok(())
}
