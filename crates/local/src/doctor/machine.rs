//! Checks the machine: tools, built components, the port and the disk.
//! The files of the installation are checked in `files`.

use std::path::Path;

use operations::doctor::Check;
use operations::postgresql::{VERSION, find_programs, free_space};
use tokio::process::Command;

use super::Options;
use crate::{manifest, serve, up};

/// The oldest supported version of Rust.
const MIN_RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");
/// The free space below which builds and the database soon fail, in bytes.
const MIN_FREE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

pub(super) async fn check(options: &Options) -> Vec<Check> {
    vec![
        rust().await,
        target().await,
        components(options),
        postgresql(),
        port(options).await,
        disk(options),
    ]
}

async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().await.ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn rust() -> Check {
    const SUBJECT: &str = "Rust";
    match output("rustc", &["--version"]).await {
        None => Check::bad(
            SUBJECT,
            "rustc cannot be run",
            "install Rust from https://rustup.rs",
        ),
        Some(line) if is_at_least(&line, MIN_RUST_VERSION) => Check::good(SUBJECT, line),
        Some(line) => Check::bad(
            SUBJECT,
            format!("{line} is older than {MIN_RUST_VERSION}"),
            format!("rustup toolchain install {MIN_RUST_VERSION}"),
        ),
    }
}

/// Returns whether a line such as `rustc 1.95.0 (59807616e 2026-04-14)` has at least a version such as `1.95`.
fn is_at_least(line: &str, wanted: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split('.')
            .map_while(|part| part.parse().ok())
            .collect()
    };
    line.split_whitespace()
        .nth(1)
        .is_some_and(|found| numbers(found) >= numbers(wanted))
}

async fn target() -> Check {
    const SUBJECT: &str = "target wasm32-wasip2";
    let installed = match output("rustc", &["--print", "sysroot"]).await {
        Some(sysroot) => Path::new(&sysroot)
            .join("lib/rustlib/wasm32-wasip2/lib")
            .is_dir(),
        None => false,
    };
    if installed {
        Check::good(SUBJECT, "installed by rustup")
    } else if Path::new("/usr/lib/wasm32-wasi/libc.a").is_file()
        && Path::new("/usr/bin/rustc").is_file()
    {
        Check::good(SUBJECT, "built from Debian's sources")
    } else {
        Check::bad(
            SUBJECT,
            "missing",
            "run `make build`, which installs it, or `rustup target add wasm32-wasip2`",
        )
    }
}

fn components(options: &Options) -> Check {
    const SUBJECT: &str = "components";
    match manifest::check_built(&options.manifest) {
        Ok(()) => Check::good(SUBJECT, "built"),
        Err(error) => Check::bad(
            SUBJECT,
            format!("{error:#}"),
            "run `make build` in the repository",
        ),
    }
}

fn postgresql() -> Check {
    const SUBJECT: &str = "PostgreSQL";
    match find_programs() {
        Ok(directory) => Check::good(SUBJECT, format!("{} in {}", VERSION, directory.display())),
        Err(error) => Check::bad(
            SUBJECT,
            format!("{error:#}"),
            format!("apt-get install postgresql-{}", VERSION),
        ),
    }
}

async fn port(options: &Options) -> Check {
    const SUBJECT: &str = "port";
    if up::is_running(&options.state) {
        return Check::good(SUBJECT, "`lms up` is running");
    }
    match serve::listen(options.listen).await {
        Ok(_) => Check::good(SUBJECT, format!("{} is free", options.listen)),
        Err(error) => Check::bad(
            SUBJECT,
            format!("{error:#}"),
            "stop that program, or choose another port with `lms up --listen`",
        ),
    }
}

fn disk(options: &Options) -> Check {
    const SUBJECT: &str = "disk";
    // Before the first run the state directory does not exist, so the current one is checked.
    let directory = if options.state.exists() {
        options.state.as_path()
    } else {
        Path::new(".")
    };
    match free_space(directory) {
        Ok(free) if free < MIN_FREE_BYTES => Check::bad(
            SUBJECT,
            format!("{} MB are free", free / 1_048_576),
            "free some space: builds and the database need 2 GB",
        ),
        Ok(free) => Check::good(SUBJECT, format!("{} MB are free", free / 1_048_576)),
        Err(error) => Check::bad(
            SUBJECT,
            format!("{error:#}"),
            "check that the directory can be read",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_at_least("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(is_at_least("rustc 1.100.0 (x)", "1.95"));
        assert!(!is_at_least("rustc 1.94.1 (x)", "1.95"));
        assert!(!is_at_least("", "1.95"));
    }
}
