//! Runs the components' SQL statements with pgbench, without a service in between.
//! The scripts are built in `sql_scripts`.

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

/// The maximum number of scripts, low because each connection prepares each of them once.
pub(super) const MAX_SCRIPTS: usize = 16;

/// The scripts of one operation, from which pgbench picks at random.
pub(super) struct Scripts {
    directory: TempDir,
    count: usize,
}

impl Scripts {
    /// Writes the scripts to a temporary directory.
    pub(super) fn write(scripts: impl Iterator<Item = String>) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        let mut count = 0;
        for script in scripts.take(MAX_SCRIPTS) {
            fs::write(directory.path().join(format!("{count}.sql")), script)
                .context("cannot write a script for pgbench")?;
            count += 1;
        }
        Ok(Self { directory, count })
    }

    /// Runs the first script once and checks its outcome, which pgbench does not look at.
    async fn check_first(&self, database: &str) -> Result<()> {
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

    /// Runs the scripts on this many connections, for `time` rounded up to whole seconds.
    pub(super) async fn run(
        &self,
        database: &str,
        connections: usize,
        time: Duration,
    ) -> Result<Outcome> {
        self.check_first(database).await?;
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

/// Reads the latencies from the third column of pgbench's log, in microseconds.
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
