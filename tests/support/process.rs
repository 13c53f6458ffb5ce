//! Starts long-running commands of `lms`, and keeps what they print.
//! Commands that end by themselves are run by `program`.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::sent_values::SentValues;
use crate::{Application, program, root};

/// The commands that print nothing but a log.
const WITH_LOG: [&str; 2] = ["serve", "worker"];

/// The wait before a process is asked again.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a process may take to become ready, or to stop.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Returns an address that no one listens on.
///
/// # Errors
///
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A running command of `lms`.
pub struct Process {
    child: Child,
    directory: TempDir,
    /// The values that may not be in its log, if it prints one.
    sent: Option<Arc<SentValues>>,
}

/// The output of a command.
#[derive(Debug)]
pub struct Printed {
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Printed {
    /// Returns all lines of both streams.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.output.lines().chain(self.errors.lines())
    }
}

impl Process {
    /// Starts a command with the variables of the application, of which some are changed.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(
        app: &Application,
        arguments: &[&str],
        changes: &[(&str, &str)],
    ) -> Result<Process> {
        Self::start_in(app, arguments, changes, &[])
    }

    /// Starts a command in this environment, with the variables of the application, of which some
    /// are changed.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_in(
        app: &Application,
        arguments: &[&str],
        changes: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        let directory = tempfile::tempdir()?;
        let mut variables = app.variables.clone();
        for (name, value) in changes {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        let variables = variables
            .iter()
            .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
        let child = Command::new(program())
            .current_dir(root())
            .args(["--state", ".lms/test"])
            .args(arguments)
            .envs(variables)
            .env("DATABASE_URL", &app.superuser_url)
            .envs(environment.iter().copied())
            .stdout(File::create(output(directory.path()))?)
            .stderr(File::create(errors(directory.path()))?)
            .kill_on_drop(true)
            .spawn()?;
        let has_log = arguments
            .first()
            .is_some_and(|command| WITH_LOG.contains(command));
        Ok(Process {
            child,
            directory,
            sent: has_log.then(|| Arc::clone(&app.sent)),
        })
    }

    /// Starts a host with further options, and returns it with its base URL once it listens. Its
    /// variables and environment are changed as those of any other command.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or ends.
    pub async fn serve(
        app: &Application,
        options: &[&str],
        changes: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<(Process, String)> {
        let address = free_address()?.to_string();
        let mut arguments = vec!["serve", "--listen", &address, "--drain", "0"];
        arguments.extend(options);
        let mut host = Self::start_in(app, &arguments, changes, environment)?;
        host.printed_until("the host listens", |printed| {
            printed.output.contains(&address)
        })
        .await?;
        Ok((host, format!("http://{address}")))
    }

    /// Waits until what the command has printed is as expected.
    ///
    /// # Errors
    ///
    /// When it ends, or takes too long.
    pub async fn printed_until(
        &mut self,
        expectation: &str,
        condition: impl Fn(&Printed) -> bool,
    ) -> Result<Printed> {
        let wait = async {
            loop {
                let ended = self.child.try_wait()?;
                let printed = printed(self.directory.path())?;
                if condition(&printed) {
                    return Ok(printed);
                }
                ensure!(ended.is_none(), "it has ended: {printed:?}");
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, wait)
            .await
            .context("it takes too long")
            .flatten()
            .with_context(|| expectation.to_owned())
    }

    /// Stops the command as a service manager does, and returns what it has printed.
    ///
    /// # Errors
    ///
    /// When it does not stop, or fails, or its log contains a value that the test has sent.
    pub async fn stop(mut self) -> Result<Printed> {
        let id = self.child.id().context("it has ended by itself")?;
        kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
        let status = tokio::time::timeout(TIMEOUT, self.child.wait())
            .await
            .context("it does not stop")??;
        let printed = printed(self.directory.path())?;
        ensure!(status.success(), "{printed:?}");
        if let Some(sent) = &self.sent {
            sent.ensure_absent(&printed.output)?;
            sent.ensure_absent(&printed.errors)?;
        }
        Ok(printed)
    }
}

fn output(directory: &Path) -> PathBuf {
    directory.join("output")
}

fn errors(directory: &Path) -> PathBuf {
    directory.join("errors")
}

fn printed(directory: &Path) -> Result<Printed> {
    let read = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Printed {
        output: read(output(directory))?,
        errors: read(errors(directory))?,
    })
}
