//! Tests that data of one region is in no file of the others, with three cells that are in separate
//! networks where the system permits it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use local::demo::Demo;
use nix::sched::{CloneFlags, setns};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use tokio::process::Child;
use uuid::Uuid;

/// A running cell.
struct Cell {
    name: &'static str,
    url: String,
    state: PathBuf,
    process: Child,
    /// The cell's network namespace, if it has one.
    network: Option<PathBuf>,
}

const CELLS: [(&str, &str, u16); 3] = [
    ("eu-standard", "eu", 3110),
    ("au-standard", "au", 3120),
    ("us-standard", "us", 3130),
];

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Returns whether this user may create network namespaces.
fn has_networks() -> bool {
    let created = Command::new("unshare")
        .args(["--net", "ip", "link", "set", "lo", "up"])
        .stderr(Stdio::null())
        .status();
    created.is_ok_and(|status| status.success())
}

fn start(directory: &Path, index: usize, networks: bool) -> Result<Cell> {
    let (name, region, port) = CELLS[index];
    let program = tests::program();
    let mut command = if networks {
        let mut command = tokio::process::Command::new("unshare");
        command
            .args(["--net", "sh", "-c"])
            .arg("ip link set lo up && exec \"$0\" \"$@\"")
            .arg(program);
        command
    } else {
        tokio::process::Command::new(program)
    };
    let state = directory.join(name);
    let listen = format!("127.0.0.1:{port}");
    command
        .current_dir(tests::root())
        .env_remove("DATABASE_URL")
        .arg("--state")
        .arg(&state)
        .args(["up", "--cell", name, "--listen", &listen]);
    for (_, other, port) in CELLS.iter().filter(|(_, other, _)| *other != region) {
        command.args(["--region-url", &format!("{other}={}", url(*port))]);
    }
    let log = File::create(directory.join(format!("{name}.log")))?;
    let process = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let id = process.id().context("it has ended")?;
    Ok(Cell {
        name,
        url: url(port),
        state,
        process,
        network: networks.then(|| PathBuf::from(format!("/proc/{id}/ns/net"))),
    })
}

impl Cell {
    /// Runs a client in the cell's network.
    async fn inside<T: Send + 'static>(
        &self,
        task: impl AsyncFnOnce(Client) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let network = self.network.clone();
        let name = self.name;
        // A network namespace belongs to a thread, so the client gets one of its own.
        let thread = std::thread::spawn(move || {
            if let Some(network) = network {
                let network = File::open(&network)
                    .with_context(|| format!("{name} has no network any more"))?;
                setns(network, CloneFlags::CLONE_NEWNET)?;
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(task(Client::builder().no_proxy().build()?))
        });
        let joined = tokio::task::spawn_blocking(move || thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the client of {name} panicked"))?
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended: {status}", self.name);
            }
            let address = format!("{}/readyz", self.url);
            // The namespace exists once the service responds in it.
            let ready = self
                .inside(async move |client| Ok(client.get(address).send().await?.status()))
                .await;
            if ready.is_ok_and(|status| status == StatusCode::OK) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn stop(&mut self) -> Result<()> {
        let id = i32::try_from(self.process.id().context("it has ended")?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::SIGTERM)?;
        let status = self.process.wait().await?;
        ensure!(status.success(), "{} ended: {status}", self.name);
        Ok(())
    }
}

/// Sends requests with the marker to the EU cell, and returns an access token.
async fn write_marked_data(
    client: &Client,
    url: &str,
    demo: &Demo,
    marker: &str,
) -> Result<String> {
    let admin = &demo.tenants[0].users[0];
    let login = |password: &str, email: &str| json!({"tenant": demo.tenants[0].slug, "email": email, "password": password});
    let session = client
        .post(format!("{url}/v1/auth/login"))
        .json(&login(&admin.password, &admin.email))
        .send()
        .await?
        .error_for_status()?;
    let session: Value = session.json().await?;
    let token = session["access_token"]
        .as_str()
        .context("no token")?
        .to_owned();
    // A failed request leaves traces, too.
    client
        .post(format!("{url}/v1/auth/login"))
        .json(&login("wrong", &format!("{marker}@nobody.example")))
        .send()
        .await?;
    let mut created = Vec::new();
    for number in 0..40 {
        for (path, body) in [
            (
                "centres",
                json!({"name": format!("Centre {marker}"), "code": format!("c-{number}"), "time_zone": "UTC", "currency": "EUR"}),
            ),
            (
                "users",
                json!({"name": format!("Person {marker}"), "email": format!("{marker}{number}@a.example"), "role": "tutor"}),
            ),
        ] {
            let answer = client
                .post(format!("{url}/v1/{path}"))
                .bearer_auth(&token)
                .header("idempotency-key", Uuid::now_v7().to_string())
                .json(&body)
                .send()
                .await?;
            ensure!(
                answer.status() == StatusCode::CREATED,
                "{path}: {}",
                answer.text().await?
            );
            let row: Value = answer.json().await?;
            created.push(format!("{path}/{}", row["id"].as_str().context("no id")?));
        }
    }
    for path in &created {
        let answer = client
            .patch(format!("{url}/v1/{path}"))
            .bearer_auth(&token)
            .json(&json!({"name": format!("Changed {marker}")}))
            .send()
            .await?;
        ensure!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await?
        );
    }
    let search = format!("{url}/v1/users?name={marker}");
    client.get(search).bearer_auth(&token).send().await?;
    Ok(token)
}

/// Counts each marker in the files of a directory, by file.
fn find(directory: &Path, markers: &[Vec<u8>]) -> Result<BTreeMap<PathBuf, usize>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.canonicalize()?];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory)? {
            // The directory of the cluster may be a symbolic link.
            let path = entry?.path().canonicalize()?;
            let metadata = fs::metadata(&path)?;
            if metadata.is_dir() {
                left.push(path);
            } else if metadata.is_file() {
                let bytes = fs::read(&path)?;
                let count: usize = markers
                    .iter()
                    .map(|marker| memchr::memmem::find_iter(&bytes, marker).count())
                    .sum();
                if count > 0 {
                    found.insert(path, count);
                }
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn data_of_one_region_is_in_no_byte_of_the_others() -> Result<()> {
    let directory = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()?;
    let networks = has_networks();
    let mut cells = Vec::new();
    for index in 0..CELLS.len() {
        cells.push(start(directory.path(), index, networks)?);
    }
    for cell in &mut cells {
        cell.wait_until_ready().await?;
    }
    let marker = format!("residuum{}", Uuid::now_v7().simple());
    let [eu, au, us] = cells.as_mut_slice() else {
        bail!("there are not three cells");
    };
    let demo = Demo::read(&eu.state)?;
    let tenant = demo.tenants[0].id;

    let (url, text) = (eu.url.clone(), marker.clone());
    let eu_demo = demo.clone();
    let token = eu
        .inside(async move |client| write_marked_data(&client, &url, &eu_demo, &text).await)
        .await?;

    // The token is redirected to its region, and the database rejects the tenant, too.
    for other in [&*au, &*us] {
        let (address, token) = (format!("{}/v1/users", other.url), token.clone());
        let (status, location) = other
            .inside(async move |client| {
                let answer = client.get(address).bearer_auth(token).send().await?;
                Ok((
                    answer.status(),
                    answer.headers().get(header::LOCATION).cloned(),
                ))
            })
            .await?;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(location.context("no location")?, eu.url.as_str());
        let superuser = Demo::read(&other.state)?.database.superuser_url;
        let refusal = other
            .inside(async move |_| {
                let client = database::connect(&superuser).await?;
                let id = Uuid::now_v7();
                let rejected = client
                    .execute(
                        "insert into lms.tenants (tenant_id, id, slug, name, region, retention_class)
                        values ($1, $1, 'foreign', 'Foreign', 'eu', 'standard')",
                        &[&id],
                    )
                    .await;
                Ok(rejected.err().map(|error| database::explain(error).to_string()))
            })
            .await?;
        let refusal = refusal.context("a foreign tenant was inserted")?;
        assert!(refusal.starts_with("The region must be "), "{refusal}");
    }

    for cell in [&mut *eu, &mut *au, &mut *us] {
        cell.stop().await?;
    }
    let markers = [marker.into_bytes(), tenant.as_bytes().to_vec()];
    let at_home = find(&eu.state, &markers)?;
    let is_in = |part: &str| {
        at_home
            .keys()
            .any(|path| path.to_string_lossy().contains(part))
    };
    assert!(
        is_in("/base/") && is_in("/pg_wal/"),
        "the search finds nothing: {at_home:?}"
    );
    for other in [&*au, &*us] {
        assert_eq!(find(&other.state, &markers)?, BTreeMap::new());
        let log = fs::read(directory.path().join(format!("{}.log", other.name)))?;
        assert!(memchr::memmem::find(&log, &markers[0]).is_none());
    }
    Ok(())
}
