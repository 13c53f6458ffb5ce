//! A running application for one test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use cli::cluster::Durability;
use cli::demo::Demo;
use cli::installation::{self, Installation};
use platform::role::Role;
use platform::token::{Claims, Keys};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, Semaphore, oneshot};
use uuid::Uuid;

use crate::reply::{Reply, send};

/// Test threads share one runtime: what a test leaves running would die with a runtime of its own.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

static INSTALLATION: OnceCell<Installation> = OnceCell::const_new();
static WASM: LazyLock<host::Runtime> =
    LazyLock::new(|| host::Runtime::new(&state().join("cache")).expect("Wasmtime can be set up"));

/// PostgreSQL copies one database at a time from a template; waiting here keeps it from refusing.
static COPYING: Semaphore = Semaphore::const_new(1);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn state() -> PathBuf {
    root().join(".lms/test")
}

/// The application, the database and the people of one test.
pub struct Application {
    /// Where it answers.
    pub base_url: String,
    /// The database's address for its superuser, who sees everything.
    pub superuser_url: String,
    /// The database's address for the components' role.
    pub application_url: String,
    /// The demo tenants, and who can sign in.
    pub demo: Demo,
    /// The values of the variables that the application runs with.
    pub variables: BTreeMap<String, String>,
    client: reqwest::Client,
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The user.
    pub user: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The session itself.
    pub id: Uuid,
}

/// Runs a test on an application of its own, and takes the application down afterwards.
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
        let (application, stop) = Application::start(change)
            .await
            .expect("the application starts");
        let result = test(&application).await;
        stop.stop().await;
        if let Err(error) = result {
            panic!("{error:?}");
        }
    });
}

/// What has to be taken down after a test.
struct Running {
    shutdown: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<()>>,
    name: String,
    admin_url: String,
}

impl Running {
    async fn stop(self) {
        let _ = self.shutdown.send(());
        let _ = self.served.await;
        if let Ok(client) = cli::database::connect(&self.admin_url).await {
            let drop = format!("drop database if exists {} with (force)", self.name);
            let _ = client.batch_execute(&drop).await;
        }
    }
}

impl Application {
    async fn start(
        change: impl AsyncFnOnce(&mut BTreeMap<String, String>) -> Result<()>,
    ) -> Result<(Application, Running)> {
        let installation = INSTALLATION.get_or_try_init(install).await?;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin_url = with_database(&installation.demo.database.superuser_url, "postgres");
        {
            let _turn = COPYING.acquire().await?;
            let client = cli::database::connect(&admin_url).await?;
            client
                .batch_execute(&format!("create database {name} template lms"))
                .await
                .context("the demo database can't be copied")?;
        }
        let mut demo = installation.demo.clone();
        let application_url = with_database(&demo.database.application_url, &name);
        let superuser_url = with_database(&demo.database.superuser_url, &name);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        demo.base_url = format!("http://{}", listener.local_addr()?);
        let mut variables = installation.variables.clone();
        variables.insert("database_url".to_owned(), application_url.clone());
        let base_urls = json!({"eu": demo.base_url, "au": "https://au.example.org"});
        variables.insert("base_urls".to_owned(), base_urls.to_string());
        variables.insert(
            "allowed_origins".to_owned(),
            "https://app.example.org".to_owned(),
        );
        change(&mut variables).await?;
        let application = WASM.load(&root().join("spin.toml"), variables.clone())?;
        let (shutdown, ended) = oneshot::channel();
        let served = tokio::spawn(application.serve(listener, async {
            let _ = ended.await;
        }));
        let running = Running {
            shutdown,
            served,
            name,
            admin_url,
        };
        let application = Application {
            base_url: demo.base_url.clone(),
            superuser_url,
            application_url,
            demo,
            variables,
            client: reqwest::Client::new(),
        };
        Ok((application, running))
    }

    /// A request to a path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base_url))
    }

    /// Sends a request, as somebody or nobody, with or without a JSON body.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn call(
        &self,
        session: Option<&Session>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply> {
        let mut request = self.request(method, path);
        if let Some(session) = session {
            request = request.bearer_auth(&session.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    /// GET as somebody.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn get(&self, session: &Session, path: &str) -> Result<Reply> {
        self.call(Some(session), Method::GET, path, None).await
    }

    /// POST as somebody.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn post(&self, session: &Session, path: &str, body: Value) -> Result<Reply> {
        self.call(Some(session), Method::POST, path, Some(body))
            .await
    }

    /// PATCH as somebody.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn patch(&self, session: &Session, path: &str, body: Value) -> Result<Reply> {
        self.call(Some(session), Method::PATCH, path, Some(body))
            .await
    }

    /// DELETE as somebody.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn delete(&self, session: &Session, path: &str) -> Result<Reply> {
        self.call(Some(session), Method::DELETE, path, None).await
    }

    /// The demo user of a role in the first or second tenant.
    pub fn user(&self, tenant: usize, role: Role) -> &cli::demo::User {
        self.demo.tenants[tenant]
            .users
            .iter()
            .find(|user| user.role == role.name())
            .expect("a demo user of each role")
    }

    /// Signs in as the demo user of a role in the first tenant.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn sign_in(&self, role: Role) -> Result<Session> {
        self.sign_in_to(0, role).await
    }

    /// Signs in as the demo user of a role in the first or second tenant.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn sign_in_to(&self, tenant: usize, role: Role) -> Result<Session> {
        let user = self.user(tenant, role);
        self.sign_in_as(&self.demo.tenants[tenant].slug, &user.email, &user.password)
            .await
    }

    /// Signs in with tenant, e-mail and password.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn sign_in_as(&self, slug: &str, email: &str, password: &str) -> Result<Session> {
        let body = json!({"tenant": slug, "email": email, "password": password});
        let reply = self
            .call(None, Method::POST, "/v1/auth/login", Some(body))
            .await?;
        anyhow::ensure!(
            reply.status == 200,
            "sign-in: {} {}",
            reply.status,
            reply.text
        );
        let body = reply.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let token = text(&body["access_token"]);
        let claims = Keys::parse(&self.variables["signing_keys"])
            .map_err(anyhow::Error::msg)?
            .verify(&token, "eu")
            .map_err(|refused| anyhow::anyhow!("the token is refused: {refused:?}"))?;
        Ok(Session {
            token,
            refresh_token: text(&body["refresh_token"]),
            user: claims.sub,
            tenant: claims.tid,
            id: claims.sid,
        })
    }

    /// A fresh session of a demo user, made without its password: for tests that need many.
    ///
    /// # Errors
    ///
    /// When the session can't be written.
    pub async fn session(&self, tenant: usize, role: Role) -> Result<Session> {
        let user = self.user(tenant, role).id;
        let tenant = self.demo.tenants[tenant].id;
        let id = Uuid::now_v7();
        self.superuser()
            .await?
            .execute(
                "insert into lms.sessions (tenant_id, id, user_id, expires_at)
                values ($1, $2, $3, now() + interval '1 hour')",
                &[&tenant, &id, &user],
            )
            .await?;
        let mut session = Session {
            token: String::new(),
            refresh_token: String::new(),
            user,
            tenant,
            id,
        };
        session.token = self.token(&session, role, 60)?;
        Ok(session)
    }

    /// An access token for the session, good for so many seconds, or for none when they are negative.
    ///
    /// # Errors
    ///
    /// When it can't be signed.
    pub fn token(&self, session: &Session, role: Role, seconds: i64) -> Result<String> {
        let now = i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)?
                .as_secs(),
        )?;
        Keys::parse(&self.variables["signing_keys"])
            .and_then(|keys| {
                keys.sign(&Claims {
                    aud: "eu".to_owned(),
                    sub: session.user,
                    tid: session.tenant,
                    sid: session.id,
                    role,
                    iat: now,
                    exp: now + seconds,
                })
            })
            .map_err(anyhow::Error::msg)
    }

    /// A connection to the test's database as its superuser, to look at what HTTP doesn't show.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn superuser(&self) -> Result<tokio_postgres::Client> {
        cli::database::connect(&self.superuser_url).await
    }
}

async fn install() -> Result<Installation> {
    installation::prepare(&installation::Options {
        state: state(),
        database_url: None,
        base_url: "http://127.0.0.1:3000".to_owned(),
        durability: Durability::Unsafe,
    })
    .await
}

/// The address with another database's name behind its last slash.
fn with_database(address: &str, name: &str) -> String {
    match address.rsplit_once('/') {
        Some((server, _)) => format!("{server}/{name}"),
        None => address.to_owned(),
    }
}
