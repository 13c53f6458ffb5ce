//! `lms up`: prepares the local installation and serves the application until it is told to stop.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use database::cell::Name;
use operations::progress::step;
use platform::http::outbound_url::Networks;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use worker::Senders;
use worker::notifications::Providers;
use worker::stop::Stop;
use worker::webhooks::{self, Sender};

use crate::cluster::{self, Cluster, Durability, Status};
use crate::demo::Demo;
use crate::installation::{self, Installation, Neighbour};
use crate::serve::{HEALTH, listen};
use crate::{descriptors, dev_outbox, manifest};

const LOCK: &str = "up.lock";

/// Where the page is that shows what was sent, unless somebody else has the port.
const SINK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3001);

/// How long the sink may take, which is on this machine.
const SINK_TIME: Duration = Duration::from_secs(5);

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory for everything that stays between two runs.
    pub state: PathBuf,
    /// A database to use instead of a cluster of our own.
    pub database_url: Option<String>,
    /// The cell that it is, or has to be; none for what it is already, and the usual one when it is new.
    pub cell: Option<Name>,
    /// Where other regions answer.
    pub neighbours: Vec<Neighbour>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The application.
    pub manifest: PathBuf,
    /// How many connections a client address may have open; none for as many as it likes.
    pub connections_per_address: Option<NonZeroUsize>,
}

/// Serves until SIGINT or SIGTERM, then finishes the requests in flight and stops everything it started. A second signal
/// does not wait for the requests.
pub async fn run(options: &Options) -> Result<()> {
    // What takes no time is checked before what does.
    manifest::check_built(&options.manifest)?;
    let state = cluster::state_directory(&options.state)?;
    let _lock = lock(&state)?;
    descriptors::allow_as_many_as_may_be();
    let listener = listen(options.listen).await?;
    let mut stop = Stop::new()?;
    // Whatever ends it, it stops a cluster that it started, and no other: `lms prepare` and `spin up` may be at work on it.
    // A preparation that a signal breaks off does not come to say whether it started one.
    let mut is_ours = !matches!(cluster::status(&state), Status::Running(_));
    let outcome = tokio::select! {
        prepared = prepare(options, &state, &listener) => {
            let (application, installation) = prepared?;
            is_ours = installation.cluster.as_ref().is_some_and(Cluster::was_started);
            serve(application, installation.demo, listener, stop).await
        }
        () = stop.received() => Ok(()),
    };
    if is_ours
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
) -> Result<()> {
    let sink = listen_for_notifications().await?;
    let sink_address = sink.local_addr().context("the sink has no address")?;
    let mut output = std::io::stdout();
    // Nobody may be reading it; that is no reason not to serve.
    let _ = output
        .write_all(welcome(&demo, sink_address)?.as_bytes())
        .and_then(|()| output.flush());

    // Ends with this function.
    let mut beside = JoinSet::new();
    beside.spawn(dev_outbox::serve(sink));
    // A developer's own receiver is on this machine.
    let options = webhooks::Options::allowing(Networks::loopback());
    let senders = Senders {
        notifications: Providers::dev_outbox(sink_address, SINK_TIME)?,
        webhooks: Sender::new(&options)?,
    };
    beside.spawn(async move {
        worker::run(
            demo.database.superuser_url,
            worker::Intervals::DEFAULT,
            senders,
        )
        .await;
        Ok(())
    });

    let mut impatience = Stop::new()?;
    tokio::select! {
        served = application.serve(listener, async move { stop.received().await }) => served,
        () = async { impatience.received().await; impatience.received().await } => Ok(()),
    }
}

async fn prepare(
    options: &Options,
    state: &Path,
    listener: &TcpListener,
) -> Result<(host::Application, Installation)> {
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let installation = installation::prepare(&installation::Options {
        state: state.to_owned(),
        database_url: options.database_url.clone(),
        cell: options.cell.clone(),
        base_url: base_url(address),
        neighbours: options.neighbours.clone(),
        durability: Durability::Safe,
    })
    .await?;
    match load(options, state, &installation).await {
        Ok(application) => Ok((application, installation)),
        Err(error) => {
            installation.give_up().await;
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
        tokio::task::spawn_blocking(move || host::Runtime::new(&cache)?.load(&manifest, variables))
            .await
            .context("loading the components was interrupted")??;
    step.done("loaded");
    Ok(application
        .with_health_check_paths(&HEALTH)
        .with_max_connections_per_address(options.connections_per_address))
}

/// Whether `lms up` runs in a state directory.
pub(crate) fn is_running(state: &Path) -> bool {
    state.join(LOCK).exists() && lock(state).is_err()
}

/// One `lms up` for each state directory; the lock goes with the process.
fn lock(state: &Path) -> Result<File> {
    let path = state.join(LOCK);
    let file =
        fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("`lms up` already runs here: stop it first, or use another --state")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Where the sink listens: on this machine alone.
async fn listen_for_notifications() -> Result<TcpListener> {
    match TcpListener::bind(SINK).await {
        Ok(listener) => Ok(listener),
        Err(_) => listen(SocketAddr::new(SINK.ip(), 0)).await,
    }
}

/// Where this machine reaches a listener.
fn base_url(address: SocketAddr) -> String {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{reachable}")
}

/// What a newcomer needs to see.
fn welcome(demo: &Demo, sink: SocketAddr) -> Result<String> {
    let mut text = format!(
        "\nThe LMS serves {0}, with its reference at {0}/docs. Ctrl-C stops it.\n\
        E-mail, SMS and push notifications go to http://{sink} and nowhere else.\n\n",
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
    fn the_base_url_can_be_reached() {
        assert_eq!(
            base_url("127.0.0.1:3000".parse().unwrap()),
            "http://127.0.0.1:3000"
        );
        assert_eq!(
            base_url("0.0.0.0:80".parse().unwrap()),
            "http://127.0.0.1:80"
        );
        assert_eq!(base_url("[::]:80".parse().unwrap()), "http://[::1]:80");
    }

    #[test]
    fn the_welcome_has_every_sign_in_and_a_line_to_paste() {
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
        let text = welcome(&demo, SINK).unwrap();
        assert!(text.contains("http://127.0.0.1:3001"), "{text}");
        assert!(text.contains("tutor@a.example"));
        assert!(
            text.contains(r#"-d '{"email":"admin@a.example","password":"p4ss","tenant":"a"}'"#),
            "{text}"
        );
    }

    #[test]
    fn only_one_runs_in_a_directory() {
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
