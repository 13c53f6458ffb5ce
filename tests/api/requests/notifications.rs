//! Tests notifications over HTTP: the access to them, and their validation before they are queued.

use serde_json::json;
use tests::{Behaviour, StubProvider, fixtures, notifications, queries, role, run};

#[test]
fn a_notification_is_queued_in_the_transaction_of_its_request() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        let body = json!({"user_id": student, "type": "push", "subject": "Today", "message": "Bring a pen."});
        let reply = notifications::post_notification(app, &admin, body)
            .await?
            .expect(201);
        assert!(reply.header("location").starts_with("/v1/notifications/"));
        let created = reply.json();
        assert!(
            created["status"].is_null() && created["template"].is_null(),
            "{created}"
        );
        assert_eq!(
            (&created["type"], &created["message"]),
            (&json!("push"), &json!("Bring a pen."))
        );
        let queued = "lms.notification_deliveries where notification_id = $1 and type = 'push'";
        assert_eq!(
            queries::count(app, queued, &[&fixtures::parse_id(&created)?]).await?,
            1
        );

        let list = app
            .get(&admin, "/v1/notifications?status.null=true&type=push")
            .await?
            .expect(200)
            .json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
        Ok(())
    });
}

#[test]
fn requests_with_the_same_idempotency_key_send_one_notification() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let body =
            json!({"user_id": app.user(0, role::STUDENT).id, "type": "email", "message": "Once."});
        let mut answers = Vec::new();
        for _ in 0..3 {
            let request = app
                .request(http::Method::POST, "/v1/notifications")
                .bearer_auth(&admin.token)
                .header("idempotency-key", "the-same")
                .json(&body);
            answers.push(tests::send(request).await?.expect(201).json());
        }
        assert!(answers.iter().all(|answer| answer == &answers[0]));
        assert_eq!(notifications::count_pending(app).await?, 1);
        Ok(())
    });
}

#[test]
fn placeholders_are_replaced_by_plain_text() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        app.patch(
            &admin,
            &format!("/v1/users/{student}"),
            json!({"name": "Ana {{title}}", "language_preferences": ["en"]}),
        )
        .await?
        .expect(200);
        let body = json!({
            "user_id": student,
            "type": "email",
            "template": "announcement",
            "data": {"title": "{{text}}", "text": "{{title}} \\1 $1 </p>"},
        });
        let created = notifications::post_notification(app, &admin, body)
            .await?
            .expect(201)
            .json();
        assert_eq!(created["subject"], "{{text}}");
        assert_eq!(created["language"], "en");
        let tenant = queries::fetch_texts(
            app,
            "select name from lms.tenants where tenant_id = $1",
            &[&admin.tenant],
        )
        .await?;
        assert_eq!(
            created["message"],
            json!(format!(
                "Hello Ana {{{{title}}}}, {{{{title}}}} \\1 $1 </p> – {}",
                tenant[0]
            ))
        );
        Ok(())
    });
}

#[test]
fn invalid_notifications_are_rejected_with_the_field_name_and_nothing_is_written() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        let (inactive, other_tenant_user) = (
            app.user(0, role::ASSESSOR).id,
            app.user(1, role::STUDENT).id,
        );
        app.call(
            Some(&admin),
            http::Method::POST,
            &format!("/v1/users/{inactive}/deactivate"),
            None,
        )
        .await?
        .expect(200);
        queries::execute(
            app,
            "update lms.users set phone = null where id = $1",
            &[&student],
        )
        .await?;
        let before = queries::write_counters(app).await?;
        let announcement = json!({"title": "T", "text": "x"});
        for (body, status, pointer) in [
            (
                json!({"user_id": student, "type": "email"}),
                422,
                "/message",
            ),
            (
                json!({"user_id": student, "type": "fax", "message": "x"}),
                422,
                "/type",
            ),
            (json!({"user_id": student, "message": "x"}), 422, "/type"),
            (json!({"type": "email", "message": "x"}), 422, "/user_id"),
            (
                json!({"user_id": other_tenant_user, "type": "email", "message": "x"}),
                422,
                "/user_id",
            ),
            (
                json!({"user_id": inactive, "type": "email", "message": "x"}),
                422,
                "/user_id",
            ),
            (
                json!({"user_id": student, "type": "sms", "message": "x"}),
                422,
                "/type",
            ),
            (
                json!({"user_id": student, "type": "email", "message": "x", "status": "sent"}),
                422,
                "/status",
            ),
            (
                json!({"user_id": student, "type": "email", "message": "x", "data": {}}),
                422,
                "/data",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "nothing"}),
                422,
                "/template",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "password_reset"}),
                422,
                "/template",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "announcement", "data": announcement, "message": "x"}),
                422,
                "/message",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "announcement", "data": {"title": "T"}}),
                422,
                "/data/text",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "announcement", "data": {"title": "T", "text": ["x"]}}),
                422,
                "/data/text",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "announcement", "data": {"title": "T", "text": "x", "name": "y"}}),
                422,
                "/data/name",
            ),
            (
                json!({"user_id": student, "type": "email", "template": "announcement", "data": {"title": "T", "text": "x", "a/b": 1}}),
                422,
                "/data/a~1b",
            ),
        ] {
            let shown = body.to_string();
            let reply = notifications::post_notification(app, &admin, body)
                .await?
                .expect(status);
            assert_eq!(reply.pointers(), [pointer], "{shown}: {}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        assert_eq!(notifications::count_pending(app).await?, 0);
        Ok(())
    });
}

#[test]
fn an_sms_has_a_maximum_length() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        app.patch(
            &admin,
            &format!("/v1/users/{student}"),
            json!({"phone": "+441632960001"}),
        )
        .await?
        .expect(200);
        let sms = |length: usize| json!({"user_id": student, "type": "sms", "message": "x".repeat(length)});
        notifications::post_notification(app, &admin, sms(1600))
            .await?
            .expect(201);
        let reply = notifications::post_notification(app, &admin, sms(1601))
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/message"]);
        Ok(())
    });
}

#[test]
fn everyone_reads_their_own_inbox_and_only_some_roles_send() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (_, other_centre) = queries::demo_centres(app).await?;
        let other_tutor = fixtures::create_user(app, &admin, "tutor", other_centre).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let own =
                notifications::send_email(app, &admin, session.user, "For you alone.").await?;
            let other_notification =
                notifications::send_email(app, &admin, other_tutor, "For a colleague.").await?;
            let seen = app
                .get(&session, &format!("/v1/notifications/{own}"))
                .await?
                .expect(200)
                .json();
            assert_eq!(seen["message"], "For you alone.");
            let sees_all = matches!(role, role::ADMIN | role::SUPPORT);
            let manages = sees_all || role == role::SUPERVISOR;
            assert_eq!(
                seen.get("attempts").is_some(),
                manages,
                "{}: {seen}",
                role.name()
            );
            assert_eq!(
                seen.get("failure").is_some(),
                manages,
                "{}: {seen}",
                role.name()
            );
            let status = if sees_all { 200 } else { 404 };
            app.get(&session, &format!("/v1/notifications/{other_notification}"))
                .await?
                .expect(status);
            let list = app
                .get(&session, "/v1/notifications?limit=200")
                .await?
                .expect(200)
                .json();
            let list = list["data"].as_array().cloned().unwrap_or_default();
            assert!(
                list.iter().any(|one| one["id"] == json!(own)),
                "{}",
                role.name()
            );
            assert!(
                manages || list.iter().all(|one| one["user_id"] == json!(session.user)),
                "{} sees somebody else's inbox",
                role.name()
            );

            let student = app.user(0, role::STUDENT).id;
            for (user, in_reach) in [(student, true), (other_tutor, sees_all)] {
                let body = json!({"user_id": user, "type": "email", "message": "Hello."});
                let reply = notifications::post_notification(app, &session, body).await?;
                let expected = match (manages, in_reach) {
                    (false, _) => 403,
                    (true, true) => 201,
                    (true, false) => 422,
                };
                assert_eq!(reply.status, expected, "{}: {}", role.name(), reply.text);
            }
            let exports = app
                .request(http::Method::GET, "/v1/notifications")
                .header("accept", "text/csv")
                .bearer_auth(&session.token);
            let status = if sees_all { 200 } else { 406 };
            assert_eq!(
                tests::send(exports).await?.status,
                status,
                "{}",
                role.name()
            );
        }
        Ok(())
    });
}

#[test]
fn a_notification_cannot_be_updated_or_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!(
            "/v1/notifications/{}",
            queries::first_id(app, 0, "notifications").await?
        );
        app.patch(&admin, &path, json!({"message": "Other."}))
            .await?
            .expect(405);
        app.delete(&admin, &path).await?.expect(405);
        let client = database::connect(&app.application_url).await?;
        for sql in [
            "update lms.notifications set message = 'Other.'",
            "delete from lms.notifications",
            "insert into lms.notifications (user_id, type, message, status) values (gen_random_uuid(), 'email', 'x', 'sent')",
            "insert into lms.notification_deliveries (notification_id, type) values (gen_random_uuid(), 'email')",
            "select * from lms.notification_deliveries",
            "select * from lms_private.notification_secrets",
        ] {
            let rejected = client.execute(sql, &[]).await.err();
            let code = rejected
                .as_ref()
                .and_then(|error| error.code())
                .map(|code| code.code());
            assert_eq!(code, Some("42501"), "{sql}");
        }
        Ok(())
    });
}

#[test]
fn requests_do_not_wait_for_a_provider_that_hangs() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        notifications::send_emails(app, &admin, 1).await?;
        let provider = StubProvider::start(Behaviour::Hangs).await?;
        let (url, providers) = (
            app.superuser_url.clone(),
            provider.providers(std::time::Duration::from_secs(60))?,
        );
        let delivering =
            tokio::spawn(async move { worker::notifications::run_once(&url, &providers).await });
        // The provider never responds, but no request waits for it.
        while provider.request_count() == 0 {
            notifications::send_emails(app, &admin, 1).await?;
        }
        notifications::send_emails(app, &admin, 20).await?;
        assert!(!delivering.is_finished());
        delivering.abort();
        Ok(())
    });
}

#[test]
fn queued_notifications_survive_a_failed_request() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        notifications::send_emails(app, &admin, 2).await?;
        // The transaction fails after the insert: neither the notification nor its delivery exists.
        let sql = "do $$ begin
            perform set_config('app.tenant_id', (select tenant_id::text from lms.tenants where slug = 'aurora'), true);
            insert into lms.notifications (tenant_id, user_id, type, message)
            select u.tenant_id, u.id, 'email', 'Never.' from lms.users as u where u.email = 'student@aurora.example';
            raise exception 'on purpose';
          end $$";
        assert!(queries::execute(app, sql, &[]).await.is_err());
        assert_eq!(notifications::count_pending(app).await?, 2);
        assert_eq!(
            queries::count(app, "lms.notifications where message = 'Never.'", &[]).await?,
            0
        );
        Ok(())
    });
}
