//! The bare statement: what the components send to PostgreSQL, sent by pgbench without any service in between.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use operations::postgresql::find_programs;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_postgres::SimpleQueryMessage;
use url::Url;

use super::latencies::Latencies;
use super::load::Outcome;

/// Each connection prepares each script when it first meets it: few, so that this does not count.
pub(super) const MOST_SCRIPTS: usize = 16;

/// Scripts for one operation; pgbench picks one at random for each transaction.
pub(super) struct Scripts {
    directory: TempDir,
    count: usize,
}

impl Scripts {
    /// Writes them.
    pub(super) fn write(scripts: impl Iterator<Item = String>) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        let mut count = 0;
        for script in scripts.take(MOST_SCRIPTS) {
            fs::write(directory.path().join(format!("{count}.sql")), script)
                .context("cannot write a script for pgbench")?;
            count += 1;
        }
        Ok(Self { directory, count })
    }

    /// Runs the first once: to pgbench a refusal is an answer like any other.
    async fn try_first(&self, database: &str) -> Result<()> {
        let script = fs::read_to_string(self.directory.path().join("0.sql"))
            .context("cannot read a script for pgbench")?;
        let client = database::connect(database).await?;
        let messages = client.simple_query(&script).await;
        for message in messages.map_err(database::explain)? {
            if let SimpleQueryMessage::Row(row) = message
                && let Some(refusal) = row.try_get("refusal").map_err(database::explain)?
            {
                bail!("the database refuses the statement: {refusal}");
            }
        }
        Ok(())
    }

    /// Runs them on so many connections; `time` is rounded up to whole seconds.
    pub(super) async fn run(
        &self,
        database: &str,
        connections: usize,
        time: Duration,
    ) -> Result<Outcome> {
        self.try_first(database).await?;
        let url = Url::parse(database).context("the database address is not a URL")?;
        let log = tempfile::tempdir_in(self.directory.path())
            .context("cannot make a temporary directory")?;
        let seconds = time.as_secs_f64().ceil();
        let mut command = Command::new(find_programs()?.join("pgbench"));
        command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--log"])
            .arg(format!("--log-prefix={}", log.path().join("log").display()))
            .arg(format!("--client={connections}"))
            .arg(format!("--time={seconds}"))
            .args((0..self.count).map(|number| {
                format!(
                    "--file={}",
                    self.directory
                        .path()
                        .join(format!("{number}.sql"))
                        .display()
                )
            }))
            .args(["--host", url.host_str().unwrap_or("127.0.0.1")])
            .args(["--port", &url.port().unwrap_or(5432).to_string()])
            .args(["--username", url.username()])
            .arg(url.path().trim_start_matches('/'))
            .env("PGPASSWORD", url.password().unwrap_or_default());
        let output = command
            .output()
            .await
            .context("cannot start pgbench: it comes with PostgreSQL's server programs")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            bail!(
                "pgbench failed: {}",
                text.lines()
                    .find(|line| line.contains("error"))
                    .unwrap_or("no reason given")
            );
        }
        Ok(Outcome {
            latencies: latencies(log.path())?,
            elapsed: Duration::from_secs_f64(seconds),
        })
    }
}

/// The latencies in pgbench's log: the third column, in microseconds.
fn latencies(directory: &Path) -> Result<Latencies> {
    let mut latencies = Latencies::new()?;
    for entry in fs::read_dir(directory).context("cannot read pgbench's log")? {
        let text = fs::read_to_string(entry?.path()).context("cannot read pgbench's log")?;
        for line in text.lines() {
            let latency = line
                .split(' ')
                .nth(2)
                .context("pgbench's log has a line without a latency")?;
            let microseconds = latency
                .parse()
                .with_context(|| format!("pgbench's log has the latency {latency}"))?;
            latencies.record(Duration::from_micros(microseconds));
        }
    }
    Ok(latencies)
}
