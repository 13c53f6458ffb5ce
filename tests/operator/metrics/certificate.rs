//! Tests that the worker measures until when the server's certificate is valid.

use anyhow::ensure;
use chrono::DateTime;
use tests::run_on_own_server;
use tests::server_certificate::{authority, install_certificate};

use super::{value, worker_metrics};

#[test]
fn the_worker_measures_until_when_the_certificate_of_the_database_is_valid() {
    run_on_own_server(async |app, server| {
        let trusted = authority()?;
        install_certificate(app, server, &trusted, "127.0.0.1").await?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("authority.pem");
        std::fs::write(&file, trusted.pem())?;
        let url = format!("{}?sslmode=require", app.superuser_url);
        let file = file.display().to_string();
        let environment = [("DATABASE_URL", url.as_str()), ("SSL_CERT_FILE", &file)];
        let name = "lms_certificate_expiry_timestamp_seconds";
        let labels = ["certificate=\"database\""];
        let text = worker_metrics(app, &environment, |text| {
            value(text, name, &labels).is_some()
        })
        .await?;
        // The default of the library that makes the certificate.
        let expiry = DateTime::parse_from_rfc3339("4096-01-01T00:00:00Z")?.timestamp();
        // The time is far below the integers that a float cannot represent.
        #[expect(clippy::cast_precision_loss)]
        let expiry = expiry as f64;
        ensure!(value(&text, name, &labels) == Some(expiry), "{text}");
        Ok(())
    });
}
