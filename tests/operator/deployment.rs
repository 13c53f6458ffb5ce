//! Tests the arguments of `lms` and the log settings of PostgreSQL in `deploy/kubernetes`. The
//! manifests themselves are validated by `tests/operator/deployment.py` and
//! `tests/operator/monitored_deployment.py`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use operations::server_log;

/// Returns the options in a manifest's argument lists, such as `--cell`.
fn options(manifest: &str) -> Vec<&str> {
    manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- --"))
        .map(|option| option.split_once('=').map_or(option, |(name, _)| name))
        .collect()
}

fn help_text(subcommand: &str) -> Result<String> {
    let output = Command::new(tests::program())
        .args([subcommand, "--help"])
        .output()
        .context("lms does not start")?;
    ensure!(output.status.success(), "lms has no {subcommand}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_jobs_call_migrate_with_existing_options() -> Result<()> {
    let directory = tests::root().join("deploy/kubernetes/base");
    let manifest = fs::read_to_string(directory.join("migration.yaml"))?;
    let options = options(&manifest);
    assert!(options.contains(&"cell"), "{options:?}");
    let help = help_text("migrate")?;
    for option in options {
        assert!(
            help.contains(&format!("--{option} <")),
            "lms migrate has no --{option}"
        );
    }
    Ok(())
}

#[test]
fn the_worker_has_the_options_that_it_gets_and_requires_no_others() -> Result<()> {
    let manifest = fs::read_to_string(tests::root().join("deploy/kubernetes/base/worker.yaml"))?;
    let help = help_text("worker")?;
    assert!(help.contains("Usage: lms worker [OPTIONS]\n"), "{help}");
    let options = options(&manifest);
    assert_eq!(options, ["management", "log-format"]);
    for option in options {
        assert!(help.contains(&format!("--{option} <")), "{help}");
    }
    Ok(())
}

#[test]
fn no_database_server_logs_the_input_of_users() -> Result<()> {
    let kubernetes = tests::root().join("deploy/kubernetes");
    for file in ["base/database.yaml", "restore/restored.yaml"] {
        let manifest = fs::read_to_string(kubernetes.join(file))?;
        for (name, value) in server_log::SETTINGS {
            let line = manifest
                .lines()
                .find_map(|line| line.trim().strip_prefix(&format!("{name}: ")));
            assert_eq!(
                line.map(|set| set.trim_matches('"')),
                Some(value),
                "{name} in {file}"
            );
        }
    }
    Ok(())
}
