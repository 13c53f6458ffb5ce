//! The program `lms`: reads the command line, calls the library, prints errors and sets the exit code.

mod arguments;
mod commands;
#[cfg(all(test, feature = "local"))]
mod reference;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use arguments::Arguments;

/// Serving makes and drops many small things on several threads; the system's allocator takes twice as long for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verbose = arguments.verbose;
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(commands::execute(arguments)));
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, verbose);
            ExitCode::FAILURE
        }
    }
}

/// One line with the first and the last cause; every cause when asked.
fn report(error: &anyhow::Error, verbose: bool) {
    let outer = error.to_string();
    let root = error.root_cause().to_string();
    let mut text = if outer == root {
        format!("error: {outer}\n")
    } else {
        format!("error: {outer}: {root}\n")
    };
    if verbose {
        text.extend(
            error
                .chain()
                .skip(1)
                .map(|cause| format!("  because: {cause}\n")),
        );
    }
    // Where standard error is closed, the exit code has to do.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether the reader of standard output has seen enough (`lms openapi | head`): no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
