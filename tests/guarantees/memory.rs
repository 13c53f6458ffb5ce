//! Tests the host's memory during concurrent imports of the maximum size.

use std::fs::{File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use local::cluster::{self, Durability};
use local::demo::Tenant;
use local::installation::{self, Installation};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// The maximum resident memory of the host: seven eighths of a gibibyte.
const MAX_RESIDENT_KIB: u64 = 1024 * 1024 / 8 * 7;

/// The rows of a file and the characters of details in each, which make 58 MiB of arguments.
const ROWS: usize = 11_500;
const DETAILS: usize = 5_000;

/// The polling interval.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_concurrent_maximum_imports_stay_below_one_gibibyte() -> Result<()> {
    // The database's account must be able to enter the directory.
    let directory = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()?;
    let state = directory.path().join("state");
    let outcome = async {
        let installation = installation::prepare(&installation::Options {
            state: state.clone(),
            database_url: None,
            cell: None,
            base_url: "http://127.0.0.1".to_owned(),
            region_urls: Vec::new(),
            durability: Durability::Unsafe,
        })
        .await?;
        import_at_once(&installation, directory.path()).await
    }
    .await;
    cluster::stop(&state).await?;
    outcome
}

async fn import_at_once(installation: &Installation, directory: &Path) -> Result<()> {
    let (host, url) = serve(installation, directory).await?;
    let mut clients = Vec::new();
    for tenant in &installation.demo.tenants {
        let client = Client::sign_in(&url, tenant).await?;
        let file = client.file().await?;
        clients.push((client, file));
    }
    let before = memory(&host, "VmRSS")?;
    // Each tenant has two imports, which the database serializes. One that waits too long gets a 503 and is repeated.
    let imports = clients
        .iter()
        .chain(&clients)
        .map(|(client, file)| client.import(file.clone()));
    futures::future::try_join_all(imports).await?;
    let most = memory(&host, "VmHWM")?;
    println!("{} MiB before, {} MiB at most", before / 1024, most / 1024);
    ensure!(most < MAX_RESIDENT_KIB, "the host took {} MiB", most / 1024);
    Ok(())
}

/// Starts `lms serve` and waits until it is ready.
async fn serve(installation: &Installation, directory: &Path) -> Result<(Child, String)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let log = File::create(directory.join("host.log"))?;
    let variables = installation
        .variables
        .iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
    let manifest = tests::root().join("spin.toml");
    let host = Command::new(tests::program())
        .arg("--state")
        .arg(directory.join("host"))
        .args(["serve", "--listen", &address.to_string(), "--manifest"])
        .arg(manifest)
        .envs(variables)
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let url = format!("http://{address}");
    let wait_until_ready = async {
        loop {
            let answer = reqwest::get(format!("{url}/readyz")).await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait_until_ready)
        .await
        .context("the host does not become ready")?;
    Ok((host, url))
}

/// Reads a line of `/proc/PID/status` in KiB.
fn memory(process: &Child, name: &str) -> Result<u64> {
    let id = process.id().context("the host has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let line = line.with_context(|| format!("no {name}"))?;
    let number = line.split_whitespace().nth(1).context("no number")?;
    Ok(number.parse()?)
}

struct Client {
    url: String,
    token: String,
}

impl Client {
    async fn sign_in(url: &str, tenant: &Tenant) -> Result<Self> {
        let user = tenant.users.iter().find(|user| user.role == "admin");
        let user = user.context("no admin")?;
        let body = json!({"tenant": tenant.slug, "email": user.email, "password": user.password});
        let answer = reqwest::Client::new()
            .post(format!("{url}/v1/auth/login"))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await?
            .error_for_status()?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        Ok(Self {
            url: url.to_owned(),
            token: answer["access_token"]
                .as_str()
                .context("no token")?
                .to_owned(),
        })
    }

    /// Returns a file of requests at one of the tenant's centres.
    async fn file(&self) -> Result<String> {
        let answer = reqwest::Client::new()
            .get(format!("{}/v1/centres?limit=1", self.url))
            .bearer_auth(&self.token)
            .send()
            .await?
            .error_for_status()?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        let centre = answer["data"][0]["id"].as_str().context("no centre")?;
        let row = format!("{centre},it,{}\n", "x".repeat(DETAILS));
        Ok(format!("centre_id,type,details\n{}", row.repeat(ROWS)))
    }

    /// Imports the file, and repeats that after a 503.
    async fn import(&self, file: String) -> Result<()> {
        loop {
            let answer = reqwest::Client::new()
                .post(format!("{}/v1/requests/import", self.url))
                .bearer_auth(&self.token)
                .header("content-type", "text/csv")
                .body(file.clone())
                .send()
                .await?;
            match answer.status().as_u16() {
                201 => return Ok(()),
                503 => {
                    ensure!(answer.headers().contains_key("retry-after"), "{answer:?}");
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                _ => bail!("{}", answer.text().await?),
            }
        }
    }
}
