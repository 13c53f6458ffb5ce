//! Tests TLS to PostgreSQL: encryption, trusted authorities, and no fallback to plain text.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use tests::{
    Application,
    fault_injection::{assert_unavailable, within_timeout},
    role, run_on_own_server,
    server_certificate::{Authority, authority, connect_without_tls, install_certificate},
};

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
