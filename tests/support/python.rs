//! Runs the Python programs in `tests/support/python`, which read our output with independent implementations.
//! `scripts/test-tools.sh` installs the packages that they need.

use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::application::root;

/// Runs a program and returns its standard output.
///
/// # Errors
///
/// When Python or its packages are not installed, or the program fails.
pub async fn run_python(
    program: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<String> {
    let python = root().join("target/python/bin/python");
    ensure!(
        python.exists(),
        "the packages that {program} needs are not installed: run scripts/test-tools.sh"
    );
    let output = Command::new(python)
        .arg(root().join("tests/support/python").join(program))
        .args(arguments)
        .output()
        .await
        .context("Python does not start")?;
    ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
