//! The processes of an installation: two hosts and a load balancer.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tests::free_address;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// The timeout of every wait.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// The polling interval.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Creates a directory that the database's account may enter.
pub(crate) fn directory() -> Result<TempDir> {
    let mode = Permissions::from_mode(0o755);
    Ok(tempfile::Builder::new().permissions(mode).tempdir()?)
}

/// A host, which runs `lms serve` at a fixed address.
pub(crate) struct Host {
    name: &'static str,
    address: SocketAddr,
    directory: PathBuf,
    process: Option<Child>,
}

impl Host {
    pub(crate) fn new(directory: &Path, name: &'static str) -> Result<Self> {
        Ok(Self {
            name,
            address: free_address()?,
            directory: directory.to_owned(),
            process: None,
        })
    }

    /// Starts the host and waits until it is ready.
    pub(crate) async fn start(
        &mut self,
        manifest: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<()> {
        let log = File::create(self.directory.join(format!("host-{}.log", self.name)))?;
        let variables = variables
            .iter()
            .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
        let process = Command::new(tests::program())
            .arg("--state")
            .arg(self.directory.join("hosts"))
            .args(["serve", "--listen", &self.address.to_string(), "--manifest"])
            .arg(manifest)
            .envs(variables)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.process = Some(process);
        let url = format!("http://{}/readyz", self.address);
        until(&format!("host {} is ready", self.name), async || {
            reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await
    }

    /// Stops the host with SIGTERM, as a service manager does.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the host was not started")?;
        let id = process.id().context("the host has ended by itself")?;
        kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
        let status = timeout(WAIT_TIMEOUT, process.wait())
            .await
            .context("the host does not stop")??;
        let log = fs::read_to_string(self.directory.join(format!("host-{}.log", self.name)))?;
        ensure!(status.success(), "host {}: {log}", self.name);
        Ok(())
    }
}

/// HAProxy in front of the hosts. It polls the health check, and retries a request on another host only if it cannot connect.
pub(crate) struct Balancer {
    pub(crate) url: String,
    statistics: String,
    _process: Child,
}

impl Balancer {
    pub(crate) async fn start(directory: &Path, hosts: &[Host]) -> Result<Self> {
        let (front, statistics) = (free_address()?, free_address()?);
        let servers: String = hosts
            .iter()
            .map(|host| format!("  server {} {}\n", host.name, host.address))
            .collect();
        let file = directory.join("haproxy.cfg");
        fs::write(
            &file,
            format!(
                "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout check 10s\n  \
                retries 3\n  option redispatch 1\n  retry-on conn-failure\n\
                frontend lms\n  bind {front}\n  default_backend hosts\n\
                backend hosts\n  balance roundrobin\n  option httpchk GET /.well-known/spin/health\n  \
                default-server check inter 500ms fall 1 rise 1\n{servers}\
                frontend statistics\n  bind {statistics}\n  stats enable\n  stats uri /\n"
            ),
        )?;
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdout(File::create(directory.join("haproxy.log"))?)
            .stderr(File::create(directory.join("haproxy.err"))?)
            .kill_on_drop(true)
            .spawn()
            .context("haproxy is missing: scripts/test-tools.sh installs it")?;
        Ok(Self {
            url: format!("http://{front}"),
            statistics: format!("http://{statistics}/;csv"),
            _process: process,
        })
    }

    /// Waits until the balancer sends requests to a host.
    pub(crate) async fn until_up(&self, host: &Host) -> Result<()> {
        let line = format!("hosts,{},", host.name);
        until(
            &format!("host {} is up at the balancer", host.name),
            async || {
                let Ok(answer) = reqwest::get(&self.statistics).await else {
                    return false;
                };
                let text = answer.text().await.unwrap_or_default();
                text.lines().any(|entry| {
                    entry.starts_with(&line) && entry.split(',').any(|field| field == "UP")
                })
            },
        )
        .await
    }
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> Result<()> {
    let waiting = async {
        while !is_so().await {
            sleep(POLL_INTERVAL).await;
        }
    };
    timeout(WAIT_TIMEOUT, waiting)
        .await
        .with_context(|| format!("timed out waiting until {what}"))
}
