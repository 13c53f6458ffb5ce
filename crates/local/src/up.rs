//! `lms up`: prepares the local installation and serves the application, its worker and the dev outbox until a signal.
//! The parts of the installation are prepared in `installation`.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use database::cell::Name;
use operations::progress::step;
use platform::http::outbound_url::Networks;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use worker::notifications::Providers;
use worker::stop::Stop;
use worker::webhooks::{self, Sender};
use worker::{Intervals, Senders};

use crate::cluster::{self, Cluster, Durability, Status};
use crate::demo::Demo;
use crate::installation::{self, Installation, RegionUrl};
use crate::serve::{HEALTH_CHECK_PATHS, base_url, listen};
use crate::{dev_outbox, manifest, open_files, readiness, runtime};

/// The lock file in the state directory.
const LOCK_FILE_NAME: &str = "up.lock";

/// The preferred address of the dev outbox.
const DEV_OUTBOX: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3001);

/// The timeout of requests to the dev outbox, which runs on this machine.
const DEV_OUTBOX_TIMEOUT: Duration = Duration::from_secs(5);

/// The options of `lms up`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state directory for everything that persists between two runs.
    pub state: PathBuf,
    /// The database to use instead of the private cluster, if any.
    pub database_url: Option<String>,
    /// The expected cell. Without it, an existing database keeps its cell and a new one becomes `eu-standard`.
    pub cell: Option<Name>,
    /// The base URLs of other regions.
    pub region_urls: Vec<RegionUrl>,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The application's manifest.
    pub manifest: PathBuf,
    /// The maximum number of connections per client address, unlimited without it.
    pub connections_per_address: Option<NonZeroUsize>,
    /// True when somebody reads the metrics of this process.
    pub is_measured: bool,
}

/// Serves until SIGINT or SIGTERM, then finishes the requests in flight and stops everything that it has started. A second
/// signal does not wait for the requests.
pub async fn run(options: &Options) -> Result<()> {
    // Cheap checks come before expensive ones.
    manifest::check_built(&options.manifest)?;
    let state = cluster::state_directory(&options.state)?;
    let _lock = lock(&state)?;
    open_files::raise_limit();
    let listener = listen(options.listen).await?;
    let mut stop = Stop::new()?;
    // At the end, a cluster that was started here is stopped. No other one is, because `lms prepare` or `spin up` may be using it.
    // If a signal interrupts the preparation, the cluster's earlier state decides.
    let mut has_started_cluster = !matches!(cluster::status(&state), Status::Running(_));
    let outcome = tokio::select! {
        prepared = prepare(options, &state, &listener) => {
            let (application, installation) = prepared?;
            has_started_cluster = installation.cluster.as_ref().is_some_and(Cluster::was_started);
            serve(application, installation.demo, listener, stop, options.is_measured).await
        }
        () = stop.received() => Ok(()),
    };
    if has_started_cluster
        && options.database_url.is_none()
        && matches!(cluster::status(&state), Status::Running(_))
    {
        let step = step("PostgreSQL");
        cluster::stop(&state).await?;
        step.done("stopped");
    }
    outcome
}

async fn serve(
    application: host::Application,
    demo: Demo,
    listener: TcpListener,
    mut stop: Stop,
    is_measured: bool,
) -> Result<()> {
    let outbox = listen_for_dev_outbox().await?;
    let outbox_address = outbox
        .local_addr()
        .context("the dev outbox has no address")?;
    let mut output = std::io::stdout();
    // A closed standard output is no reason to stop serving.
    let _ = output
        .write_all(welcome(&demo, outbox_address)?.as_bytes())
        .and_then(|()| output.flush());

    // Dropping the set at the end of this function stops its tasks.
    let mut tasks = JoinSet::new();
    tasks.spawn(dev_outbox::serve(outbox));
    // A developer's webhook receiver runs on this machine.
    let options = webhooks::Options::allowing(Networks::loopback());
    let senders = Senders {
        notifications: Providers::dev_outbox(outbox_address, DEV_OUTBOX_TIMEOUT)?,
        webhooks: Sender::new(&options)?,
    };
    let intervals = Intervals {
        measurements: is_measured.then_some(Intervals::MEASUREMENTS),
        ..Intervals::DEFAULT
    };
    if is_measured {
        let base_url = base_url(&listener)?;
        tasks.spawn(async move { readiness::measure(&base_url).await });
    }
    tasks.spawn(async move {
        worker::run(demo.database.superuser_url, intervals, senders).await;
        Ok(())
    });

    let mut second_signal = Stop::new()?;
    tokio::select! {
        served = application.serve(listener, async move { stop.received().await }) => served,
        () = async { second_signal.received().await; second_signal.received().await } => Ok(()),
    }
}

async fn prepare(
    options: &Options,
    state: &Path,
    listener: &TcpListener,
) -> Result<(host::Application, Installation)> {
    let installation = installation::prepare(&installation::Options {
        state: state.to_owned(),
        database_url: options.database_url.clone(),
        cell: options.cell.clone(),
        base_url: base_url(listener)?,
        region_urls: options.region_urls.clone(),
        durability: Durability::Safe,
    })
    .await?;
    match load(options, state, &installation).await {
        Ok(application) => Ok((application, installation)),
        Err(error) => {
            installation.stop_if_started().await;
            Err(error)
        }
    }
}

async fn load(
    options: &Options,
    state: &Path,
    installation: &Installation,
) -> Result<host::Application> {
    let step = step("Components");
    let mut variables = host::variables_from_environment();
    variables.extend(installation.variables.clone());
    let (cache, manifest) = (state.join("cache"), options.manifest.clone());
    let application =
        tokio::task::spawn_blocking(move || runtime::new(&cache)?.load(&manifest, variables))
            .await
            .context("loading the components was interrupted")??;
    step.done("loaded");
    Ok(application
        .with_health_check_paths(&HEALTH_CHECK_PATHS)
        .with_max_connections_per_address(options.connections_per_address))
}

/// Returns whether `lms up` runs with a state directory.
pub(crate) fn is_running(state: &Path) -> bool {
    state.join(LOCK_FILE_NAME).exists() && lock(state).is_err()
}

/// Locks the state directory for this process, because only one `lms up` may use it.
fn lock(state: &Path) -> Result<File> {
    let path = state.join(LOCK_FILE_NAME);
    let file =
        fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "`lms up` already runs with this state directory: stop it, or choose another one with --state"
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Listens on the preferred address of the dev outbox, or on a free port of this machine.
async fn listen_for_dev_outbox() -> Result<TcpListener> {
    match TcpListener::bind(DEV_OUTBOX).await {
        Ok(listener) => Ok(listener),
        Err(_) => listen(SocketAddr::new(DEV_OUTBOX.ip(), 0)).await,
    }
}

/// Returns the text for a newcomer: the URLs, the sign-ins and a first request.
fn welcome(demo: &Demo, outbox: SocketAddr) -> Result<String> {
    let mut text = format!(
        "\nThe LMS is running at {0}, with its API reference at {0}/docs. Press Ctrl-C to stop it.\n\
        E-mail, SMS and push notifications are delivered to http://{outbox} only.\n\n",
        demo.base_url
    );
    writeln!(
        text,
        "{:<10}{:<12}{:<30}PASSWORD",
        "TENANT", "ROLE", "E-MAIL"
    )?;
    for tenant in &demo.tenants {
        for user in &tenant.users {
            writeln!(
                text,
                "{:<10}{:<12}{:<30}{}",
                tenant.slug, user.role, user.email, user.password
            )?;
        }
    }
    if let Some((tenant, user)) = demo
        .tenants
        .iter()
        .find_map(|tenant| Some((tenant, tenant.users.first()?)))
    {
        let body = serde_json::json!({"tenant": tenant.slug, "email": user.email, "password": user.password});
        writeln!(
            text,
            "\nTry it:\n  curl -s {}/v1/auth/login -H 'content-type: application/json' -d '{body}'\n",
            demo.base_url
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Database, Tenant, User};

    #[test]
    fn the_welcome_lists_every_sign_in_and_a_command_to_paste() {
        let user = |role: &str| User {
            id: uuid::Uuid::nil(),
            role: role.to_owned(),
            email: format!("{role}@a.example"),
            password: "p4ss".to_owned(),
        };
        let demo = Demo {
            base_url: "http://127.0.0.1:3000".to_owned(),
            cell: "eu-standard".to_owned(),
            database: Database {
                superuser_url: String::new(),
                owner_url: String::new(),
                application_url: String::new(),
            },
            tenants: vec![Tenant {
                id: uuid::Uuid::nil(),
                slug: "a".to_owned(),
                region: "eu".to_owned(),
                users: vec![user("admin"), user("tutor")],
            }],
        };
        let text = welcome(&demo, DEV_OUTBOX).unwrap();
        assert!(text.contains("http://127.0.0.1:3001"), "{text}");
        assert!(text.contains("tutor@a.example"));
        assert!(
            text.contains(r#"-d '{"email":"admin@a.example","password":"p4ss","tenant":"a"}'"#),
            "{text}"
        );
    }

    #[test]
    fn a_state_directory_is_used_by_one_process_only() {
        let directory = tempfile::tempdir().unwrap();
        let _first = lock(directory.path()).unwrap();
        assert!(
            lock(directory.path())
                .unwrap_err()
                .to_string()
                .contains("already runs")
        );
    }
}
