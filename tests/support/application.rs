//! Serves an application on a database of its own for one test.
//! Requests to it are sent in `calls`, and the sessions of its demo users are in `session`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use futures::FutureExt;
use local::cluster::Durability;
use local::demo::Demo;
use local::installation::{self, Installation};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OnceCell, Semaphore};
use uuid::Uuid;

use crate::{
    captured_log, logs_of_test::LogsOfTest, openapi_contract, postgresql_server::Server,
    sent_values::SentValues,
};

/// Test threads share one runtime, because tasks that a test leaves behind would end with a runtime of its own.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

pub(crate) static INSTALLATION: OnceCell<Installation> = OnceCell::const_new();
static WASM: LazyLock<host::Runtime> = LazyLock::new(|| {
    captured_log::start();
    local::runtime::new(&state().join("cache")).expect("Wasmtime can be set up")
});

/// Tests copy the demo database one at a time, because PostgreSQL may refuse concurrent copies.
static COPY_PERMIT: Semaphore = Semaphore::const_new(1);

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn state() -> PathBuf {
    root().join(".lms/test")
}

/// The application, the database and the demo users of one test.
pub struct Application {
    /// The base URL that it serves.
    pub base_url: String,
    /// The database URL of the superuser, from whom row security hides nothing.
    pub superuser_url: String,
    /// The database URL of the components' role.
    pub application_url: String,
    /// The demo tenants and the users that can sign in to them.
    pub demo: Demo,
    /// The values of the variables that the application runs with.
    pub variables: BTreeMap<String, String>,
    pub(crate) client: reqwest::Client,
    pub(crate) sent: Arc<SentValues>,
    shutdown: Arc<Notify>,
}

/// Runs a test on an application of its own, and stops the application afterwards.
///
/// # Panics
///
/// When the test or its application fails.
pub fn run(test: impl AsyncFnOnce(&Application) -> Result<()>) {
    run_with(async |_| Ok(()), test);
}

/// Runs a test on an application whose variables are changed before it starts.
///
/// # Panics
///
/// When the test or its application fails.
pub fn run_with(
    change: impl AsyncFnOnce(&mut BTreeMap<String, String>) -> Result<()>,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) {
    RUNTIME.block_on(async {
        let installation = INSTALLATION
            .get_or_try_init(|| install(state(), Durability::Unsafe))
            .await
            .expect("an installation");
        if let Err(error) = run_on_copy(installation, change, test).await {
            panic!("{error:?}");
        }
    });
}

/// Runs a test on an application with a PostgreSQL server of its own, which the test may stop.
///
/// # Panics
///
/// When the test, its application or its server fails.
pub fn run_on_own_server(test: impl AsyncFnOnce(&Application, &Server) -> Result<()>) {
    run_on_server(Durability::Unsafe, test);
}

/// Runs a test on an application with a PostgreSQL server of its own whose writes are durable, so that it can be backed up.
///
/// # Panics
///
/// When the test, its application or its server fails.
pub fn run_on_durable_server(test: impl AsyncFnOnce(&Application, &Server) -> Result<()>) {
    run_on_server(Durability::Safe, test);
}

fn run_on_server(
    durability: Durability,
    test: impl AsyncFnOnce(&Application, &Server) -> Result<()>,
) {
    RUNTIME.block_on(async {
        let server = Server::new(durability).expect("a directory");
        let test = async {
            let installation = install(server.state(), server.durability()).await?;
            let test = async |app: &Application| test(app, &server).await;
            run_on_copy(&installation, async |_| Ok(()), test).await
        };
        // The server is stopped even if the test panics, because nothing else would stop it.
        let outcome = AssertUnwindSafe(test).catch_unwind().await;
        let stopped = server.stop().await;
        match outcome {
            Ok(result) => {
                if let Err(error) = result.and(stopped) {
                    panic!("{error:?}");
                }
            }
            Err(panicked) => resume_unwind(panicked),
        }
    });
}

/// Runs a test on a copy of the demo database.
async fn run_on_copy(
    installation: &Installation,
    change: impl AsyncFnOnce(&mut BTreeMap<String, String>) -> Result<()>,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut demo = installation.demo.clone();
    let admin_url = with_database(&demo.database.superuser_url, "postgres");
    let logs = {
        let _permit = COPY_PERMIT.acquire().await?;
        let client = database::connect(&admin_url).await?;
        client
            .batch_execute(&format!("create database {name} template lms"))
            .await
            .context("the demo database can't be copied")?;
        // A copy has the schema and its data, but not the privileges on the database itself.
        let copy = database::connect(&with_database(&admin_url, &name)).await?;
        database::migrate::revoke_excess_privileges(&copy).await?;
        LogsOfTest::begin(&client, &demo).await?
    };
    demo.database.application_url = with_database(&demo.database.application_url, &name);
    demo.database.superuser_url = with_database(&demo.database.superuser_url, &name);
    let mut variables = installation.variables.clone();
    variables.insert(
        "database_url".to_owned(),
        demo.database.application_url.clone(),
    );
    variables.insert(
        "allowed_origins".to_owned(),
        "https://app.example.org".to_owned(),
    );
    change(&mut variables).await?;
    let result = serve(
        &root().join("spin.toml"),
        demo,
        variables,
        logs.sent(),
        test,
    )
    .await;
    let result = logs.end(result);
    if let Ok(client) = database::connect(&admin_url).await {
        let drop = format!("drop database if exists {name} with (force)");
        let _ = client.batch_execute(&drop).await;
    }
    result
}

/// Serves an application while a test runs, and collects the values that the test sends.
pub(crate) async fn serve(
    manifest: &Path,
    demo: Demo,
    variables: BTreeMap<String, String>,
    sent: &Arc<SentValues>,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    let unchanged = |application| application;
    serve_with_options(manifest, demo, variables, sent, unchanged, test).await
}

/// Serves an application with options of the host while a test runs.
async fn serve_with_options(
    manifest: &Path,
    mut demo: Demo,
    mut variables: BTreeMap<String, String>,
    sent: &Arc<SentValues>,
    options: impl FnOnce(host::Application) -> host::Application,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    demo.base_url = format!("http://{}", listener.local_addr()?);
    let base_urls = json!({"eu": demo.base_url, "au": "https://au.example.org"});
    variables.insert("base_urls".to_owned(), base_urls.to_string());
    openapi_contract::set_checked(&demo.base_url, manifest == root().join("spin.toml"));
    sent.take_from(&demo.base_url);
    let loaded = WASM
        .load(manifest, variables.clone())?
        .with_health_check_paths(&local::serve::HEALTH_CHECK_PATHS);
    let loaded = options(loaded);
    let shutdown = Arc::new(Notify::new());
    let stop = Arc::clone(&shutdown);
    let served = tokio::spawn(loaded.serve(listener, async move { stop.notified().await }));
    let application = Application {
        base_url: demo.base_url.clone(),
        superuser_url: demo.database.superuser_url.clone(),
        application_url: demo.database.application_url.clone(),
        demo,
        variables,
        client: reqwest::Client::new(),
        sent: Arc::clone(sent),
        shutdown,
    };
    let result = test(&application).await;
    application.shut_down();
    result.and(served.await?)
}

impl Application {
    /// Runs part of a test on a second application that serves the same database with changed variables.
    ///
    /// # Errors
    ///
    /// When the test or the application fails.
    pub async fn with_second_application(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, String>),
        test: impl AsyncFnOnce(&Application) -> Result<()>,
    ) -> Result<()> {
        let mut variables = self.variables.clone();
        change(&mut variables);
        Box::pin(serve(
            &root().join("spin.toml"),
            self.demo.clone(),
            variables,
            &self.sent,
            test,
        ))
        .await
    }

    /// Runs part of a test on the application of another manifest that serves the same database.
    ///
    /// # Errors
    ///
    /// When the test or the application fails.
    pub async fn with_manifest(
        &self,
        manifest: &Path,
        test: impl AsyncFnOnce(&Application) -> Result<()>,
    ) -> Result<()> {
        let (demo, variables) = (self.demo.clone(), self.variables.clone());
        Box::pin(serve(manifest, demo, variables, &self.sent, test)).await
    }

    /// Runs part of a test on a second application that serves the same database with options of the host.
    ///
    /// # Errors
    ///
    /// When the test or the application fails.
    pub async fn with_second_host(
        &self,
        options: impl FnOnce(host::Application) -> host::Application,
        test: impl AsyncFnOnce(&Application) -> Result<()>,
    ) -> Result<()> {
        let (manifest, variables) = (root().join("spin.toml"), self.variables.clone());
        Box::pin(serve_with_options(
            &manifest,
            self.demo.clone(),
            variables,
            &self.sent,
            options,
            test,
        ))
        .await
    }

    /// Returns a client of another process that serves the same database.
    pub fn at(&self, base_url: String) -> Application {
        openapi_contract::set_checked(&base_url, true);
        self.sent.take_from(&base_url);
        Application {
            base_url,
            superuser_url: self.superuser_url.clone(),
            application_url: self.application_url.clone(),
            demo: self.demo.clone(),
            variables: self.variables.clone(),
            client: reqwest::Client::new(),
            sent: Arc::clone(&self.sent),
            shutdown: Arc::default(),
        }
    }

    /// Asks the application to finish the requests in flight and to stop.
    pub fn shut_down(&self) {
        self.shutdown.notify_one();
    }

    /// Connects to the test's database as its superuser, to read and write what HTTP doesn't offer.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn superuser(&self) -> Result<tokio_postgres::Client> {
        database::connect(&self.superuser_url).await
    }
}

pub(crate) async fn install(state: PathBuf, durability: Durability) -> Result<Installation> {
    installation::prepare(&installation::Options {
        cell: None,
        region_urls: Vec::new(),
        state,
        database_url: None,
        base_url: "http://127.0.0.1:3000".to_owned(),
        durability,
    })
    .await
}

/// Replaces the database's name in a URL.
pub(crate) fn with_database(address: &str, name: &str) -> String {
    match address.rsplit_once('/') {
        Some((server, _)) => format!("{server}/{name}"),
        None => address.to_owned(),
    }
}
