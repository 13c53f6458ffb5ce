//! The two services under measurement, each a process of its own: started, waited for, and ended with the value.

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

/// How long a service may take until it answers; the first start compiles the components.
const START: Duration = Duration::from_secs(300);

/// A running service.
pub(super) struct Server {
    process: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// The components on the embedded host: this program once more, see [`serve`].
    pub(super) async fn components(
        state: &Path,
        manifest: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
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

    /// The native service.
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

    /// Starts a program, tells it in the variable `listen` where to, and waits until it answers.
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

    /// The process's number.
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
                bail!(
                    "the service to be measured ended at once ({status}); its reason stands above"
                );
            }
            let failed = match Client::connect(self.address).await {
                Ok(mut client) => match client.send(request.clone()).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if began.elapsed() > START {
                return Err(failed.context("the service to be measured does not begin to answer"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost with it: it has no state of its own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program that is built beside this one.
pub(super) fn beside(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    let program = own.with_file_name(name);
    if !program.is_file() {
        bail!(
            "{} is missing: build it (make lab) and try again",
            program.display()
        );
    }
    Ok(program)
}

/// A loopback address that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

/// Serves the application, as the process that is measured, until it is ended.
pub(super) async fn serve(state: &Path, manifest: &Path, address: SocketAddr) -> Result<()> {
    let application = host::Runtime::new(&state.join("cache"))?
        .load(manifest, host::variables_from_environment())?
        .with_health_check_paths(&local::serve::HEALTH);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    application.serve(listener, std::future::pending()).await
}
