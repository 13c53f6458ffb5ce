//! The program `lms`: parsing the command line, executing the command, printing errors, and the exit code.
//! The work itself lives in the crates `database`, `worker`, `operations` and `local`.

mod answer;
mod arguments;
mod commands;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory as _;

use answer::Format;
use arguments::Arguments;

/// The definition of the command line, from which the reference pages are generated.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the command line, executes the command, prints its answer or its error, and returns the exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::read();
    let verbose = arguments.verbose;
    let format = match arguments.json {
        true => Format::Json,
        false => Format::Text,
    };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(commands::execute(arguments)))
        .and_then(|outcome| outcome.print(format));
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error, verbose);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error in one line with the first and the last cause, or with every cause.
fn print_error(error: &anyhow::Error, verbose: bool) {
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
    // When standard error is closed, the exit code must suffice.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Returns whether the reader of standard output has closed the pipe (`lms openapi | head`), which is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
