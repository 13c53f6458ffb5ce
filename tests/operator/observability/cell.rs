//! Starts a cell that has everything to measure: a host, a worker with a provider, TLS to the database, and a backup.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tests::server_certificate::{authority, install_certificate};
use tests::{
    Application, Behaviour, Process, Server, Session, StubProvider, free_address, notifications,
    run_program, webhook_fixture,
};

use super::monitoring::CELL;
use crate::metrics::read_until;
use crate::recovery_fixture::{directory, write_definition};

/// The processes of a cell, with what their work needs.
pub(super) struct Cell {
    /// The management address of the host.
    pub(super) host: SocketAddr,
    /// The management address of the worker.
    pub(super) worker: SocketAddr,
    admin: Session,
    clients: SocketAddr,
    _receiver: StubProvider,
    _files: TempDir,
    _processes: [Process; 2],
}

impl Cell {
    /// Backs the application's database up, fills its queues, then starts a host and a worker on it.
    pub(super) async fn start(app: &Application, server: &Server) -> Result<Self> {
        let files = directory()?;
        back_up(app, server, files.path()).await?;
        let (admin, receiver, _) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        notifications::send_emails(app, &admin, 1).await?;
        // From now on only the processes below reach the database, because the application does not trust the authority.
        let authority = authority()?;
        install_certificate(app, server, &authority, "127.0.0.1").await?;
        let (trusted, key) = (files.path().join("authority"), files.path().join("key"));
        fs::write(&trusted, authority.pem())?;
        fs::write(&key, "a-key")?;

        let [clients, host, worker] = [free_address()?, free_address()?, free_address()?];
        let (listen, management) = (clients.to_string(), host.to_string());
        let host_process = Process::start(
            app,
            &["serve", "--listen", &listen, "--management", &management],
            &[("database_ca", &authority.pem())],
        )?;
        let environment = [
            (
                "DATABASE_URL",
                format!("{}?sslmode=require", app.superuser_url),
            ),
            ("SSL_CERT_FILE", trusted.display().to_string()),
            ("LMS_WEBHOOK_NETWORKS", "127.0.0.0/8".to_owned()),
            ("LMS_EMAIL_PROVIDER", "resend".to_owned()),
            ("LMS_EMAIL_URL", receiver.url()),
            ("LMS_EMAIL_KEY_FILE", key.display().to_string()),
            ("LMS_EMAIL_SENDER", "LMS <lms@example.com>".to_owned()),
        ];
        let environment = environment
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let worker_process = Process::start_in(
            app,
            &["worker", "--management", &worker.to_string()],
            &[],
            &environment,
        )?;
        read_until(&format!("http://{clients}/readyz"), |_| true).await?;
        Ok(Self {
            host,
            worker,
            admin,
            clients,
            _receiver: receiver,
            _files: files,
            _processes: [host_process, worker_process],
        })
    }

    /// Reads something over HTTP.
    pub(super) async fn read_something(&self) -> Result<()> {
        let response = reqwest::Client::new()
            .get(format!("http://{}/v1/centres", self.clients))
            .bearer_auth(&self.admin.token)
            .send()
            .await?;
        ensure!(response.status() == 200, "{}", response.status());
        Ok(())
    }
}

/// Configures backups of the application's server, and makes one.
async fn back_up(app: &Application, server: &Server, files: &Path) -> Result<()> {
    write_definition(files, CELL, &[files.join("repository")])?;
    let passphrase = files.join("passphrase");
    fs::write(&passphrase, "correct horse battery staple\n")?;
    let (files, passphrase) = (
        files.display().to_string(),
        passphrase.display().to_string(),
    );
    let data = server.data()?.display().to_string();
    let common = ["--cell", CELL, "--cells", &files, "--data-directory", &data];
    let configure = [
        &["backup", "configure", "--passphrase-file", &passphrase],
        &common[..],
    ]
    .concat();
    // The first time, the command asks for a restart.
    run_program(&app.superuser_url, &configure, "").await?;
    server.stop().await?;
    server.start().await?;
    for arguments in [configure, [&["backup", "run"], &common[..]].concat()] {
        let (code, printed, errors) = run_program(&app.superuser_url, &arguments, "").await?;
        ensure!(code == Some(0), "{arguments:?}: {printed}{errors}");
    }
    Ok(())
}
