//! Tests the deliveries to webhooks: signatures, kinds of events, and exactly one message for each event.

use anyhow::{Context, ensure};
use chrono::{Duration, Utc};
use serde_json::{Value, json};
use tests::{Behaviour, StubProvider, queries, role, run, webhook_fixture};
use tokio::time::{Instant, sleep};
use worker::webhooks;

/// A timeout that exceeds every successful wait.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn a_message_contains_the_event_and_is_verified_by_the_standard_webhooks_library() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let report = webhook_fixture::deliver_due(app, Utc::now()).await?;
        assert_eq!(
            (report.sent, report.retried, report.dead_letters),
            (1, 0, 0),
            "{report}"
        );
        let posts = receiver.received_requests();
        let post = posts.first().context("a message")?;
        assert_eq!((posts.len(), post.path.as_str()), (1, "/hook"));
        assert_eq!(post.header("content-type"), "application/json");

        let verified = webhook_fixture::verify_signature(&hook.secret, post, &post.body).await?;
        let events = app
            .get(&admin, "/v1/events?limit=200&entity=centres")
            .await?
            .expect(200)
            .json();
        let event = events["data"]
            .as_array()
            .and_then(|data| data.last())
            .context("an event")?;
        assert_eq!(&verified["data"], event);
        assert_eq!(
            (&verified["type"], &verified["timestamp"]),
            (&json!("centre.created"), &event["at"])
        );
        assert_eq!(
            post.header("webhook-id"),
            webhook_fixture::text_of(&event["id"])
        );

        let changed = post.body.replace("lakeside", "hillside");
        assert!(
            webhook_fixture::verify_signature(&hook.secret, post, &changed)
                .await
                .is_err()
        );
        let other = webhook_fixture::create_webhook(
            app,
            &admin,
            &StubProvider::unreachable(Behaviour::Accepts).await?,
            &[],
        )
        .await?;
        assert!(
            webhook_fixture::verify_signature(&other.secret, post, &post.body)
                .await
                .is_err()
        );

        let deliveries = webhook_fixture::get_deliveries(app, &admin, &hook).await?;
        assert_eq!(deliveries.len(), 1);
        assert_eq!(
            (
                &deliveries[0]["status"],
                &deliveries[0]["attempts"],
                &deliveries[0]["last_status"],
                &deliveries[0]["event_id"]
            ),
            (&json!("delivered"), &json!(1), &json!(200), &event["id"])
        );
        assert!(
            deliveries[0]["delivered_at"].is_string() && deliveries[0]["next_attempt_at"].is_null()
        );
        assert!(
            webhook_fixture::deliver_due(app, Utc::now())
                .await?
                .is_empty()
        );
        Ok(())
    });
}

#[test]
fn after_a_rotation_the_former_secret_also_signs_for_a_day() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        let rotated = webhook_fixture::post_action(app, &admin, &hook, "rotate-secret", None)
            .await?
            .expect(200)
            .json();
        let new = webhook_fixture::text_of(&rotated["secret"]);
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        let post = receiver.received_requests().pop().context("a message")?;
        for secret in [&hook.secret, &new] {
            let verified = webhook_fixture::verify_signature(secret, &post, &post.body).await?;
            assert_eq!(verified["type"], "centre.created");
        }
        webhook_fixture::create_centre_event(app, &admin, "hillside").await?;
        webhook_fixture::deliver_due(app, Utc::now() + Duration::hours(25)).await?;
        let post = receiver.received_requests().pop().context("a message")?;
        assert_eq!(post.header("webhook-signature").split(' ').count(), 1);
        Ok(())
    });
}

#[test]
fn a_webhook_gets_only_events_of_its_kinds_and_its_tenant() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        webhook_fixture::seal_events(app, &admin).await?;
        webhook_fixture::seal_events(app, &other_tenant_admin).await?;
        let names = ["kind", "entity", "everything", "other", "theirs"];
        let mut receivers = Vec::new();
        for (name, kinds) in names.iter().zip([
            &["centre.updated"][..],
            &["centres"],
            &[],
            &["students"],
            &[],
        ]) {
            let receiver = StubProvider::start(Behaviour::Accepts).await?;
            let who = if *name == "theirs" {
                &other_tenant_admin
            } else {
                &admin
            };
            webhook_fixture::create_webhook(app, who, &receiver, kinds).await?;
            receivers.push(receiver);
        }
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let centre = queries::fetch_id(
            app,
            "select id from lms.centres where code = 'lakeside'",
            &[],
        )
        .await?;
        let path = format!("/v1/centres/{centre}");
        app.patch(&admin, &path, json!({"name": "Lake"}))
            .await?
            .expect(200);
        webhook_fixture::seal_events(app, &admin).await?;
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        let received_kinds = |index: usize| -> Vec<String> {
            let of = |post: &tests::ReceivedRequest| {
                serde_json::from_str::<Value>(&post.body).unwrap_or_default()
            };
            let posts = receivers[index].received_requests();
            let mut kinds: Vec<_> = posts
                .iter()
                .map(|post| webhook_fixture::text_of(&of(post)["type"]))
                .collect();
            kinds.sort();
            kinds.retain(|kind| kind.starts_with("centre."));
            kinds
        };
        assert_eq!(received_kinds(0), ["centre.updated"]);
        assert_eq!(received_kinds(1), ["centre.created", "centre.updated"]);
        assert_eq!(received_kinds(2), ["centre.created", "centre.updated"]);
        assert_eq!((received_kinds(3).len(), received_kinds(4).len()), (0, 0));
        Ok(())
    });
}

#[test]
fn several_workers_at_once_post_each_message_once() {
    run(async |app| {
        let (admin, receiver, _hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        for number in 0..40 {
            let name = format!("centre-{number}");
            let body = json!({"name": name, "code": name, "time_zone": "UTC", "currency": "EUR"});
            app.post(&admin, "/v1/centres", body).await?.expect(201);
        }
        webhook_fixture::seal_events(app, &admin).await?;
        let now = Utc::now();
        let reports = tokio::try_join!(
            webhook_fixture::deliver_due(app, now),
            webhook_fixture::deliver_due(app, now),
            webhook_fixture::deliver_due(app, now),
        )?;
        assert_eq!(reports.0.sent + reports.1.sent + reports.2.sent, 40);
        assert_eq!(
            (receiver.accepted_count(), receiver.accepted_by_key().len()),
            (40, 40)
        );
        Ok(())
    });
}

#[test]
fn a_worker_that_crashes_after_sending_repeats_the_message_with_the_same_id() {
    run(async |app| {
        let (admin, receiver, _hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::AcceptsAndHangs).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let (url, sender) = (app.superuser_url.clone(), webhook_fixture::sender(60)?);
        let working =
            tokio::spawn(async move { webhooks::run_once(&url, &sender, Utc::now()).await });
        let deadline = Instant::now() + TIMEOUT;
        while receiver.accepted_count() == 0 {
            ensure!(Instant::now() < deadline, "nothing is posted");
            sleep(std::time::Duration::from_millis(10)).await;
        }
        working.abort();
        ensure!(working.await.is_err_and(|error| error.is_cancelled()));
        receiver.set_behaviour(Behaviour::Accepts);
        // No worker repeats it while the attempt could still be running.
        assert!(
            webhook_fixture::deliver_due(app, Utc::now())
                .await?
                .is_empty()
        );
        let later = Utc::now() + Duration::minutes(3);
        assert_eq!(webhook_fixture::deliver_due(app, later).await?.sent, 1);
        assert_eq!(
            (receiver.accepted_count(), receiver.accepted_by_key().len()),
            (2, 1)
        );
        Ok(())
    });
}

#[test]
fn a_replay_sends_events_again_with_the_same_ids() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        for name in ["lakeside", "hillside", "seaside"] {
            webhook_fixture::create_centre_event(app, &admin, name).await?;
        }
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        let deliveries = webhook_fixture::get_deliveries(app, &admin, &hook).await?;
        assert_eq!((deliveries.len(), receiver.accepted_count()), (3, 3));
        // Deliveries are listed from the latest, so the replay sends the two after the oldest one.
        let after = &deliveries[2]["position"];
        webhook_fixture::post_action(app, &admin, &hook, "replay", Some(json!({"after": after})))
            .await?
            .expect(200);
        assert_eq!(webhook_fixture::deliver_due(app, Utc::now()).await?.sent, 2);
        assert_eq!(
            (receiver.accepted_count(), receiver.accepted_by_key().len()),
            (5, 3)
        );
        let again = webhook_fixture::get_deliveries(app, &admin, &hook).await?;
        assert_eq!(again.len(), 3);

        // The deliveries are read page by page.
        let path = format!("/v1/webhooks/{}/deliveries", hook.id);
        let first = app
            .get(&admin, &format!("{path}?limit=2&status=delivered"))
            .await?
            .expect(200)
            .json();
        assert_eq!(first["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(first["next_before"], deliveries[1]["position"]);
        let next = format!("{path}?limit=2&before={}", first["next_before"]);
        let second = app.get(&admin, &next).await?.expect(200).json();
        assert_eq!(
            (
                second["data"].as_array().map(Vec::len),
                &second["next_before"]
            ),
            (Some(1), &json!(null))
        );
        let none = app
            .get(&admin, &format!("{path}?status=failed"))
            .await?
            .expect(200)
            .json();
        assert_eq!(none["data"], json!([]));
        Ok(())
    });
}

#[test]
fn a_disabled_webhook_continues_where_it_stopped() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        webhook_fixture::post_action(app, &admin, &hook, "disable", None)
            .await?
            .expect(200);
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        assert!(
            webhook_fixture::deliver_due(app, Utc::now())
                .await?
                .is_empty()
        );
        assert!(
            webhook_fixture::get_deliveries(app, &admin, &hook)
                .await?
                .is_empty()
        );
        let enabled = webhook_fixture::post_action(app, &admin, &hook, "enable", None)
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&enabled["status"], &enabled["disabled_at"]),
            (&json!("active"), &json!(null))
        );
        assert_eq!(webhook_fixture::deliver_due(app, Utc::now()).await?.sent, 1);

        let sql = "update lms.tenants set status = 'inactive' where tenant_id = $1";
        webhook_fixture::create_centre_event(app, &admin, "hillside").await?;
        queries::execute(app, sql, &[&admin.tenant]).await?;
        assert!(
            webhook_fixture::deliver_due(app, Utc::now())
                .await?
                .is_empty()
        );
        assert_eq!(receiver.accepted_count(), 1);
        Ok(())
    });
}
