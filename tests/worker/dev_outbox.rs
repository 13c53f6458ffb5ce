//! Tests the dev outbox of `lms up`: it accepts messages of the three adapters, drops duplicates and refuses other host
//! names.

use std::time::Duration;

use local::dev_outbox;
use serde_json::{Value, json};
use tests::{notifications, queries, role, run};
use tokio::net::TcpListener;
use worker::notifications::Providers;

#[test]
fn delivered_messages_are_on_the_page_once_for_each_channel() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(dev_outbox::serve(listener));
        let providers = Providers::dev_outbox(address, Duration::from_secs(60))?;

        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT);
        app.patch(
            &admin,
            &format!("/v1/users/{}", student.id),
            json!({"phone": "+441632960001"}),
        )
        .await?
        .expect(200);
        for way in ["email", "sms", "push"] {
            let body = json!({"user_id": student.id, "type": way, "subject": "A & B", "message": format!("<b>by {way}</b>")});
            notifications::post_notification(app, &admin, body)
                .await?
                .expect(201);
        }
        let report = worker::notifications::run_once(&app.superuser_url, &providers).await?;
        assert_eq!((report.sent, report.reasons.len()), (3, 0), "{report}");

        // The deliveries are made due again, as if the responses had been lost.
        let again =
            "update lms.notification_deliveries set delivered_at = null, next_attempt_at = now()";
        assert_eq!(queries::execute(app, again, &[]).await?, 3);
        assert_eq!(
            worker::notifications::run_once(&app.superuser_url, &providers)
                .await?
                .sent,
            3
        );

        let shown =
            tests::send(reqwest::Client::new().get(format!("http://{address}/messages"))).await?;
        let mut shown: Vec<Value> = serde_json::from_str(&shown.expect(200).text)?;
        shown.sort_by_key(|one| one["channel"].to_string());
        let found: Vec<_> = shown
            .iter()
            .map(|one| {
                (
                    one["channel"].clone(),
                    one["to"].clone(),
                    one["text"].clone(),
                    one["duplicates"].clone(),
                )
            })
            .collect();
        let expected = [
            ("email", json!(student.email)),
            ("push", json!(student.id)),
            ("sms", json!("+441632960001")),
        ]
        .map(|(way, to)| (json!(way), to, json!(format!("<b>by {way}</b>")), json!(1)));
        assert_eq!(found, expected);

        let page = tests::send(reqwest::Client::new().get(format!("http://{address}/")))
            .await?
            .expect(200);
        assert!(
            page.text.contains("&#60;b&#62;by sms&#60;/b&#62;") && !page.text.contains("<b>"),
            "{}",
            page.text
        );
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        serving.abort();
        Ok(())
    });
}

#[test]
fn requests_with_another_host_name_are_refused() {
    run(async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/messages", listener.local_addr()?);
        let serving = tokio::spawn(dev_outbox::serve(listener));
        let request = reqwest::Client::new().get(&url);
        let stranger = request.header("host", "evil.example:3001");
        tests::send(stranger).await?.expect(403);
        tests::send(reqwest::Client::new().get(&url))
            .await?
            .expect(200);
        serving.abort();
        Ok(())
    });
}
