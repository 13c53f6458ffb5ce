//! The entry point of the program `lms`.
//! Everything else lives in the library beside it.

use std::process::ExitCode;

/// Serving allocates and frees many small objects on several threads, for which the system's allocator takes twice as long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
