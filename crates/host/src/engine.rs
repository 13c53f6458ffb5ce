//! The Wasmtime engine: which features are on, and how large the pool of instances is.

use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// How many instances may live at once, idle ones included.
pub(crate) const MAXIMUM_INSTANCES: u32 = 512;

/// How much linear memory an instance may grow to: twice the largest import of 64 MiB.
pub(crate) const MAXIMUM_MEMORY: usize = 128 << 20;

/// How often guests that compute are made to let others run.
pub(crate) const EPOCH: Duration = Duration::from_millis(2);

/// Memory of a freed instance that is zeroed and kept, rather than returned to the system and
/// faulted in again by the next instance.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;

/// Builds the engine and starts its clock.
pub(crate) fn new() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAXIMUM_INSTANCES)
        .total_core_instances(4 * MAXIMUM_INSTANCES)
        .total_memories(MAXIMUM_INSTANCES)
        .total_tables(2 * MAXIMUM_INSTANCES)
        .total_stacks(4 * MAXIMUM_INSTANCES)
        .max_memory_size(MAXIMUM_MEMORY)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .table_elements(100_000)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE);
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
    start_clock(&engine)?;
    Ok(engine)
}

/// Advances the epoch until the engine is gone.
fn start_clock(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH);
            }
        })
        .context("cannot start the thread that interrupts guests")?;
    Ok(())
}
