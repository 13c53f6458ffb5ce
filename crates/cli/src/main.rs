//! The program `lms`. Everything that it does lives in the library beside it.

use std::process::ExitCode;

/// Serving makes and drops many small things on several threads; the system's allocator takes twice as long for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
