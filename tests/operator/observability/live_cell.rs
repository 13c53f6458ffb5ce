//! Tests that a live cell serves every metric that a rule or a panel uses, with the labels that it uses.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{run_on_durable_server, run_python};
use tokio::time::Instant;

use super::cell::Cell;
use super::monitoring::{CELL, Prometheus, Rule};
use super::panels;
use crate::metrics::POLL_INTERVAL;

/// How long Prometheus may take until it has everything.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Waits until queries find a series, while the cell is used, so that rates are not zero. When some do not, they are the error.
async fn find_all(cell: &Cell, prometheus: &Prometheus, mut queries: Vec<String>) -> Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    while !queries.is_empty() {
        ensure!(Instant::now() < deadline, "no series for {queries:#?}");
        cell.read_something().await?;
        let mut missing = Vec::new();
        for query in queries {
            if prometheus.count(&query).await? == 0 {
                missing.push(query);
            }
        }
        queries = missing;
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Returns the rules when each has been evaluated.
async fn evaluated_rules(prometheus: &Prometheus) -> Result<Vec<Rule>> {
    let evaluate = async {
        loop {
            if let Ok(rules) = prometheus.rules().await
                && rules.iter().all(|rule| rule.health != "unknown")
            {
                return rules;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, evaluate)
        .await
        .context("the rules are not evaluated")
}

#[test]
fn a_live_cell_serves_every_metric_that_a_rule_or_a_panel_uses() {
    run_on_durable_server(async |app, server| {
        let cell = Cell::start(app, server).await?;
        let prometheus = Prometheus::start(cell.host, cell.worker)?;
        let rules = evaluated_rules(&prometheus).await?;
        ensure!(rules.len() > 30, "{} rules", rules.len());
        for rule in &rules {
            let problem = &rule.last_error;
            ensure!(rule.health == "ok", "{}: {problem}", rule.name);
        }
        let panels: Vec<String> = panels::all()?
            .into_iter()
            .flat_map(|panel| panel.targets)
            .map(|target| target.expr.replace("$cell", CELL))
            .collect();
        let expressions = rules.iter().map(|rule| &rule.query).chain(&panels);
        let selectors = run_python("promql_selectors.py", expressions).await?;
        find_all(&cell, &prometheus, serde_json::from_str(&selectors)?).await?;
        find_all(&cell, &prometheus, panels).await
    });
}
