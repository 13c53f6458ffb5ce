//! Tests the worker's counters of the attempts to deliver.

use tests::notifications::{clear_outbox, send_emails};
use tests::webhook_fixture::{create_centre_event, create_with_receiver};
use tests::{Behaviour, StubProvider, run};

use super::{value, worker_metrics};

#[test]
fn the_worker_counts_the_attempts_to_deliver_by_outcome() {
    run(async |app| {
        let (admin, _receiver, _) = create_with_receiver(app, Behaviour::Accepts).await?;
        create_centre_event(app, &admin, "lakeside").await?;
        clear_outbox(app).await?;
        send_emails(app, &admin, 2).await?;
        let provider = StubProvider::start(Behaviour::Rejects(422)).await?;
        let directory = tempfile::tempdir()?;
        let key = directory.path().join("key");
        std::fs::write(&key, "re_secret\n")?;
        let url = provider.url();
        let key = key.display().to_string();
        let environment = [
            ("LMS_EMAIL_PROVIDER", "resend"),
            ("LMS_EMAIL_URL", url.as_str()),
            ("LMS_EMAIL_KEY_FILE", key.as_str()),
            ("LMS_EMAIL_SENDER", "LMS <no-reply@example.com>"),
            ("LMS_WEBHOOK_NETWORKS", "127.0.0.0/8"),
        ];
        let refused = ["channel=\"email\"", "outcome=\"dead_letter\""];
        worker_metrics(app, &environment, |text| {
            value(text, "lms_notification_deliveries_total", &refused) == Some(2.0)
                && value(text, "lms_webhook_attempts_total", &["outcome=\"sent\""]) == Some(1.0)
        })
        .await?;
        Ok(())
    });
}
