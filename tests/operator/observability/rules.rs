//! Tests the rules by themselves: promtool accepts them, each alert is tested both ways, and each has instructions.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Returns the directory with the rules and the dashboards.
pub(super) fn directory() -> PathBuf {
    tests::root().join("deploy/observability")
}

/// Runs promtool in the directory.
fn promtool(arguments: &[&str]) -> Result<()> {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(directory())
        .output()
        .context("promtool is missing: run scripts/test-tools.sh")?;
    ensure!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Returns the names of the alerts.
fn alerts() -> Result<Vec<String>> {
    let rules = fs::read_to_string(directory().join("alerts.yaml"))?;
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    Ok(names.map(str::to_owned).collect())
}

#[test]
fn promtool_accepts_the_configuration_and_the_rules() -> Result<()> {
    promtool(&["check", "config", "prometheus.yaml"])?;
    promtool(&["check", "rules", "recording.yaml", "alerts.yaml"])
}

#[test]
fn alerts_fire_for_the_cell_in_trouble_and_for_no_other() -> Result<()> {
    promtool(&["test", "rules", "alerts.test.yaml"])?;
    // Every test expects all alerts that fire, so an alert that some test expects is silent in the others.
    let tested = fs::read_to_string(directory().join("alerts.test.yaml"))?;
    let names = alerts()?;
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let expected = format!("labels: ALERTS{{alertname=\"{name}\",alertstate=\"firing\"");
        assert!(tested.contains(&expected), "no test lets {name} fire");
    }
    Ok(())
}

#[test]
fn every_alert_has_a_severity_and_a_section_that_says_what_to_do() -> Result<()> {
    let rules = fs::read_to_string(directory().join("alerts.yaml"))?;
    let page = "docs/how-to/respond-to-alerts.md";
    let instructions = fs::read_to_string(tests::root().join(page))?;
    let sections: Vec<&str> = instructions
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    assert_eq!(sections, alerts()?, "the sections of {page}");
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().context("no name")?;
        let anchor = name.to_lowercase();
        for part in [
            "labels: {severity: ",
            "summary: ",
            "description: ",
            &format!("runbook: {page}#{anchor}\n"),
        ] {
            assert_eq!(rule.matches(part).count(), 1, "{part} in {name}");
        }
    }
    Ok(())
}
