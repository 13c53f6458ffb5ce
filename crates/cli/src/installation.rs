//! Everything that has to stand before the application can be served on this machine: a database with the schema, demo
//! data, and the values of the variables of `spin.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use platform::network::Networks;

use crate::cluster::{Cluster, Durability, Settings};
use crate::demo::{self, Demo};
use crate::migrate::{self, Cell, Region, Retention};
use crate::progress::step;
use crate::secrets::Secrets;
use crate::{cluster, database};

/// The cell that a local database becomes, unless it is another one already.
const LOCAL_CELL: Cell = Cell {
    region: Region::Eu,
    retention: Retention::Standard,
};

/// What to prepare.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory for the cluster, its secrets and `demo.json`.
    pub state: PathBuf,
    /// A database to use instead of a cluster of our own.
    pub database_url: Option<String>,
    /// Where the service will answer.
    pub base_url: String,
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
            if let Some(cluster) = cluster {
                // The first error is the one to report.
                let _ = cluster.stop().await;
            }
            Err(error)
        }
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
    let cell = if migrate::is_cell(&client).await? {
        None
    } else {
        Some(LOCAL_CELL)
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
    schema.done(&match applied.len() {
        0 => "up to date".to_owned(),
        count => format!("{count} migrations applied"),
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

    let variables = variables(&demo, secrets)?;
    Ok((demo, variables))
}

fn variables(demo: &Demo, secrets: &Secrets) -> Result<BTreeMap<String, String>> {
    let (host, port) = database::host_and_port(&demo.database.application_url)?;
    let region = demo
        .tenants
        .first()
        .context("there is no demo tenant")?
        .region
        .clone();
    let base_urls = serde_json::json!({ &region: demo.base_url }).to_string();
    Ok([
        ("database_url", demo.database.application_url.clone()),
        ("database_host", host),
        ("database_port", port.to_string()),
        ("region", region),
        ("signing_keys", secrets.signing_keys.clone()),
        ("base_urls", base_urls),
        // What a developer builds to be told of events is on this machine.
        ("webhook_networks", Networks::loopback().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect())
}
