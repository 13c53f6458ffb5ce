//! The program `lms` that these tests run. Cargo builds it with the tests of the whole workspace.

use std::path::PathBuf;

/// The path of the program, beside the directory of the test programs.
///
/// # Panics
///
/// When this test program has no path.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a test program has a path");
    let directory = this.parent().and_then(|deps| deps.parent());
    directory.expect("the directory of the build").join("lms")
}
