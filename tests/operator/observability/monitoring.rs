//! Runs Debian's Prometheus and its exporter of the machine's metrics, with the configuration and the rules of `deploy/observability`.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tests::free_address;
use tokio::process::{Child, Command};

use super::rules::directory;

/// The name of the cell in the configuration.
pub(super) const CELL: &str = "eu-standard";

/// The addresses in the configuration: host, worker, and the exporter of the machine's metrics.
const CONFIGURED: [&str; 3] = ["127.0.0.1:9464", "127.0.0.1:9465", "127.0.0.1:9100"];

/// A running Prometheus.
pub(super) struct Prometheus {
    url: String,
    client: reqwest::Client,
    _directory: TempDir,
    _processes: [Child; 2],
}

impl Prometheus {
    /// Starts it, to read the metrics of a host and of a worker at these management addresses.
    pub(super) fn start(host: SocketAddr, worker: SocketAddr) -> Result<Self> {
        let (address, machine) = (free_address()?, free_address()?);
        let data = tempfile::tempdir()?;
        for file in ["recording.yaml", "alerts.yaml"] {
            fs::copy(directory().join(file), data.path().join(file))?;
        }
        let mut configuration = fs::read_to_string(directory().join("prometheus.yaml"))?;
        for (configured, given) in CONFIGURED.into_iter().zip([host, worker, machine]) {
            ensure!(configuration.contains(configured), "no {configured}");
            configuration = configuration.replace(configured, &given.to_string());
        }
        // The test need not wait for the usual intervals.
        let configuration = configuration
            .replace("interval: 15s", "interval: 1s")
            .replace("interval: 30s", "interval: 1s");
        let path = data.path().join("prometheus.yaml");
        fs::write(&path, configuration)?;
        let exporter = start(
            Command::new("prometheus-node-exporter").arg(format!("--web.listen-address={machine}")),
        )?;
        let server = start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", path.display()))
                .arg(format!("--storage.tsdb.path={}", data.path().display()))
                .arg(format!("--web.listen-address={address}")),
        )?;
        Ok(Self {
            url: format!("http://{address}/api/v1"),
            client: reqwest::Client::new(),
            _directory: data,
            _processes: [exporter, server],
        })
    }

    /// Returns the rules, if Prometheus is ready.
    pub(super) async fn rules(&self) -> Result<Vec<Rule>> {
        let answer = self.get("rules", &[]).await?;
        let groups: Vec<Group> = serde_json::from_value(answer["groups"].clone())?;
        Ok(groups.into_iter().flat_map(|group| group.rules).collect())
    }

    /// Returns the number of series that a query finds.
    pub(super) async fn count(&self, query: &str) -> Result<usize> {
        let answer = self.get("query", &[("query", query)]).await?;
        Ok(answer["result"]
            .as_array()
            .context("the result is no vector")?
            .len())
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut url = url::Url::parse(&format!("{}/{path}", self.url))?;
        url.query_pairs_mut().extend_pairs(parameters);
        let response = self.client.get(url).send().await?;
        let mut answer: Value = serde_json::from_str(&response.text().await?)?;
        ensure!(
            answer["status"] == "success",
            "{parameters:?}: {}",
            answer["error"]
        );
        Ok(answer["data"].take())
    }
}

/// A rule as Prometheus has loaded it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) health: String,
    #[serde(default)]
    pub(super) last_error: String,
}

#[derive(serde::Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

fn start(command: &mut Command) -> Result<Child> {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("Prometheus is missing: run scripts/test-tools.sh")
}
