//! `lms doctor`: looks for everything that commonly goes wrong on a machine, and says how to mend it. Changes nothing.

mod database;
mod files;
mod machine;

use std::net::SocketAddr;
use std::path::PathBuf;

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

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is as it should be.
    Good(String),
    /// It could not be checked, and that is no fault.
    Skipped(String),
    /// It is wrong; the second text says how to mend it.
    Bad(String, String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub finding: Finding,
}

impl Check {
    fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Good(text.into()),
        }
    }

    fn skipped(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Skipped(text.into()),
        }
    }

    fn bad(subject: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Bad(what.into(), mend.into()),
        }
    }

    /// As it is printed.
    pub fn line(&self) -> String {
        match &self.finding {
            Finding::Good(text) => format!("ok    {}: {text}", self.subject),
            Finding::Skipped(text) => format!("skip  {}: {text}", self.subject),
            Finding::Bad(what, mend) => {
                format!("FAIL  {}: {what}\n      to mend it: {mend}", self.subject)
            }
        }
    }

    /// Whether something is wrong.
    pub fn is_bad(&self) -> bool {
        matches!(self.finding, Finding::Bad(..))
    }
}

/// Runs every check.
pub async fn run(options: &Options) -> Vec<Check> {
    let mut checks = machine::check(options).await;
    checks.extend(files::check(options));
    match database_address(options).await {
        Ok(address) => checks.extend(database::check(options, &address).await),
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
