//! Everything that has to stand before the application can be served on this machine: a database with the schema, demo
//! data, and the values of the variables of `spin.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use database::cell::{Name, Region, Retention};
use database::migrate;
use operations::progress::step;
use platform::http::outbound_url::Networks;
use url::Url;

use crate::cluster::{self, Cluster, Durability, Settings};
use crate::demo::{self, Demo};
use crate::secrets::Secrets;

/// Where the cells of another region answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The region.
    pub region: Region,
    /// Its base URL.
    pub url: String,
}

impl FromStr for Neighbour {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (region, url) = text
            .split_once('=')
            .context("it has to be a region, = and a URL, such as au=https://au.example.com")?;
        let region = <Region as ValueEnum>::from_str(region, false)
            .map_err(|_| anyhow!("{region:?} is no region: it is eu, au or us"))?;
        Url::parse(url).with_context(|| format!("{url:?} is no URL"))?;
        Ok(Self {
            region,
            url: url.to_owned(),
        })
    }
}

/// What to prepare.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory for the cluster, its secrets and `demo.json`.
    pub state: PathBuf,
    /// A database to use instead of a cluster of our own.
    pub database_url: Option<String>,
    /// The cell that it is, or has to be; none for what it is already, and `eu-standard` when it is new.
    pub cell: Option<Name>,
    /// Where the service will answer.
    pub base_url: String,
    /// Where other regions answer.
    pub neighbours: Vec<Neighbour>,
    /// Whether a cluster of our own may lose data in a crash.
    pub durability: Durability,
}

/// What was prepared.
pub struct Installation {
    /// The cluster, unless the database is somebody else's.
    pub cluster: Option<Cluster>,
    /// Who can sign in, and where.
    pub demo: Demo,
    /// Values for the variables of `spin.toml`.
    pub variables: BTreeMap<String, String>,
}

impl Installation {
    /// Leaves things as they were before: a cluster that was started for it is stopped.
    pub(crate) async fn give_up(&self) {
        give_up(self.cluster.as_ref()).await;
    }
}

/// Prepares it all; what stands already is kept.
pub async fn prepare(options: &Options) -> Result<Installation> {
    let (cluster, superuser_url, secrets) = match &options.database_url {
        Some(address) => {
            database::parse(address)?;
            (
                None,
                address.clone(),
                Secrets::load_or_create(&cluster::state_directory(&options.state)?)?,
            )
        }
        None => {
            let step = step("PostgreSQL");
            let settings = Settings {
                directory: options.state.clone(),
                durability: options.durability,
            };
            let cluster = Cluster::start(&settings).await?;
            step.done(&format!("listens on 127.0.0.1:{}", cluster.port()));
            let (address, secrets) = (cluster.superuser_url(), cluster.secrets().clone());
            (Some(cluster), address, secrets)
        }
    };
    match fill(options, &superuser_url, &secrets).await {
        Ok((demo, variables)) => Ok(Installation {
            cluster,
            demo,
            variables,
        }),
        Err(error) => {
            give_up(cluster.as_ref()).await;
            Err(error)
        }
    }
}

/// Stops the cluster if it was started for what has failed now. One that ran already may be others' who are at work on it.
async fn give_up(cluster: Option<&Cluster>) {
    if let Some(cluster) = cluster
        && cluster.was_started()
    {
        // The error that led here is the one to report.
        let _ = cluster.stop().await;
    }
}

async fn fill(
    options: &Options,
    superuser_url: &str,
    secrets: &Secrets,
) -> Result<(Demo, BTreeMap<String, String>)> {
    let schema = step("Schema");
    let migrations = migrate::embedded()?;
    let client = database::connect(superuser_url).await?;
    let cell = match &options.cell {
        Some(cell) => Some(cell.clone()),
        None if migrate::is_cell(&client).await? => None,
        None => Some(Name::first(Region::Eu, Retention::Standard)),
    };
    drop(client);
    let passwords = vec![
        ("lms_application", secrets.application_password.clone()),
        ("lms_migrator", secrets.migrator_password.clone()),
    ];
    let applied = migrate::run(
        superuser_url,
        &migrations,
        &migrate::Options {
            cell,
            dry_run: false,
            passwords,
        },
    )
    .await?;
    schema.done(&match applied.last() {
        None => "up to date".to_owned(),
        Some(last) => format!("at {}", last.label()),
    });

    let data = step("Demo data");
    let application_url = database::with_login(
        superuser_url,
        "lms_application",
        &secrets.application_password,
    )?;
    let migrator_url =
        database::with_login(superuser_url, "lms_migrator", &secrets.migrator_password)?;
    let demo_options = demo::Options {
        base_url: options.base_url.clone(),
        owner_url: database::with_role(&migrator_url, "lms_owner")?,
        application_url: application_url.clone(),
        password: secrets.demo_password.clone(),
    };
    let demo = demo::create(superuser_url, &demo_options).await?;
    demo.write(&options.state)?;
    data.done(&format!("{} tenants", demo.tenants.len()));

    let variables = variables(&demo, secrets, &options.neighbours)?;
    Ok((demo, variables))
}

/// What the variables of `spin.toml` are for a database with demo data.
///
/// # Errors
///
/// When there is no demo tenant.
pub fn variables(
    demo: &Demo,
    secrets: &Secrets,
    neighbours: &[Neighbour],
) -> Result<BTreeMap<String, String>> {
    let (host, port) = database::host_and_port(&demo.database.application_url)?;
    let region = demo
        .tenants
        .first()
        .context("there is no demo tenant")?
        .region
        .clone();
    let mut base_urls: BTreeMap<&str, &str> = neighbours
        .iter()
        .map(|neighbour| (neighbour.region.as_str(), neighbour.url.as_str()))
        .collect();
    base_urls.insert(&region, &demo.base_url);
    let base_urls = serde_json::to_string(&base_urls)?;
    Ok([
        ("database_url", demo.database.application_url.clone()),
        ("database_host", host),
        ("database_port", port.to_string()),
        ("cell", demo.cell.clone()),
        ("region", region.clone()),
        ("signing_keys", secrets.signing_keys.clone()),
        ("base_urls", base_urls),
        // What a developer builds to be told of events is on this machine.
        ("webhook_networks", Networks::loopback().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect())
}
