//! `lms cell up`: runs several cells on one machine, each as a process of `lms up` with a state directory of its own, so that
//! they share no cluster, credential or key. The definitions of production cells are read in `operations::cell`.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use database::cell::Name;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operations::progress::step;
use tokio::process::{Child, Command as AsyncCommand};
use worker::stop::Stop;

use crate::demo::Demo;
use crate::manifest;

/// The distance between the ports of two cells, which leaves room for their outboxes.
const PORT_STEP: u16 = 10;

/// The interval at which a starting cell is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The options of `lms cell up`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The parent directory of the cells' state directories.
    pub state: PathBuf,
    /// The names of the cells.
    pub names: Vec<Name>,
    /// The port of the first cell.
    pub port: u16,
    /// The application's manifest.
    pub manifest: PathBuf,
}

/// A running cell.
struct Running {
    name: Name,
    url: String,
    state: PathBuf,
    process: Child,
}

/// Starts the cells, prints how to reach them, and stops them on a signal.
///
/// # Errors
///
/// When a cell does not start, or ends by itself. The error has the last line of its log, and the other cells are stopped.
pub async fn run(options: &Options) -> Result<()> {
    manifest::check_built(&options.manifest)?;
    let mut stop = Stop::new()?;
    let mut cells = Vec::new();
    let outcome = tokio::select! {
        outcome = serve(options, &mut cells) => outcome,
        () = stop.received() => Ok(()),
    };
    for cell in &mut cells {
        cell.stop().await;
    }
    outcome
}

async fn serve(options: &Options, cells: &mut Vec<Running>) -> Result<()> {
    let urls = urls(options)?;
    for (name, url) in options.names.iter().zip(&urls) {
        let step = step(name.as_str());
        let mut cell = start(options, name, url, &urls)?;
        let ready = cell.wait_until_ready().await;
        cells.push(cell);
        ready?;
        step.done(&format!("listening on {url}"));
    }
    let mut output = std::io::stdout();
    // A closed standard output is no reason to stop serving.
    let _ = output
        .write_all(welcome(cells)?.as_bytes())
        .and_then(|()| output.flush());
    let ends = cells.iter_mut().map(|cell| Box::pin(cell.ended()));
    futures::future::select_all(ends).await.0
}

/// Returns the base URL of each cell, in the order of their names.
fn urls(options: &Options) -> Result<Vec<String>> {
    let mut port = options.port;
    let mut urls = Vec::new();
    for _ in &options.names {
        urls.push(format!("http://127.0.0.1:{port}"));
        port = port
            .checked_add(PORT_STEP)
            .context("the ports of the cells exceed 65535: choose a lower one with --port")?;
    }
    Ok(urls)
}

fn start(options: &Options, name: &Name, url: &str, urls: &[String]) -> Result<Running> {
    let state = options.state.join(name.as_str());
    fs::create_dir_all(&state).with_context(|| format!("cannot create {}", state.display()))?;
    let path = state.join("up.log");
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut command = Command::new(std::env::current_exe().context("this program has no path")?);
    command
        .arg("--state")
        .arg(&state)
        .args(["up", "--cell", name.as_str(), "--listen"])
        .arg(url.trim_start_matches("http://"))
        .arg("--manifest")
        .arg(&options.manifest);
    for (other, url) in options.names.iter().zip(urls) {
        if other.region() != name.region() {
            let region = other.region().as_str();
            command.arg("--region-url").arg(format!("{region}={url}"));
        }
    }
    command
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share the log")?)
        .stderr(log)
        // In a process group of their own, the cells don't receive Ctrl-C, and this process stops them in order.
        .process_group(0);
    let process = AsyncCommand::from(command)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start the cell {name}"))?;
    Ok(Running {
        name: name.clone(),
        url: url.to_owned(),
        state,
        process,
    })
}

impl Running {
    async fn wait_until_ready(&mut self) -> Result<()> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("cannot create an HTTP client")?;
        let address = format!("{}/readyz", self.url);
        loop {
            tokio::select! {
                ended = self.ended() => return ended,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            let response = client.get(&address).send().await;
            if response.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
        }
    }

    /// Waits until the process ends, which is always an error.
    async fn ended(&mut self) -> Result<()> {
        let status = self
            .process
            .wait()
            .await
            .with_context(|| format!("cannot wait for the cell {}", self.name))?;
        let log = self.state.join("up.log");
        bail!(
            "the cell {} ended unexpectedly ({status}): {} (log: {})",
            self.name,
            last_line(&log),
            log.display()
        )
    }

    async fn stop(&mut self) {
        let Some(process) = self.process.id().and_then(|id| i32::try_from(id).ok()) else {
            return;
        };
        // A process that has just ended needs no signal.
        let _ = kill(Pid::from_raw(process), Signal::SIGTERM);
        let _ = self.process.wait().await;
    }
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("its log is empty").to_owned()
}

/// Returns a table of the cells with their URLs and a sign-in for each tenant.
fn welcome(cells: &[Running]) -> Result<String> {
    let mut text = format!(
        "\n{:<18}{:<26}{:<12}{:<28}PASSWORD\n",
        "CELL", "URL", "TENANT", "E-MAIL"
    );
    for cell in cells {
        let demo = Demo::read(&cell.state)?;
        for tenant in &demo.tenants {
            for user in tenant.users.iter().take(1) {
                text.push_str(&format!(
                    "{:<18}{:<26}{:<12}{:<28}{}\n",
                    cell.name.as_str(),
                    cell.url,
                    tenant.slug,
                    user.email,
                    user.password
                ));
            }
        }
    }
    text.push_str("\nPress Ctrl-C to stop the cells.\n");
    Ok(text)
}
