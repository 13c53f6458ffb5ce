//! `lms doctor` on a developer's machine: checks for common problems and suggests remedies, without changing anything.
//! Checks inside the database are in `operations::doctor`.

mod files;
mod machine;
mod sign_ins;

use std::net::SocketAddr;
use std::path::PathBuf;

use operations::doctor::{self, Check};

use crate::cluster::{self, Cluster, Durability, Settings, Status};

/// The options of the checks.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state directory of the local installation.
    pub state: PathBuf,
    /// The database that is used instead of the private cluster, if any.
    pub database_url: Option<String>,
    /// The address on which `lms up` would listen.
    pub listen: SocketAddr,
    /// The application's manifest.
    pub manifest: PathBuf,
}

/// Runs every check.
pub async fn run(options: &Options) -> Vec<Check> {
    let mut checks = machine::check(options).await;
    checks.extend(files::check(options));
    match database_address(options).await {
        Ok(database_url) => match doctor::connect(&database_url).await {
            Ok(client) => {
                checks.extend(doctor::check(&client).await);
                let login = sign_ins::login(&options.state, &database_url).await;
                checks.push(Check::of("application login", login));
                let users = sign_ins::demo_users(&options.state, &client).await;
                checks.push(Check::of("demo users", users));
            }
            Err(check) => checks.push(check),
        },
        Err(check) => checks.push(check),
    }
    checks
}

/// Returns the URL of the database, or the check that failed or was skipped.
async fn database_address(options: &Options) -> Result<String, Check> {
    if let Some(database_url) = &options.database_url {
        return Ok(database_url.clone());
    }
    match cluster::status(&options.state) {
        Status::Running(_) => {
            let settings = Settings {
                directory: options.state.clone(),
                durability: Durability::Safe,
            };
            Cluster::start(&settings)
                .await
                .map(|cluster| cluster.superuser_url())
                .map_err(|error| Check::bad("cluster", format!("{error:#}"), "read server.log in its data directory, run `lms cluster stop` and then `lms up`"))
        }
        Status::Stopped => Err(Check::skipped(
            "database",
            "the private cluster is stopped; `lms up` or `lms cluster start` starts it",
        )),
        Status::Absent => Err(Check::skipped(
            "database",
            "the private cluster does not exist yet; `lms up` creates it",
        )),
    }
}
