//! Tests webhooks as a resource, and their secrets.

use chrono::{Duration, Utc};
use serde_json::json;
use tests::{Behaviour, fixtures, queries, role, run, webhook_fixture};
use uuid::Uuid;

#[test]
fn a_webhook_is_created_with_a_secret_shown_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({
            "url": "HTTPS://Hooks.Example.org:443/lms?from=x",
            "description": "Accounting",
            "kinds": ["students", "finance_record.created"],
        });
        let created = app.post(&admin, "/v1/webhooks", body).await?.expect(201);
        let secret = webhook_fixture::text_of(&created.json()["secret"]);
        assert!(
            secret.starts_with("whsec_") && secret.len() == 6 + 44,
            "{secret}"
        );
        let id = fixtures::parse_id(&created.json())?;
        let path = format!("/v1/webhooks/{id}");
        assert_eq!(created.header("location"), path);

        let read = app.get(&admin, &path).await?.expect(200);
        assert!(!read.text.contains(&secret[6..]) && !read.text.contains("\"secret\""));
        let read = read.json();
        assert_eq!(read["url"], "https://hooks.example.org/lms?from=x");
        assert_eq!(read["kinds"], json!(["students", "finance_record.created"]));
        assert_eq!(
            (&read["status"], &read["disabled_at"]),
            (&json!("active"), &json!(null))
        );

        let changed = app
            .patch(&admin, &path, json!({"description": null, "kinds": []}))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&changed["description"], &changed["kinds"]),
            (&json!(null), &json!([]))
        );
        for read_only in ["url", "status", "disabled_reason"] {
            let rejected = app
                .patch(&admin, &path, json!({read_only: "https://a.example.org/"}))
                .await?;
            assert_eq!(rejected.expect(422).pointers(), [format!("/{read_only}")]);
        }
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.post(&admin, &format!("{path}/restore"), json!({}))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn invalid_fields_of_a_webhook_are_rejected_and_named() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let url = "https://hooks.example.org/";
        for (body, pointer) in [
            (json!({}), "/url"),
            (json!({"url": "nonsense"}), "/url"),
            (json!({"url": "http://hooks.example.org/"}), "/url"),
            (json!({"url": "https://a:b@hooks.example.org/"}), "/url"),
            (json!({"url": format!("{url}{}", "a".repeat(2048))}), "/url"),
            (json!({"url": url, "kinds": ["student.create"]}), "/kinds/0"),
            (
                json!({"url": url, "kinds": ["students", "student"]}),
                "/kinds/1",
            ),
            (
                json!({"url": url, "kinds": ["students", "refresh_tokens"]}),
                "/kinds/1",
            ),
            (json!({"url": url, "kinds": "students"}), "/kinds"),
            (json!({"url": url, "secret": "whsec_AAAA"}), "/secret"),
            (json!({"url": url, "description": ""}), "/description"),
        ] {
            let rejected = app
                .post(&admin, "/v1/webhooks", body.clone())
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), [pointer], "{body}: {}", rejected.text);
        }
        app.post(&admin, "/v1/webhooks", json!({"url": url}))
            .await?
            .expect(201);
        let again = app
            .post(&admin, "/v1/webhooks", json!({"url": url}))
            .await?
            .expect(409);
        assert_eq!(again.pointers(), ["/url"]);
        // The demo data has one webhook.
        for number in 0..18 {
            let body = json!({"url": format!("{url}{number}")});
            app.post(&admin, "/v1/webhooks", body).await?.expect(201);
        }
        let further = app
            .post(&admin, "/v1/webhooks", json!({"url": format!("{url}x")}))
            .await?;
        assert!(further.expect(409).text.contains("20 webhooks"));
        Ok(())
    });
}

#[test]
fn actions_on_an_unknown_webhook_are_not_found() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other_tenant_webhook = queries::first_id(app, 1, "webhooks").await?;
        for id in [other_tenant_webhook, Uuid::now_v7()] {
            for (action, body) in [
                ("rotate-secret", json!({})),
                ("enable", json!({})),
                ("disable", json!({})),
                ("replay", json!({"after": 0})),
            ] {
                let path = format!("/v1/webhooks/{id}/{action}");
                app.post(&admin, &path, body).await?.expect(404);
            }
            let path = format!("/v1/webhooks/{id}/deliveries");
            app.get(&admin, &path).await?.expect(404);
        }
        Ok(())
    });
}

#[test]
fn a_replay_from_beyond_the_end_is_rejected_and_changes_nothing() {
    run(async |app| {
        let (admin, _receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        let queues = "lms.webhook_queues where id = $1 and position = $2";
        let sql = "select position::text from lms.event_heads where tenant_id = $1";
        webhook_fixture::seal_events(app, &admin).await?;
        let end: i64 = queries::fetch_texts(app, sql, &[&admin.tenant]).await?[0].parse()?;
        let rejected = webhook_fixture::post_action(
            app,
            &admin,
            &hook,
            "replay",
            Some(json!({"after": end + 1})),
        )
        .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/after"]);
        let rejected =
            webhook_fixture::post_action(app, &admin, &hook, "replay", Some(json!({"after": -1})))
                .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/after"]);
        assert_eq!(
            queries::count(app, queues, &[&hook.id, &(end + 1)]).await?,
            0
        );
        let moved =
            webhook_fixture::post_action(app, &admin, &hook, "replay", Some(json!({"after": end})))
                .await?;
        assert_eq!(moved.expect(200).json(), json!({"position": end}));
        assert_eq!(queries::count(app, queues, &[&hook.id, &end]).await?, 1);
        Ok(())
    });
}

#[test]
fn signing_secrets_are_stored_in_one_table_only() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Rejects(500)).await?;
        let rotated = webhook_fixture::post_action(app, &admin, &hook, "rotate-secret", None)
            .await?
            .expect(200)
            .json();
        let secrets = [
            hook.secret.clone(),
            webhook_fixture::text_of(&rotated["secret"]),
        ];
        assert_ne!(secrets[0], secrets[1]);
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        let report = webhook_fixture::deliver_due(app, Utc::now()).await?;
        receiver.set_behaviour(Behaviour::Accepts);
        webhook_fixture::deliver_due(app, Utc::now() + Duration::minutes(10)).await?;
        let mut seen = vec![report.to_string()];
        for path in [
            "/v1/webhooks".to_owned(),
            format!("/v1/webhooks/{}", hook.id),
            format!("/v1/webhooks/{}/deliveries", hook.id),
            "/v1/events?limit=200&entity=webhooks".to_owned(),
        ] {
            seen.push(app.get(&admin, &path).await?.expect(200).text);
        }
        seen.extend(
            receiver
                .received_requests()
                .into_iter()
                .map(|post| format!("{post:?}")),
        );
        for table in [
            "lms.event_log",
            "lms.webhooks",
            "lms.webhook_queues",
            "lms.webhook_deliveries",
            "lms.idempotency_keys",
            "lms.notifications",
            "lms_private.unsealed_events",
        ] {
            let sql = format!("select t::text from {table} as t");
            seen.extend(queries::fetch_texts(app, &sql, &[]).await?);
        }
        for secret in &secrets {
            let encoded = &secret["whsec_".len()..];
            let sql = "select encode(decode($1, 'base64'), 'hex')";
            let hex = queries::fetch_texts(app, sql, &[&encoded]).await?.remove(0);
            for text in &seen {
                assert!(!text.contains(encoded) && !text.contains(&hex), "{text}");
            }
        }
        // The components cannot read the table of secrets either.
        let client = database::connect(&app.application_url).await?;
        let rejected = client
            .query("select secret from lms.webhook_secrets", &[])
            .await;
        assert!(format!("{:?}", rejected.err()).contains("permission denied"));
        Ok(())
    });
}

#[test]
fn finished_deliveries_are_purged_after_their_retention() {
    run(async |app| {
        let (admin, receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        webhook_fixture::create_centre_event(app, &admin, "lakeside").await?;
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        receiver.set_behaviour(Behaviour::Rejects(500));
        webhook_fixture::create_centre_event(app, &admin, "hillside").await?;
        webhook_fixture::deliver_due(app, Utc::now()).await?;
        webhook_fixture::post_action(app, &admin, &hook, "rotate-secret", None)
            .await?
            .expect(200);
        let purge = "select lms.purge()";
        queries::fetch_texts(app, "select lms.purge()::text", &[]).await?;
        assert_eq!(
            webhook_fixture::get_deliveries(app, &admin, &hook)
                .await?
                .len(),
            2
        );

        let client = app.superuser().await?;
        client
            .batch_execute(&format!(
                "set session_replication_role = replica;
                update lms.webhook_deliveries set updated_at = now() - interval '31 days';
                update lms.webhook_secrets set expires_at = now() - interval '1 second' where expires_at is not null;
                insert into lms.notification_deliveries (tenant_id, id, notification_id, type, delivered_at)
                select n.tenant_id, n.id, n.id, n.type, now() - interval '31 days'
                from lms.notifications as n limit 1
                on conflict do nothing;
                set session_replication_role = origin;
                {purge}"
            ))
            .await?;
        let deliveries = webhook_fixture::get_deliveries(app, &admin, &hook).await?;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        assert_eq!(deliveries[0]["status"], "waiting");
        let secrets = "lms.webhook_secrets where webhook_id = $1";
        assert_eq!(queries::count(app, secrets, &[&hook.id]).await?, 1);
        let old = "lms.notification_deliveries where delivered_at < now() - interval '30 days'";
        assert_eq!(queries::count(app, old, &[]).await?, 0);
        Ok(())
    });
}

#[test]
fn at_most_five_former_secrets_are_valid() {
    run(async |app| {
        let (admin, _receiver, hook) =
            webhook_fixture::create_with_receiver(app, Behaviour::Accepts).await?;
        for _ in 0..5 {
            webhook_fixture::post_action(app, &admin, &hook, "rotate-secret", None)
                .await?
                .expect(200);
        }
        webhook_fixture::post_action(app, &admin, &hook, "rotate-secret", None)
            .await?
            .expect(409);
        Ok(())
    });
}
