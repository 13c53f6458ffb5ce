//! Tests TLS to PostgreSQL: encryption, trusted authorities, and no fallback to plain text.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tests::{
    Application, Server,
    fault_injection::{assert_unavailable, within_timeout},
    role, run_on_own_server,
};
use tokio_postgres::Client;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Creates a certificate authority.
fn authority() -> Result<Authority> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(
        parameters,
        KeyPair::generate()?,
    )?)
}

/// Gives the server a certificate for the name, which it presents on new connections.
async fn install_certificate(
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
async fn connect_without_tls(app: &Application) -> Result<Client> {
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

/// Changes the variables to require encryption and to trust the authority.
fn encrypted(trust: Option<&Authority>) -> impl FnOnce(&mut BTreeMap<String, String>) {
    let trust = trust.map(|authority| authority.pem()).unwrap_or_default();
    move |variables| {
        let url = format!("{}?sslmode=require", variables["database_url"]);
        variables.insert("database_url".to_owned(), url);
        variables.insert("database_ca".to_owned(), trust);
    }
}

/// Counts the encrypted and the unencrypted connections of components.
async fn connections(app: &Application) -> Result<(i64, i64)> {
    let row = connect_without_tls(app)
        .await?
        .query_one(
            "select count(*) filter (where ssl), count(*) filter (where not ssl)
            from pg_stat_ssl join pg_stat_activity using (pid)
            where usename = 'lms_application'",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

#[test]
fn components_use_only_tls_when_configured() {
    run_on_own_server(async |app, server| {
        let admin = app.session(0, role::ADMIN).await?;
        let (trusted, untrusted) = (authority()?, authority()?);
        let assert_connection_rejected = async |app: &Application| {
            assert_unavailable(&within_timeout(app.get(&admin, "/v1/centres")).await?);
            let (_, unencrypted) = connections(app).await?;
            ensure!(unencrypted == 0, "{unencrypted} connections without TLS");
            Ok(())
        };
        app.with_second_application(encrypted(Some(&trusted)), assert_connection_rejected)
            .await
            .context("a server without TLS")?;

        install_certificate(app, server, &trusted, "127.0.0.1").await?;
        app.with_second_application(encrypted(Some(&trusted)), async |app| {
            within_timeout(app.get(&admin, "/v1/centres"))
                .await?
                .expect(200);
            let (encrypted, unencrypted) = connections(app).await?;
            ensure!(
                encrypted > 0 && unencrypted == 0,
                "{encrypted} and {unencrypted}"
            );
            Ok(())
        })
        .await
        .context("the right authority")?;
        for (case, trust) in [
            ("another authority", Some(&untrusted)),
            ("no authority", None),
        ] {
            app.with_second_application(encrypted(trust), assert_connection_rejected)
                .await
                .context(case)?;
        }

        install_certificate(app, server, &trusted, "elsewhere.example.org").await?;
        app.with_second_application(encrypted(Some(&trusted)), assert_connection_rejected)
            .await
            .context("a certificate for another server")?;
        Ok(())
    });
}
