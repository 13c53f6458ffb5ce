//! Starts the two measured services, each as a process of its own, and stops them when their value is dropped.
//! The load on them is generated in `load`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Full;

use super::load::Client;

/// The timeout of a start, of which the first one compiles the components.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// A running service.
pub(super) struct Server {
    process: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts the components on the embedded host, as this program with [`serve`].
    pub(super) async fn components(
        state: &Path,
        manifest: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command
            .arg("--state")
            .arg(state)
            .arg("bench")
            .arg("--manifest")
            .arg(manifest);
        for (name, value) in variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        Self::start(command, "LMS_BENCH_LISTEN").await
    }

    /// Starts the native service.
    pub(super) async fn native(
        program: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        for name in ["database_url", "region", "signing_keys"] {
            let value = variables
                .get(name)
                .with_context(|| format!("the variable {name} has no value"))?;
            command.env(name.to_uppercase(), value);
        }
        Self::start(command, "LISTEN").await
    }

    /// Starts a program with its address in the variable `listen`, and waits until it responds.
    async fn start(mut command: Command, listen: &str) -> Result<Self> {
        let address = free_address()?;
        let process = command
            .env(listen, address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let mut server = Self { process, address };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Returns the process id.
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let request = Request::get("/healthz")
            .header(HOST, "localhost")
            .body(Full::<Bytes>::default())?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("the measured service ended at once ({status}): see its message above");
            }
            let failed = match Client::connect(self.address).await {
                Ok(mut client) => match client.send(request.clone()).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if began.elapsed() > START_TIMEOUT {
                return Err(failed.context("the measured service does not respond"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The service has no state of its own, so it can be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Finds a program in the directory of this one.
pub(super) fn sibling_program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("the path of this program is unknown")?;
    let program = own.with_file_name(name);
    if !program.is_file() {
        bail!(
            "{} is missing: build it (make lab) and try again",
            program.display()
        );
    }
    Ok(program)
}

/// Returns a free loopback address.
fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

/// Serves the application as the measured process until it is killed.
pub(super) async fn serve(state: &Path, manifest: &Path, address: SocketAddr) -> Result<()> {
    let application = host::Runtime::new(&state.join("cache"))?
        .load(manifest, host::variables_from_environment())?
        .with_health_check_paths(&local::serve::HEALTH_CHECK_PATHS);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    application.serve(listener, std::future::pending()).await
}
