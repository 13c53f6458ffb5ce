//! Prepares a local installation: a database with the schema and demo data, and the values of the variables of `spin.toml`.
//! The application is served in `up`.

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

/// The base URL of another region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionUrl {
    /// The region.
    pub region: Region,
    /// The base URL.
    pub url: String,
}

impl FromStr for RegionUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (region, url) = text
            .split_once('=')
            .context("expected REGION=URL, such as au=https://au.example.com")?;
        let region = <Region as ValueEnum>::from_str(region, false)
            .map_err(|_| anyhow!("{region:?} is not a region: use eu, au or us"))?;
        Url::parse(url).with_context(|| format!("{url:?} is not a URL"))?;
        Ok(Self {
            region,
            url: url.to_owned(),
        })
    }
}

/// The options of a local installation.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state directory for the cluster, its secrets and `demo.json`.
    pub state: PathBuf,
    /// The database to use instead of the private cluster, if any.
    pub database_url: Option<String>,
    /// The expected cell. Without it, an existing database keeps its cell and a new one becomes `eu-standard`.
    pub cell: Option<Name>,
    /// The base URL of the service.
    pub base_url: String,
    /// The base URLs of other regions.
    pub region_urls: Vec<RegionUrl>,
    /// The durability of the private cluster.
    pub durability: Durability,
}

/// A prepared installation.
pub struct Installation {
    /// The private cluster, unless another database is used.
    pub cluster: Option<Cluster>,
    /// The demo data.
    pub demo: Demo,
    /// The values of the variables of `spin.toml`.
    pub variables: BTreeMap<String, String>,
}

impl Installation {
    /// Stops the cluster if it was started for this installation.
    pub(crate) async fn stop_if_started(&self) {
        stop_if_started(self.cluster.as_ref()).await;
    }
}

/// Prepares an installation, and keeps every part of it that exists already.
pub async fn prepare(options: &Options) -> Result<Installation> {
    let (cluster, superuser_url, secrets) = match &options.database_url {
        Some(database_url) => {
            database::parse(database_url)?;
            (
                None,
                database_url.clone(),
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
            step.done(&format!("listening on 127.0.0.1:{}", cluster.port()));
            let (database_url, secrets) = (cluster.superuser_url(), cluster.secrets().clone());
            (Some(cluster), database_url, secrets)
        }
    };
    match prepare_database(options, &superuser_url, &secrets).await {
        Ok((demo, variables)) => Ok(Installation {
            cluster,
            demo,
            variables,
        }),
        Err(error) => {
            stop_if_started(cluster.as_ref()).await;
            Err(error)
        }
    }
}

/// Stops the cluster if the failed preparation has started it. Other programs may use one that ran before.
async fn stop_if_started(cluster: Option<&Cluster>) {
    if let Some(cluster) = cluster
        && cluster.was_started()
    {
        // The error of the preparation is the one to report.
        let _ = cluster.stop().await;
    }
}

async fn prepare_database(
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

    let variables = variables(&demo, secrets, &options.region_urls)?;
    Ok((demo, variables))
}

/// Returns the values of the variables of `spin.toml` for a database with demo data.
///
/// # Errors
///
/// When there is no demo tenant.
pub fn variables(
    demo: &Demo,
    secrets: &Secrets,
    region_urls: &[RegionUrl],
) -> Result<BTreeMap<String, String>> {
    let (host, port) = database::host_and_port(&demo.database.application_url)?;
    let region = demo
        .tenants
        .first()
        .context("there is no demo tenant")?
        .region
        .clone();
    let mut base_urls: BTreeMap<&str, &str> = region_urls
        .iter()
        .map(|other| (other.region.as_str(), other.url.as_str()))
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
        // A developer's webhook receiver runs on this machine.
        ("webhook_networks", Networks::loopback().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect())
}
