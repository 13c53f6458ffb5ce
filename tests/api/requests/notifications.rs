//! Notifications over HTTP: who may send and read them, and what is refused before anything is queued.

use serde_json::json;
use tests::{Mood, Provider, outbox, people, role, rows, run};

#[test]
fn sending_is_answered_at_once_and_queued_in_the_same_transaction() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        let body = json!({"user_id": student, "type": "push", "subject": "Today", "message": "Bring a pen."});
        let reply = outbox::post(app, &admin, body).await?.expect(201);
        assert!(reply.header("location").starts_with("/v1/notifications/"));
        let made = reply.json();
        assert!(
            made["status"].is_null() && made["template"].is_null(),
            "{made}"
        );
        assert_eq!(
            (&made["type"], &made["message"]),
            (&json!("push"), &json!("Bring a pen."))
        );
        let queued = "lms.notification_deliveries where notification_id = $1 and type = 'push'";
        assert_eq!(rows::count(app, queued, &[&people::id(&made)?]).await?, 1);

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
fn one_key_sends_once_however_often_it_is_repeated() {
    run(async |app| {
        outbox::empty(app).await?;
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
        assert_eq!(outbox::waiting(app).await?, 1);
        Ok(())
    });
}

#[test]
fn a_template_is_filled_in_and_its_values_stay_text() {
    run(async |app| {
        outbox::empty(app).await?;
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
        let made = outbox::post(app, &admin, body).await?.expect(201).json();
        assert_eq!(made["subject"], "{{text}}");
        assert_eq!(made["language"], "en");
        let tenant = rows::texts(
            app,
            "select name from lms.tenants where tenant_id = $1",
            &[&admin.tenant],
        )
        .await?;
        assert_eq!(
            made["message"],
            json!(format!(
                "Hello Ana {{{{title}}}}, {{{{title}}}} \\1 $1 </p> – {}",
                tenant[0]
            ))
        );
        Ok(())
    });
}

#[test]
fn what_can_not_be_sent_is_refused_by_name_and_nothing_is_written() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        let (inactive, theirs) = (
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
        rows::execute(
            app,
            "update lms.users set phone = null where id = $1",
            &[&student],
        )
        .await?;
        let before = rows::written(app).await?;
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
                json!({"user_id": theirs, "type": "email", "message": "x"}),
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
            let reply = outbox::post(app, &admin, body).await?.expect(status);
            assert_eq!(reply.pointers(), [pointer], "{shown}: {}", reply.text);
        }
        assert_eq!(rows::written(app).await?, before);
        assert_eq!(outbox::waiting(app).await?, 0);
        Ok(())
    });
}

#[test]
fn an_sms_is_not_longer_than_one_may_be() {
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
        outbox::post(app, &admin, sms(1600)).await?.expect(201);
        let reply = outbox::post(app, &admin, sms(1601)).await?.expect(422);
        assert_eq!(reply.pointers(), ["/message"]);
        Ok(())
    });
}

#[test]
fn everybody_reads_the_own_inbox_and_only_some_send() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (_, away) = rows::centres(app).await?;
        let far = people::user(app, &admin, "tutor", away).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let own = outbox::send(app, &admin, session.user, "For you alone.").await?;
            let theirs = outbox::send(app, &admin, far, "For somebody far away.").await?;
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
            app.get(&session, &format!("/v1/notifications/{theirs}"))
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
                "{} sees an inbox that is another's",
                role.name()
            );

            let student = app.user(0, role::STUDENT).id;
            for (user, in_reach) in [(student, true), (far, sees_all)] {
                let body = json!({"user_id": user, "type": "email", "message": "Hello."});
                let reply = outbox::post(app, &session, body).await?;
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
fn a_notification_is_never_changed_or_deleted_by_a_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!(
            "/v1/notifications/{}",
            rows::any(app, 0, "notifications").await?
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
            let refused = client.execute(sql, &[]).await.err();
            let code = refused
                .as_ref()
                .and_then(|error| error.code())
                .map(|code| code.code());
            assert_eq!(code, Some("42501"), "{sql}");
        }
        Ok(())
    });
}

#[test]
fn requests_are_answered_while_the_provider_hangs() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        outbox::send_many(app, &admin, 1).await?;
        let provider = Provider::start(Mood::Hangs).await?;
        let (url, providers) = (
            app.superuser_url.clone(),
            provider.providers(std::time::Duration::from_secs(60))?,
        );
        let delivering =
            tokio::spawn(async move { worker::notifications::run_once(&url, &providers).await });
        // The provider never answers, and nobody who asks for something waits for it.
        while provider.requests() == 0 {
            outbox::send_many(app, &admin, 1).await?;
        }
        outbox::send_many(app, &admin, 20).await?;
        assert!(!delivering.is_finished());
        delivering.abort();
        Ok(())
    });
}

#[test]
fn what_waits_outlives_a_request_that_fails() {
    run(async |app| {
        outbox::empty(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        outbox::send_many(app, &admin, 2).await?;
        // Fails behind the insert, in the same transaction: neither the notification nor its place in the outbox is there.
        let sql = "do $$ begin
            perform set_config('app.tenant_id', (select tenant_id::text from lms.tenants where slug = 'aurora'), true);
            insert into lms.notifications (tenant_id, user_id, type, message)
            select u.tenant_id, u.id, 'email', 'Never.' from lms.users as u where u.email = 'student@aurora.example';
            raise exception 'on purpose';
          end $$";
        assert!(rows::execute(app, sql, &[]).await.is_err());
        assert_eq!(outbox::waiting(app).await?, 2);
        assert_eq!(
            rows::count(app, "lms.notifications where message = 'Never.'", &[]).await?,
            0
        );
        Ok(())
    });
}
