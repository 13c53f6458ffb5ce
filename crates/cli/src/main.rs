//! The program `lms`: reads the command line, calls the library, prints errors and sets the exit code.

mod arguments;
mod commands;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use arguments::Arguments;

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
    if outer == root {
        eprintln!("error: {outer}");
    } else {
        eprintln!("error: {outer}: {root}");
    }
    if verbose {
        for cause in error.chain().skip(1) {
            eprintln!("  because: {cause}");
        }
    }
}
