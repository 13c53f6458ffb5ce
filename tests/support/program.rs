//! Finds the program `lms`, which Cargo builds together with the tests of the workspace.
//! The tests that run it are in `tests/operator/` and `tests/guarantees/`.

use std::path::PathBuf;

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
