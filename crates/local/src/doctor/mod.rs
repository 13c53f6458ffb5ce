//! `lms doctor` on a developer's machine: looks for everything that commonly goes wrong, and says how to mend it. It changes nothing.
//! Checks inside the database live in `operations::doctor`.

mod files;
mod machine;
mod sign_ins;

use std::net::SocketAddr;
use std::path::PathBuf;

use operations::doctor::{self, Check};

use crate::cluster::{self, Cluster, Durability, Settings, Status};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory of the local installation.
    pub state: PathBuf,
    /// A database that is used instead of the private cluster.
    pub database_url: Option<String>,
    /// Where `lms up` would listen.
    pub listen: SocketAddr,
    /// The application.
    pub manifest: PathBuf,
}

/// Runs every check.
pub async fn run(options: &Options) -> Vec<Check> {
    let mut checks = machine::check(options).await;
    checks.extend(files::check(options));
    match database_address(options).await {
        Ok(address) => match doctor::connect(&address).await {
            Ok(client) => {
                checks.extend(doctor::check(&client).await);
                let login = sign_ins::login(&options.state, &address).await;
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

/// The database to look into, or why there is none.
async fn database_address(options: &Options) -> Result<String, Check> {
    if let Some(address) = &options.database_url {
        return Ok(address.clone());
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
                .map_err(|error| Check::bad("cluster", format!("{error:#}"), "see the file server.log in its directory; `lms cluster stop`, then `lms up`"))
        }
        Status::Stopped => Err(Check::skipped(
            "database",
            "the private cluster does not run; `lms up` or `lms cluster start` starts it",
        )),
        Status::Absent => Err(Check::skipped(
            "database",
            "there is no private cluster yet; `lms up` makes it",
        )),
    }
}
