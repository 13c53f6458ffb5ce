//! Starts the two measured services, each as a process of its own, and stops them when their value is dropped. `delay_proxy`
//! stands between them and a database that is a network away, and the load on them is generated in `load`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Full;
use url::Url;

use super::delay_proxy::DelayProxy;
use super::load::Client;

/// The timeout of a start, of which the first one compiles the components.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// How the services are started.
pub(super) struct Settings {
    /// The directory of the measured process, with its caches.
    pub(super) state: PathBuf,
    /// The application.
    pub(super) manifest: PathBuf,
    /// The program of the native service.
    pub(super) native: PathBuf,
    /// The application's variables.
    pub(super) variables: BTreeMap<String, String>,
}

/// Both services, at the same distance from their database.
pub(super) struct Services {
    /// The components on the embedded host.
    pub(super) components: Server,
    /// The conventional native service.
    pub(super) native: Server,
}

impl Services {
    /// Starts both services. With a delay, each reaches its database through a proxy of its own.
    pub(super) async fn start(settings: &Settings, delay: Option<Duration>) -> Result<Self> {
        let Settings {
            state,
            manifest,
            native,
            variables,
        } = settings;
        let (proxy, routed) = route(variables, delay).await?;
        let components = Server::components(state, manifest, &routed, proxy).await?;
        let (proxy, routed) = route(variables, delay).await?;
        let native = Server::native(native, &routed, proxy).await?;
        Ok(Self { components, native })
    }
}

/// Returns the variables of a service, and the proxy that its database's address leads to if there is a delay.
async fn route(
    variables: &BTreeMap<String, String>,
    delay: Option<Duration>,
) -> Result<(Option<DelayProxy>, BTreeMap<String, String>)> {
    let mut variables = variables.clone();
    let Some(delay) = delay else {
        return Ok((None, variables));
    };
    let text = variables
        .get("database_url")
        .context("the variable database_url has no value")?;
    let mut url = Url::parse(text).context("the database address is not a URL")?;
    let host = url
        .host_str()
        .context("the database address has no host")?
        .to_owned();
    let target = format!("{host}:{}", url.port().unwrap_or(5432));
    let proxy = DelayProxy::start(target, delay).await?;
    let (host, port) = (proxy.address.ip().to_string(), proxy.address.port());
    url.set_host(Some(&host))?;
    url.set_port(Some(port))
        .map_err(|()| anyhow!("the database address can have no port"))?;
    variables.insert("database_url".to_owned(), url.into());
    // The manifest allows connections to this host and port.
    variables.insert("database_host".to_owned(), host);
    variables.insert("database_port".to_owned(), port.to_string());
    Ok((Some(proxy), variables))
}

/// A running service.
pub(super) struct Server {
    process: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The proxy between it and its database, if that is a network away.
    proxy: Option<DelayProxy>,
}

impl Server {
    /// Starts the components on the embedded host, as this program with [`serve`].
    async fn components(
        state: &Path,
        manifest: &Path,
        variables: &BTreeMap<String, String>,
        proxy: Option<DelayProxy>,
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
        Self::start(command, "LMS_BENCH_LISTEN", proxy).await
    }

    /// Starts the native service.
    async fn native(
        program: &Path,
        variables: &BTreeMap<String, String>,
        proxy: Option<DelayProxy>,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        for name in ["database_url", "region", "signing_keys"] {
            let value = variables
                .get(name)
                .with_context(|| format!("the variable {name} has no value"))?;
            command.env(name.to_uppercase(), value);
        }
        Self::start(command, "LISTEN", proxy).await
    }

    /// Starts a program with its address in the variable `listen`, and waits until it responds.
    async fn start(mut command: Command, listen: &str, proxy: Option<DelayProxy>) -> Result<Self> {
        let address = free_address()?;
        let process = command
            .env(listen, address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let mut server = Self {
            process,
            address,
            proxy,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Returns the process id.
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Returns the number of its round trips to the database so far, if that is a network away.
    pub(super) fn round_trips(&self) -> Option<u64> {
        self.proxy.as_ref().map(DelayProxy::round_trips)
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
