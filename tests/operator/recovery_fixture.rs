//! The fixture of the recovery tests: a durable cluster and cells with local repositories.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use local::cluster::{self, Cluster, Durability, Settings};
use tempfile::TempDir;
use tokio_postgres::Client;

/// A cluster with its files.
pub(crate) struct RecoveryFixture {
    pub(crate) directory: PathBuf,
    pub(crate) state: PathBuf,
    cluster: Cluster,
}

/// Creates a directory that the server's account can enter.
pub(crate) fn directory() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()?)
}

/// Runs a test on a new cluster and stops the cluster afterwards.
pub(crate) async fn with_recovery_fixture(
    cells: &[&str],
    test: impl AsyncFnOnce(&mut RecoveryFixture) -> Result<()>,
) -> Result<()> {
    let directory = directory()?;
    let path = directory.path().to_owned();
    fs::create_dir(path.join("cells"))?;
    fs::write(path.join("passphrase"), "correct horse battery staple\n")?;
    let state = path.join("state");
    let mut fixture = RecoveryFixture {
        cluster: start(&state).await?,
        directory: path,
        state: state.clone(),
    };
    for cell in cells {
        fixture.define(cell, cell)?;
    }
    let outcome = test(&mut fixture).await;
    cluster::stop(&state).await?;
    outcome
}

/// Writes the definition of a cell with these repositories into a directory.
pub(crate) fn write_definition(
    directory: &Path,
    cell: &str,
    repositories: &[PathBuf],
) -> Result<()> {
    let (region, retention) = cell.split_once('-').context("not the name of a cell")?;
    let mut text = format!(
        "region = '{region}'\nretention = '{retention}'\nurl = 'https://{cell}.example.com'\n\
        [database]\nhost = 'database.{cell}.example.com'\nport = 5432\nname = 'lms'\n\
        [backup]\narchive_timeout = 60\n"
    );
    for path in repositories {
        text.push_str(&format!(
            "[[backup.repositories]]\ntype = 'posix'\npath = '{}'\n",
            path.display()
        ));
    }
    Ok(fs::write(directory.join(format!("{cell}.toml")), text)?)
}

/// Starts a durable cluster.
pub(crate) async fn start(state: &Path) -> Result<Cluster> {
    Cluster::start(&Settings {
        directory: state.to_owned(),
        durability: Durability::Safe,
    })
    .await
}

impl RecoveryFixture {
    /// Returns the database URL of the superuser.
    pub(crate) fn address(&self) -> String {
        self.cluster.superuser_url()
    }

    /// Starts the cluster again.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.cluster = start(&self.state).await?;
        Ok(())
    }

    /// Returns a path in the directory of the test.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Returns the path of a cell's repository.
    pub(crate) fn repository(&self, cell: &str, number: usize) -> PathBuf {
        self.directory.join(format!("{cell}-{number}"))
    }

    /// Writes the definition of a cell whose repositories are named after `owner`.
    pub(crate) fn define(&self, cell: &str, owner: &str) -> Result<()> {
        let count = if cell.contains("regulated") { 2 } else { 1 };
        let repositories: Vec<PathBuf> = (1..=count)
            .map(|number| self.repository(owner, number))
            .collect();
        write_definition(&self.directory.join("cells"), cell, &repositories)
    }

    /// Runs the program on this cluster.
    pub(crate) async fn lms(&self, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
        self.lms_at(&self.state, arguments).await
    }

    /// Runs the program on another cluster.
    pub(crate) async fn lms_at(
        &self,
        state: &Path,
        arguments: &[&str],
    ) -> Result<(Option<i32>, String, String)> {
        let output = tokio::process::Command::new(tests::program())
            .arg("--state")
            .arg(state)
            .args(arguments)
            .env("LMS_CELLS", self.directory.join("cells"))
            .env(
                "LMS_BACKUP_PASSPHRASE_FILE",
                self.directory.join("passphrase"),
            )
            .env_remove("DATABASE_URL")
            .output()
            .await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
        Ok((
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        ))
    }

    async fn backup(&self, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
        self.lms(&[&["backup"], arguments].concat()).await
    }

    /// Runs `lms backup`, which must succeed.
    pub(crate) async fn backup_succeeds(
        &self,
        arguments: &[&str],
        expected_message: &str,
    ) -> Result<()> {
        let (code, printed, errors) = self.backup(arguments).await?;
        ensure!(code == Some(0), "{arguments:?}: {printed}{errors}");
        ensure!(
            printed.contains(expected_message),
            "{arguments:?}: {printed}"
        );
        Ok(())
    }

    /// Runs `lms backup`, which must fail and explain why in one line.
    pub(crate) async fn backup_fails(
        &self,
        arguments: &[&str],
        expected_message: &str,
    ) -> Result<()> {
        let (code, printed, errors) = self.backup(arguments).await?;
        ensure!(code == Some(1), "{arguments:?}: {printed}{errors}");
        let line = printed
            .lines()
            .chain(errors.lines())
            .find(|line| line.contains(expected_message));
        ensure!(line.is_some(), "{arguments:?}: {printed}\n{errors}");
        ensure!(errors.lines().count() <= 1, "{arguments:?}: {errors}");
        Ok(())
    }

    /// Configures the backups of a cell, which restarts the cluster.
    pub(crate) async fn configure(&mut self, cell: &str) -> Result<()> {
        self.backup_succeeds(&["configure", "--cell", cell], "archives to")
            .await?;
        self.start().await
    }

    /// Returns the settings made by `alter system`.
    pub(crate) async fn settings(&self) -> Result<String> {
        let path = self.state.join("postgres/postgresql.auto.conf");
        Ok(fs::read_to_string(path)?)
    }

    /// Writes a file that belongs to the server's account.
    pub(crate) fn write_as_server(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let owner = fs::metadata(path.parent().context("no parent")?)?;
        fs::write(path, bytes)?;
        Ok(chown(path, Some(owner.uid()), Some(owner.gid()))?)
    }
}

/// Returns the database's time as the program expects it.
pub(crate) async fn now(client: &Client) -> Result<String> {
    let row = client
        .query_one(
            "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            &[],
        )
        .await
        .map_err(database::explain)?;
    Ok(row.get(0))
}

/// Returns the files below a directory with matching names, sorted and without links.
pub(crate) fn files(
    directory: &Path,
    is_wanted: impl Fn(&str) -> bool + Copy,
) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files(&entry.path(), is_wanted)?);
        } else if kind.is_file() && is_wanted(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Writes zeros to a file until the disk is full.
pub(crate) fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let zeros = [0; 4096];
    loop {
        match file.write_all(&zeros) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => bail!("cannot fill the disk: {error}"),
        }
    }
}

/// A small file system in memory (tmpfs), unmounted when the value is dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it as root or through sudo.
    pub(crate) fn mount(path: &Path) -> Result<Self> {
        fs::create_dir(path)?;
        let status = privileged("mount")
            .args(["-t", "tmpfs", "-o", "size=128m,mode=0777", "tmpfs"])
            .arg(path)
            .status()?;
        ensure!(status.success(), "cannot mount a tmpfs");
        Ok(Self(path.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The lazy unmount takes effect at once and completes when the last process is done.
        let _ = privileged("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn privileged(program: &str) -> Command {
    if nix::unistd::Uid::effective().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}
