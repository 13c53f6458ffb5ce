//! TLS to PostgreSQL: what is encrypted, whom the components trust, and that nothing falls back to plain text.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tests::{
    Application, Server,
    interruptions::{is_unavailable, within},
    role, run_on_own_server,
};
use tokio_postgres::Client;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Somebody who signs certificates.
fn authority() -> Result<Authority> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(
        parameters,
        KeyPair::generate()?,
    )?)
}

/// Gives the server a certificate for the name, and has it use that for new connections.
async fn present(app: &Application, server: &Server, by: &Authority, name: &str) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, by)?;
    server.keep("server.crt", &certificate.pem())?;
    server.keep("server.key", &key.serialize_pem())?;
    let before = loaded(app).await?;
    let client = plain(app).await?;
    client.batch_execute("alter system set ssl = on").await?;
    client.batch_execute("select pg_reload_conf()").await?;
    within(async {
        while loaded(app).await? == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await
    .context("the server does not take the certificate")
}

/// The test's own connection stays with plain text, which the server goes on taking.
async fn plain(app: &Application) -> Result<Client> {
    database::connect(&format!("{}?sslmode=disable", app.superuser_url)).await
}

/// When the settings were read that new connections have.
async fn loaded(app: &Application) -> Result<String> {
    let row = plain(app)
        .await?
        .query_one("select pg_conf_load_time()::text", &[])
        .await?;
    Ok(row.get(0))
}

/// Changes the variables to ask for encryption, and to trust the authority.
fn encrypted(trust: Option<&Authority>) -> impl FnOnce(&mut BTreeMap<String, String>) {
    let trust = trust.map(|authority| authority.pem()).unwrap_or_default();
    move |variables| {
        let url = format!("{}?sslmode=require", variables["database_url"]);
        variables.insert("database_url".to_owned(), url);
        variables.insert("database_ca".to_owned(), trust);
    }
}

/// How many connections of components are encrypted, and how many are not.
async fn connections(app: &Application) -> Result<(i64, i64)> {
    let row = plain(app)
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
fn components_reach_the_database_by_tls_alone_when_told_to() {
    run_on_own_server(async |app, server| {
        let admin = app.session(0, role::ADMIN).await?;
        let (ours, theirs) = (authority()?, authority()?);
        let is_refused = async |app: &Application| {
            is_unavailable(&within(app.get(&admin, "/v1/centres")).await?);
            let (_, plain) = connections(app).await?;
            ensure!(plain == 0, "{plain} connections without TLS");
            Ok(())
        };
        app.beside(encrypted(Some(&ours)), is_refused)
            .await
            .context("a server without TLS")?;

        present(app, server, &ours, "127.0.0.1").await?;
        app.beside(encrypted(Some(&ours)), async |app| {
            within(app.get(&admin, "/v1/centres")).await?.expect(200);
            let (encrypted, plain) = connections(app).await?;
            ensure!(encrypted > 0 && plain == 0, "{encrypted} and {plain}");
            Ok(())
        })
        .await
        .context("the right authority")?;
        for (case, trust) in [("another authority", Some(&theirs)), ("no authority", None)] {
            app.beside(encrypted(trust), is_refused)
                .await
                .context(case)?;
        }

        present(app, server, &ours, "elsewhere.example.org").await?;
        app.beside(encrypted(Some(&ours)), is_refused)
            .await
            .context("a certificate for another server")?;
        Ok(())
    });
}
