//! Tests that webhooks reach public addresses only: at creation, after name resolution, and on redirects.

use anyhow::Result;
use chrono::Utc;
use platform::http::outbound_url::Networks;
use serde_json::json;
use tests::{Application, Behaviour, StubProvider, queries, role, run, webhook_fixture};
use tokio::net::TcpListener;
use worker::webhooks::{self, Options, Sender};

#[test]
fn private_hosts_are_rejected_in_every_spelling() {
    run(async |app| {
        app.with_second_application(
            |variables| {
                variables.insert("webhook_networks".to_owned(), String::new());
            },
            async |app| {
                let admin = app.sign_in(role::ADMIN).await?;
                let before = queries::write_counters(app).await?;
                for url in [
                    "https://localhost/",
                    "https://LocalHost./",
                    "https://x.localhost/",
                    "https://127.0.0.1/",
                    "https://127.1/",
                    "https://0x7f000001/",
                    "https://017700000001/",
                    "https://2130706433/",
                    "https://１２７.0.0.1/",
                    "https://%31%32%37.0.0.1/",
                    "https://0.0.0.0/",
                    "https://10.0.0.1/",
                    "https://172.16.5.4/",
                    "https://192.168.0.1/",
                    "https://169.254.169.254/latest/meta-data",
                    "https://100.64.0.1/",
                    "https://192.0.2.1/",
                    "https://224.0.0.1/",
                    "https://255.255.255.255/",
                    "https://[::]/",
                    "https://[::1]/",
                    "https://[::ffff:127.0.0.1]/",
                    "https://[::ffff:7f00:1]/",
                    "https://[64:ff9b::7f00:1]/",
                    "https://[2002:7f00:1::]/",
                    "https://[fe80::1]/",
                    "https://[fc00::1]/",
                    "https://[ff02::1]/",
                    "https://[2001:db8::1]/",
                    "http://127.0.0.1:3000/",
                ] {
                    let rejected = app
                        .post(&admin, "/v1/webhooks", json!({"url": url}))
                        .await?
                        .expect(422);
                    assert_eq!(rejected.pointers(), ["/url"], "{url}");
                    assert_eq!(
                        rejected.json()["errors"][0]["code"],
                        "private_address",
                        "{url}"
                    );
                }
                assert_eq!(queries::write_counters(app).await?, before);
                Ok(())
            },
        )
        .await
    });
}

/// Inserts a webhook to a URL that the API would reject.
async fn insert_webhook(app: &Application, url: &str) -> Result<()> {
    let admin = app.sign_in(role::ADMIN).await?;
    webhook_fixture::seal_events(app, &admin).await?;
    let hook = webhook_fixture::create_webhook(
        app,
        &admin,
        &StubProvider::unreachable(Behaviour::Accepts).await?,
        &["centres"],
    )
    .await?;
    queries::execute(
        app,
        "update lms.webhooks set url = $2 where id = $1",
        &[&hook.id, &url],
    )
    .await?;
    webhook_fixture::create_centre_event(app, &admin, "lakeside").await
}

/// Returns why the one delivery of a run fails if the sender allows no private networks.
async fn failure(app: &Application) -> Result<String> {
    let sender = Sender::new(&Options::allowing(Networks::default()))?;
    let report = webhooks::run_once(&app.superuser_url, &sender, Utc::now()).await?;
    assert_eq!((report.sent, report.retried), (0, 1), "{report}");
    Ok(report.reasons.into_keys().collect())
}

#[test]
fn a_name_that_resolves_to_a_private_address_is_not_connected_to() {
    run(async |app| {
        // The host name of this machine resolves to a private address.
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let url = format!("https://{}:{}/", name.trim(), listener.local_addr()?.port());
        insert_webhook(app, &url).await?;
        assert_eq!(failure(app).await?, "the host name has no public address");
        let connected = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
        assert!(connected.is_err(), "the sender connected");
        Ok(())
    });
}

#[test]
fn an_address_that_is_no_longer_allowed_is_not_connected_to() {
    run(async |app| {
        let receiver = StubProvider::start(Behaviour::Accepts).await?;
        insert_webhook(app, &receiver.url()).await?;
        assert_eq!(
            failure(app).await?,
            "not posted: The host must be on the public internet."
        );
        assert_eq!(receiver.request_count(), 0);
        Ok(())
    });
}

#[test]
fn a_redirect_into_a_private_network_is_a_failure_and_is_not_followed() {
    run(async |app| {
        // The redirect leads to another path of the same server, on this machine.
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Redirects).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        assert_eq!(
            webhook_fixture::deliver_due(app, Utc::now()).await?.retried,
            1
        );
        let delivery = webhook_fixture::get_deliveries(app, &admin, &hook)
            .await?
            .remove(0);
        assert_eq!(
            delivery["last_error"],
            "answered 307: redirects are not followed"
        );
        assert_eq!(
            (&delivery["last_status"], &delivery["status"]),
            (&json!(307), &json!("waiting"))
        );
        assert_eq!(receiver.request_count(), 1);
        Ok(())
    });
}
