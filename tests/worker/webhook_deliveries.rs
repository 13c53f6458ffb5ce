//! What webhooks are told: signed so that Standard Webhooks' own library takes it, of the events that they are for, each once.

use anyhow::{Context, ensure};
use chrono::{Duration, Utc};
use serde_json::{Value, json};
use tests::{Mood, Provider, hooks, role, rows, run};
use tokio::time::{Instant, sleep};
use worker::webhooks;

/// Longer than anything takes that goes well.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn a_message_is_the_event_and_the_library_verifies_it() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Well).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        let report = hooks::deliver(app, Utc::now()).await?;
        assert_eq!(
            (report.sent, report.retried, report.dead_letters),
            (1, 0, 0),
            "{report}"
        );
        let posts = receiver.posts();
        let post = posts.first().context("a message")?;
        assert_eq!((posts.len(), post.path.as_str()), (1, "/hook"));
        assert_eq!(post.header("content-type"), "application/json");

        let verified = hooks::verify(&hook.secret, post, &post.body).await?;
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
        assert_eq!(post.header("webhook-id"), hooks::text(&event["id"]));

        let changed = post.body.replace("lakeside", "hillside");
        assert!(hooks::verify(&hook.secret, post, &changed).await.is_err());
        let other = hooks::make(app, &admin, &Provider::absent(Mood::Well).await?, &[]).await?;
        assert!(
            hooks::verify(&other.secret, post, &post.body)
                .await
                .is_err()
        );

        let told = hooks::deliveries(app, &admin, &hook).await?;
        assert_eq!(told.len(), 1);
        assert_eq!(
            (
                &told[0]["status"],
                &told[0]["attempts"],
                &told[0]["last_status"],
                &told[0]["event_id"]
            ),
            (&json!("delivered"), &json!(1), &json!(200), &event["id"])
        );
        assert!(told[0]["delivered_at"].is_string() && told[0]["next_attempt_at"].is_null());
        assert!(hooks::deliver(app, Utc::now()).await?.is_empty());
        Ok(())
    });
}

#[test]
fn the_former_secret_signs_beside_the_new_one_for_a_day() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Well).await?;
        let rotated = hooks::act(app, &admin, &hook, "rotate-secret", None)
            .await?
            .expect(200)
            .json();
        let new = hooks::text(&rotated["secret"]);
        hooks::happen(app, &admin, "lakeside").await?;
        hooks::deliver(app, Utc::now()).await?;
        let post = receiver.posts().pop().context("a message")?;
        for secret in [&hook.secret, &new] {
            let verified = hooks::verify(secret, &post, &post.body).await?;
            assert_eq!(verified["type"], "centre.created");
        }
        hooks::happen(app, &admin, "hillside").await?;
        hooks::deliver(app, Utc::now() + Duration::hours(25)).await?;
        let post = receiver.posts().pop().context("a message")?;
        assert_eq!(post.header("webhook-signature").split(' ').count(), 1);
        Ok(())
    });
}

#[test]
fn a_webhook_is_told_of_its_kinds_and_of_its_own_tenant_alone() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let theirs = app.sign_in_to(1, role::ADMIN).await?;
        hooks::seal(app, &admin).await?;
        hooks::seal(app, &theirs).await?;
        let names = ["kind", "entity", "everything", "other", "theirs"];
        let mut receivers = Vec::new();
        for (name, kinds) in names.iter().zip([
            &["centre.updated"][..],
            &["centres"],
            &[],
            &["students"],
            &[],
        ]) {
            let receiver = Provider::start(Mood::Well).await?;
            let who = if *name == "theirs" { &theirs } else { &admin };
            hooks::make(app, who, &receiver, kinds).await?;
            receivers.push(receiver);
        }
        hooks::happen(app, &admin, "lakeside").await?;
        let centre = rows::id(
            app,
            "select id from lms.centres where code = 'lakeside'",
            &[],
        )
        .await?;
        let path = format!("/v1/centres/{centre}");
        app.patch(&admin, &path, json!({"name": "Lake"}))
            .await?
            .expect(200);
        hooks::seal(app, &admin).await?;
        hooks::deliver(app, Utc::now()).await?;
        let told = |index: usize| -> Vec<String> {
            let of =
                |post: &tests::Post| serde_json::from_str::<Value>(&post.body).unwrap_or_default();
            let posts = receivers[index].posts();
            let mut kinds: Vec<_> = posts
                .iter()
                .map(|post| hooks::text(&of(post)["type"]))
                .collect();
            kinds.sort();
            kinds.retain(|kind| kind.starts_with("centre."));
            kinds
        };
        assert_eq!(told(0), ["centre.updated"]);
        assert_eq!(told(1), ["centre.created", "centre.updated"]);
        assert_eq!(told(2), ["centre.created", "centre.updated"]);
        assert_eq!((told(3).len(), told(4).len()), (0, 0));
        Ok(())
    });
}

#[test]
fn several_workers_at_once_post_each_message_once() {
    run(async |app| {
        let (admin, receiver, _hook) = hooks::ready(app, Mood::Well).await?;
        for number in 0..40 {
            let name = format!("centre-{number}");
            let body = json!({"name": name, "code": name, "time_zone": "UTC", "currency": "EUR"});
            app.post(&admin, "/v1/centres", body).await?.expect(201);
        }
        hooks::seal(app, &admin).await?;
        let now = Utc::now();
        let reports = tokio::try_join!(
            hooks::deliver(app, now),
            hooks::deliver(app, now),
            hooks::deliver(app, now),
        )?;
        assert_eq!(reports.0.sent + reports.1.sent + reports.2.sent, 40);
        assert_eq!((receiver.taken(), receiver.kept().len()), (40, 40));
        Ok(())
    });
}

#[test]
fn a_worker_that_dies_in_between_costs_a_double_with_the_same_id() {
    run(async |app| {
        let (admin, receiver, _hook) = hooks::ready(app, Mood::TakesAndHangs).await?;
        hooks::happen(app, &admin, "lakeside").await?;
        let (url, sender) = (app.superuser_url.clone(), hooks::sender(60)?);
        let working =
            tokio::spawn(async move { webhooks::run_once(&url, &sender, Utc::now()).await });
        let deadline = Instant::now() + MINUTE;
        while receiver.taken() == 0 {
            ensure!(Instant::now() < deadline, "nothing is posted");
            sleep(std::time::Duration::from_millis(10)).await;
        }
        working.abort();
        ensure!(working.await.is_err_and(|error| error.is_cancelled()));
        receiver.becomes(Mood::Well);
        // As long as it could still be under way, nobody takes it.
        assert!(hooks::deliver(app, Utc::now()).await?.is_empty());
        let later = Utc::now() + Duration::minutes(3);
        assert_eq!(hooks::deliver(app, later).await?.sent, 1);
        assert_eq!((receiver.taken(), receiver.kept().len()), (2, 1));
        Ok(())
    });
}

#[test]
fn a_replay_tells_again_under_the_same_ids() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Well).await?;
        for name in ["lakeside", "hillside", "seaside"] {
            hooks::happen(app, &admin, name).await?;
        }
        hooks::deliver(app, Utc::now()).await?;
        let told = hooks::deliveries(app, &admin, &hook).await?;
        assert_eq!((told.len(), receiver.taken()), (3, 3));
        // The latest comes first: behind the oldest there are two.
        let after = &told[2]["position"];
        hooks::act(app, &admin, &hook, "replay", Some(json!({"after": after})))
            .await?
            .expect(200);
        assert_eq!(hooks::deliver(app, Utc::now()).await?.sent, 2);
        assert_eq!((receiver.taken(), receiver.kept().len()), (5, 3));
        let again = hooks::deliveries(app, &admin, &hook).await?;
        assert_eq!(again.len(), 3);

        // Page by page.
        let path = format!("/v1/webhooks/{}/deliveries", hook.id);
        let first = app
            .get(&admin, &format!("{path}?limit=2&status=delivered"))
            .await?
            .expect(200)
            .json();
        assert_eq!(first["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(first["next_before"], told[1]["position"]);
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
fn a_disabled_webhook_waits_and_goes_on_where_it_stood() {
    run(async |app| {
        let (admin, receiver, hook) = hooks::ready(app, Mood::Well).await?;
        hooks::act(app, &admin, &hook, "disable", None)
            .await?
            .expect(200);
        hooks::happen(app, &admin, "lakeside").await?;
        assert!(hooks::deliver(app, Utc::now()).await?.is_empty());
        assert!(hooks::deliveries(app, &admin, &hook).await?.is_empty());
        let enabled = hooks::act(app, &admin, &hook, "enable", None)
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&enabled["status"], &enabled["disabled_at"]),
            (&json!("active"), &json!(null))
        );
        assert_eq!(hooks::deliver(app, Utc::now()).await?.sent, 1);

        let sql = "update lms.tenants set status = 'inactive' where tenant_id = $1";
        hooks::happen(app, &admin, "hillside").await?;
        rows::execute(app, sql, &[&admin.tenant]).await?;
        assert!(hooks::deliver(app, Utc::now()).await?.is_empty());
        assert_eq!(receiver.taken(), 1);
        Ok(())
    });
}
