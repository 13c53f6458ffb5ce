//! Creates, starts and stops a private PostgreSQL cluster for development and tests.
//! Its databases are filled in `installation`.

mod location;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use operations::postgresql::{Account, VERSION, find_programs, free_port, running_process};
use operations::{backup, server_log};

use crate::secrets::Secrets;

/// The database that the cluster serves.
pub const DATABASE: &str = "lms";

/// The durability of commits when the machine crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit survives a crash.
    Safe,
    /// Nothing is flushed to disk, for clusters that a test run discards.
    Unsafe,
}

/// The settings of a cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The state directory for the cluster and its secrets, such as `.lms`.
    pub directory: PathBuf,
    /// Safe for development, unsafe for tests.
    pub durability: Durability,
}

/// A running cluster.
pub struct Cluster {
    account: Account,
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    secrets: Secrets,
    started: bool,
}

/// The state of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The cluster does not exist yet.
    Absent,
    /// The cluster exists and does not run.
    Stopped,
    /// The cluster runs with this process id.
    Running(u32),
}

impl Cluster {
    /// Starts the cluster of `settings.directory`, creating it if it does not exist. A running cluster is used as it is.
    pub async fn start(settings: &Settings) -> Result<Self> {
        let programs = find_programs()?;
        let account = Account::find()?;
        let state = location::prepare_state(&settings.directory, &account)?;
        // Two programs that start concurrently, as test binaries do, must not both create the cluster.
        let _lock = lock(&state).await?;
        let secrets = Secrets::load_or_create(&state)?;
        let data = location::data_directory(&state, &account).await?;
        let created = !data.exists();
        let mut cluster = Self {
            account,
            programs,
            data,
            port: 0,
            secrets,
            started: false,
        };
        if created {
            location::check_space(&state)?;
            cluster.create().await?;
        }
        location::check_owner(&cluster.data, &cluster.account)?;
        cluster.check_version()?;
        match running_process(&cluster.data) {
            Some(_) => {
                cluster.port = cluster
                    .configured_port()
                    .context("the port of the running cluster is unknown: stop it with `lms cluster stop` and try again")?
            }
            None => {
                cluster.launch(settings.durability).await?;
                cluster.started = true;
            }
        }
        if let Err(error) = cluster.create_database().await {
            if cluster.started {
                // The first error is the one to report.
                let _ = cluster.stop().await;
            }
            return Err(error);
        }
        Ok(cluster)
    }

    /// Returns whether this value started the cluster, because it did not run before.
    pub fn was_started(&self) -> bool {
        self.started
    }

    /// Stops the server and ends its open sessions.
    pub async fn stop(&self) -> Result<()> {
        stop_server(&self.programs, &self.account, &self.data).await
    }

    /// Returns the URL of the database `lms` for the superuser.
    pub fn superuser_url(&self) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{DATABASE}",
            self.secrets.superuser_password, self.port
        )
    }

    /// Returns the cluster's secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Returns the port that the server listens on, on the loopback address only.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the server for backups of the cluster.
    pub fn backup_server(&self) -> backup::Server {
        backup::Server::new(self.account.clone(), &self.data, self.superuser_url())
    }

    async fn create(&self) -> Result<()> {
        // The cluster is created under another name and then renamed, so that an interrupted creation leaves none with this name.
        let unfinished = self.data.with_extension("new");
        let password = self.data.with_extension("password");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)
                .with_context(|| format!("cannot remove {}", unfinished.display()))?;
        }
        fs::create_dir(&unfinished)
            .with_context(|| format!("cannot create {}", unfinished.display()))?;
        self.account.own(&unfinished)?;
        operations::private_file::write_private(&password, &self.secrets.superuser_password)?;
        self.account.own(&password)?;
        let mut command = self.account.command(self.programs.join("initdb"));
        command
            .arg("-D")
            .arg(&unfinished)
            .args([
                "-U",
                "postgres",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--data-checksums",
            ])
            .arg(format!("--pwfile={}", password.display()));
        let created = programs::run(command, "create the database cluster").await;
        fs::remove_file(&password)
            .with_context(|| format!("cannot remove {}", password.display()))?;
        created?;
        let configuration = unfinished.join("postgresql.conf");
        let mut text = fs::read_to_string(&configuration)
            .with_context(|| format!("cannot read {}", configuration.display()))?;
        text.push_str("\ninclude = 'lms.conf'\n");
        fs::write(&configuration, text)
            .with_context(|| format!("cannot write {}", configuration.display()))?;
        fs::rename(&unfinished, &self.data)
            .with_context(|| format!("cannot create {}", self.data.display()))
    }

    async fn launch(&mut self, durability: Durability) -> Result<()> {
        location::check_space(&self.data)?;
        programs::remove_stale_lock(&self.data)?;
        self.port = free_port(self.configured_port())?;
        let configuration = self.data.join("lms.conf");
        fs::write(&configuration, configuration_text(self.port, durability))
            .with_context(|| format!("cannot write {}", configuration.display()))?;
        self.account.own(&configuration)?;
        let log = self.data.join("server.log");
        // Each start has a log of its own, so that an error of an earlier start is not reported again.
        fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
        self.account.own(&log)?;
        let mut command = self.account.command(self.programs.join("pg_ctl"));
        command
            .arg("start")
            .arg("-D")
            .arg(&self.data)
            .arg("-l")
            .arg(&log)
            .args(["-w", "-t", "120", "-s"]);
        // A pipe would stay open until the server stops.
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let status = command
            .status()
            .await
            .context("cannot start PostgreSQL: pg_ctl cannot be run")?;
        if !status.success() {
            let text = fs::read_to_string(&log).unwrap_or_default();
            return Err(anyhow!(
                "PostgreSQL does not start: {} (log: {})",
                programs::reason(&text),
                log.display()
            ));
        }
        Ok(())
    }

    async fn create_database(&self) -> Result<()> {
        let administration = database::with_database(&self.superuser_url(), "postgres")?;
        let client = database::connect(&administration).await?;
        let exists = client
            .query_opt("select from pg_database where datname = $1", &[&DATABASE])
            .await
            .map_err(database::explain)?;
        if exists.is_none() {
            client
                .batch_execute(&format!("create database {DATABASE}"))
                .await
                .map_err(database::explain)?;
        }
        Ok(())
    }

    fn check_version(&self) -> Result<()> {
        let file = self.data.join("PG_VERSION");
        let version = fs::read_to_string(&file).with_context(|| {
            format!(
                "{} is not a database cluster: remove it to start over",
                self.data.display()
            )
        })?;
        if version.trim() != VERSION {
            bail!(
                "the database cluster {} belongs to PostgreSQL {}, but this program needs {VERSION}: remove it to start over",
                self.data.display(),
                version.trim()
            );
        }
        Ok(())
    }

    fn configured_port(&self) -> Option<u16> {
        let text = fs::read_to_string(self.data.join("lms.conf")).ok()?;
        text.lines()
            .find_map(|line| line.strip_prefix("port = ")?.trim().parse().ok())
    }
}

/// Creates the state directory if it does not exist, and returns its absolute path.
pub fn state_directory(directory: &Path) -> Result<PathBuf> {
    location::prepare_state(directory, &Account::own_account())
}

/// Creates a state directory and returns the data directory of its cluster, which need not exist yet.
pub async fn data_directory(state: &Path) -> Result<PathBuf> {
    let account = Account::find()?;
    let state = location::prepare_state(state, &account)?;
    location::data_directory(&state, &account).await
}

/// Returns the state of the cluster in a state directory.
pub fn status(directory: &Path) -> Status {
    // The name may be a link to a directory elsewhere.
    match directory.join("postgres").canonicalize() {
        Ok(data) => running_process(&data).map_or(Status::Stopped, Status::Running),
        Err(_) => Status::Absent,
    }
}

/// Returns the cluster in a state directory if it runs.
pub async fn running(directory: &Path) -> Result<Option<Cluster>> {
    match status(directory) {
        Status::Running(_) => {
            let settings = Settings {
                directory: directory.to_owned(),
                durability: Durability::Safe,
            };
            Cluster::start(&settings).await.map(Some)
        }
        Status::Stopped | Status::Absent => Ok(None),
    }
}

/// Stops the cluster in a state directory if it runs.
pub async fn stop(directory: &Path) -> Result<()> {
    match directory.join("postgres").canonicalize() {
        Ok(data) => stop_server(&find_programs()?, &Account::find()?, &data).await,
        Err(_) => Ok(()),
    }
}

async fn stop_server(programs: &Path, account: &Account, data: &Path) -> Result<()> {
    if running_process(data).is_none() {
        return Ok(());
    }
    let mut command = account.command(programs.join("pg_ctl"));
    command
        .arg("stop")
        .arg("-D")
        .arg(data)
        .args(["-m", "fast", "-w", "-t", "60", "-s"]);
    programs::run(command, "stop PostgreSQL").await
}

async fn lock(state: &Path) -> Result<fs::File> {
    let path = state.join("cluster.lock");
    let file =
        fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    tokio::task::spawn_blocking(move || file.lock().map(|()| file))
        .await
        .context("waiting for another start of the cluster was interrupted")?
        .with_context(|| format!("cannot lock {}", path.display()))
}

fn configuration_text(port: u16, durability: Durability) -> String {
    let mut text = format!(
        "# Written at each start, which overwrites changes.\n\
         port = {port}\n\
         listen_addresses = '127.0.0.1'\n\
         unix_socket_directories = ''\n\
         password_encryption = 'scram-sha-256'\n\
         max_connections = 200\n\
         shared_buffers = '256MB'\n\
         maintenance_work_mem = '256MB'\n\
         max_wal_size = '4GB'\n\
         checkpoint_timeout = '15min'\n\
         random_page_cost = 1.1\n\
         jit = off\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n"
    );
    for (name, value) in server_log::SETTINGS {
        text.push_str(&format!("{name} = {value}\n"));
    }
    if durability == Durability::Unsafe {
        text.push_str("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_logs_no_values() {
        let text = configuration_text(1, Durability::Safe);
        for line in [
            "log_error_verbosity = terse\n",
            "log_min_error_statement = panic\n",
            "log_parameter_max_length_on_error = 0\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn only_the_unsafe_cluster_turns_off_fsync() {
        assert!(!configuration_text(1, Durability::Safe).contains("fsync"));
        assert!(configuration_text(1, Durability::Unsafe).contains("fsync = off"));
    }
}
