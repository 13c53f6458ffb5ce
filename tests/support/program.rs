//! Finds the program `lms`, which Cargo builds together with the tests of the workspace.
//! The tests that run it are in `tests/operator/` and `tests/guarantees/`.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Returns the path of the program, in the parent directory of the test programs.
///
/// # Panics
///
/// When this test program has no path.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a test program has a path");
    let directory = this.parent().and_then(|deps| deps.parent());
    directory.expect("the directory of the build").join("lms")
}

/// Runs the program on a database with this standard input. Returns its exit code, standard output and standard error.
///
/// # Errors
///
/// When the program cannot be run.
pub async fn run_program(
    database_url: &str,
    arguments: &[&str],
    input: &str,
) -> Result<(Option<i32>, String, String)> {
    let mut process = Command::new(program())
        .args(arguments)
        .env("DATABASE_URL", database_url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = process.stdin.take().context("no standard input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = process.wait_with_output().await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Ok((
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    ))
}
