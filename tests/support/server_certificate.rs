//! Certificates for the PostgreSQL server of a single test.

use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_postgres::Client;

use crate::fault_injection::within_timeout;
use crate::{Application, Server};

/// A certificate authority with its key.
pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// Creates a certificate authority.
pub fn authority() -> Result<Authority> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(
        parameters,
        KeyPair::generate()?,
    )?)
}

/// Gives the server a certificate for the name, which it presents on new connections.
pub async fn install_certificate(
    app: &Application,
    server: &Server,
    by: &Authority,
    name: &str,
) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, by)?;
    server.write_private_file("server.crt", &certificate.pem())?;
    server.write_private_file("server.key", &key.serialize_pem())?;
    let before = config_load_time(app).await?;
    let client = connect_without_tls(app).await?;
    client.batch_execute("alter system set ssl = on").await?;
    client.batch_execute("select pg_reload_conf()").await?;
    within_timeout(async {
        while config_load_time(app).await? == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await
    .context("the server does not load the certificate")
}

/// Opens an unencrypted connection for the test itself, which the server still accepts.
pub async fn connect_without_tls(app: &Application) -> Result<Client> {
    database::connect(&format!("{}?sslmode=disable", app.superuser_url)).await
}

/// Returns the time at which the server last loaded its configuration.
async fn config_load_time(app: &Application) -> Result<String> {
    let row = connect_without_tls(app)
        .await?
        .query_one("select pg_conf_load_time()::text", &[])
        .await?;
    Ok(row.get(0))
}
