//! Tests the notifications that are sent automatically: cancelled and rescheduled lessons, and password resets.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Behaviour, StubProvider, class_fixture, class_fixture::ClassFixture, fixtures,
    notifications, queries, role, run,
};
use uuid::Uuid;

/// Returns the users of a student: the student and the parents.
async fn family(app: &Application, student: Uuid) -> Result<BTreeSet<Uuid>> {
    let rows = app
        .superuser()
        .await?
        .query(
            "select s.user_id from lms.students as s where s.id = $1
            union
            select s.parent_id from lms.students as s where s.id = $1 and s.parent_id is not null
            union
            select g.user_id from lms.guardians as g where g.student_id = $1 and g.deleted_at is null",
            &[&student],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Returns everyone in a class of the tutor with these students.
async fn participants(
    app: &Application,
    fixture: &ClassFixture,
    students: &[Uuid],
) -> Result<BTreeSet<Uuid>> {
    let mut all = BTreeSet::from([app.user(0, role::TUTOR).id]);
    for student in students {
        all.extend(family(app, *student).await?);
    }
    anyhow::ensure!(all.len() > students.len() + 1 && fixture.students.len() > 1);
    Ok(all)
}

/// Returns the number of notifications with a template key, and their recipients.
fn recipients_of(queued: &[(String, Uuid)], template: &str) -> (usize, BTreeSet<Uuid>) {
    let of: Vec<Uuid> = queued
        .iter()
        .filter(|(key, _)| key == template)
        .map(|(_, user)| *user)
        .collect();
    (of.len(), of.into_iter().collect())
}

/// Returns the text of a user's latest notification.
async fn message(app: &Application, user: Uuid) -> Result<String> {
    let sql = "select message from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1";
    queries::fetch_texts(app, sql, &[&user])
        .await?
        .pop()
        .context("no message")
}

#[test]
fn a_cancelled_or_rescheduled_lesson_notifies_all_participants_but_the_author_once() {
    run(async |app| {
        let fixture = class_fixture::class_fixture(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let students = &fixture.students[..2];
        let mut class = fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=3"));
        class["student_ids"] = json!(students);
        class["subject"] = json!("Mathematics");
        let class = class_fixture::create_class(app, &admin, class).await?;
        notifications::clear_outbox(app).await?;
        let all = participants(app, &fixture, students).await?;

        let path = format!(
            "{}/cancel",
            class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY)
        );
        app.post(&admin, &path, json!({"reason": "The tutor is ill."}))
            .await?
            .expect(200);
        let queued = notifications::queued_templates(app).await?;
        assert_eq!(
            recipients_of(&queued, "lesson_cancelled"),
            (all.len(), all.clone()),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        for part in ["Mathematics", "2035-04-02 ", "The tutor is ill."] {
            assert!(text.contains(part), "{text}");
        }

        // The tutor reschedules one lesson, so that everyone else is notified.
        notifications::clear_outbox(app).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        let path = format!(
            "{}/move",
            class_fixture::lesson_path(&class, class_fixture::SECOND_MONDAY)
        );
        let to = json!({"starts_at": "2035-04-10T16:00:00Z", "ends_at": "2035-04-10T17:00:00Z"});
        app.post(&tutor, &path, to).await?.expect(200);
        let queued = notifications::queued_templates(app).await?;
        let mut others = all.clone();
        others.remove(&tutor.user);
        assert_eq!(
            recipients_of(&queued, "lesson_moved"),
            (others.len(), others),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        assert!(
            text.contains("from 2035-04-09 ") && text.contains("to 2035-04-10 "),
            "{text}"
        );

        // A change of room without a change of time is announced, too.
        notifications::clear_outbox(app).await?;
        let path = format!(
            "{}/move",
            class_fixture::lesson_path(&class, class_fixture::THIRD_MONDAY)
        );
        let to = json!({"starts_at": "2035-04-16T16:00:00Z", "ends_at": "2035-04-16T17:00:00Z", "room": "Attic"});
        app.post(&tutor, &path, to).await?.expect(200);
        let queued = notifications::queued_templates(app).await?;
        let mut others = all;
        others.remove(&tutor.user);
        assert_eq!(
            recipients_of(&queued, "lesson_changed"),
            (others.len(), others),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        assert!(
            text.contains("in the room Attic") && text.contains("2035-04-16 "),
            "{text}"
        );
        Ok(())
    });
}

#[test]
fn cancelling_a_class_of_many_lessons_sends_each_person_one_notification() {
    run(async |app| {
        let fixture = class_fixture::class_fixture(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=12"));
        let class = class_fixture::create_class(app, &admin, class).await?;
        notifications::clear_outbox(app).await?;
        let path = format!("{}/cancel", class_fixture::class_path(&class));
        app.post(&admin, &path, json!({"reason": "Too few."}))
            .await?
            .expect(200);
        let queued = notifications::queued_templates(app).await?;
        let mut all = family(app, fixture.students[0]).await?;
        all.insert(app.user(0, role::TUTOR).id);
        assert_eq!(
            recipients_of(&queued, "lessons_cancelled"),
            (all.len(), all),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        assert!(
            text.contains("12 lessons") && text.contains("2035-04-02 "),
            "{text}"
        );
        Ok(())
    });
}

#[test]
fn past_and_new_lessons_notify_no_one_and_unplannable_lessons_notify_all_participants() {
    run(async |app| {
        let fixture = class_fixture::class_fixture(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = fixtures::insert_class(app, fixture.tutor).await?;
        let past = fixtures::insert_lesson(
            app,
            class,
            "2020-01-06T16:00:00Z",
            "2020-01-06T17:00:00Z",
            "scheduled",
        )
        .await?;
        fixtures::insert_attendance(app, past, fixture.students[0], None).await?;
        notifications::clear_outbox(app).await?;
        let path = format!("/v1/classes/{class}/occurrences/2020-01-06T16:00:00Z/cancel");
        app.post(&admin, &path, json!({})).await?.expect(200);
        assert_eq!(notifications::queued_templates(app).await?, []);

        // No one is told of a new class. Clashes that the worker finds cause one notification.
        let start = chrono::Utc::now().date_naive() + chrono::Duration::days(3);
        let schedule = class_fixture::recurring_schedule(
            "UTC",
            &format!("{start}T05:00:00"),
            &format!("{start}T06:00:00"),
            "FREQ=WEEKLY",
        );
        class_fixture::create_class(app, &admin, fixture.class_body(schedule)).await?;
        let clash_date = start + chrono::Duration::weeks(56);
        let clash = class_fixture::recurring_schedule(
            "UTC",
            &format!("{clash_date}T05:30:00"),
            &format!("{clash_date}T06:30:00"),
            "FREQ=WEEKLY;COUNT=2",
        );
        class_fixture::create_class(app, &admin, fixture.class_body(clash)).await?;
        assert_eq!(notifications::queued_templates(app).await?, []);
        let then = chrono::Utc::now() + chrono::Duration::weeks(10);
        let report = worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(report.clashes.len(), 2, "{report}");
        let queued = notifications::queued_templates(app).await?;
        let mut recipients = family(app, fixture.students[0]).await?;
        recipients.insert(app.user(0, role::TUTOR).id);
        recipients.insert(app.user(0, role::SUPERVISOR).id);
        assert_eq!(
            recipients_of(&queued, "lessons_cancelled"),
            (recipients.len(), recipients),
            "{queued:?}"
        );
        assert_eq!(recipients_of(&queued, "lesson_cancelled").0, 0);
        let texts = queries::fetch_texts(
            app,
            "select message from lms.notifications where template = 'lessons_cancelled'",
            &[],
        )
        .await?;
        let reasons = ["another lesson", "andere Stunde", "otra clase"];
        assert!(
            texts.iter().all(|text| !text.contains("clash")
                && reasons.iter().any(|reason| text.contains(reason))),
            "{texts:?}"
        );
        Ok(())
    });
}

#[test]
fn users_without_email_get_the_next_channel_and_users_who_opted_out_get_none() {
    run(async |app| {
        let fixture = class_fixture::class_fixture(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"));
        let class = class_fixture::create_class(app, &admin, class).await?;
        let path = "/v1/notifications/preferences";
        for (role, body) in [
            (
                role::STUDENT,
                json!({"email": false, "sms": true, "push": true}),
            ),
            (
                role::TUTOR,
                json!({"email": false, "sms": false, "push": false}),
            ),
        ] {
            let session = app.sign_in(role).await?;
            app.call(Some(&session), Method::PUT, path, Some(body))
                .await?
                .expect(200);
        }
        notifications::clear_outbox(app).await?;
        let path = format!(
            "{}/cancel",
            class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY)
        );
        app.post(&admin, &path, json!({})).await?.expect(200);
        let push = "lms.notification_deliveries as d join lms.notifications as n on n.id = d.notification_id
            where d.type = 'push' and n.user_id = $1";
        assert_eq!(
            queries::count(app, push, &[&app.user(0, role::STUDENT).id]).await?,
            1
        );
        let queued = notifications::queued_templates(app).await?;
        let tutor = app.user(0, role::TUTOR).id;
        assert!(queued.iter().all(|(_, user)| *user != tutor), "{queued:?}");
        Ok(())
    });
}

#[test]
fn a_rejected_change_notifies_no_one() {
    run(async |app| {
        let fixture = class_fixture::class_fixture(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"));
        let class = class_fixture::create_class(app, &admin, class).await?;
        notifications::clear_outbox(app).await?;
        // The new time overlaps the other lesson of the same class.
        let path = format!(
            "{}/move",
            class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY)
        );
        let to = json!({"starts_at": "2035-04-09T16:30:00Z", "ends_at": "2035-04-09T17:30:00Z"});
        app.post(&admin, &path, to).await?.expect(409);
        assert_eq!(notifications::queued_templates(app).await?, []);
        Ok(())
    });
}

#[test]
fn the_code_of_a_password_reset_is_only_in_the_email() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let user = app.user(0, role::TUTOR);
        let body = json!({"tenant": "aurora", "email": user.email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let code = queries::fetch_texts(
            app,
            "select token from lms_private.notification_secrets",
            &[],
        )
        .await?;
        let code = code.first().context("a code")?;
        let provider = StubProvider::start(Behaviour::Rejects(500)).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert!(!report.to_string().contains(code.as_str()), "{report}");
        provider.set_behaviour(Behaviour::Accepts);
        notifications::make_retries_due(app).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.sent, 1);
        let mail: Value = serde_json::from_str(
            provider
                .accepted_by_key()
                .values()
                .next()
                .context("a mail")?,
        )?;
        let text = mail["text"].as_str().unwrap_or_default();
        assert!(
            text.contains(code.as_str()) && !text.contains("{{"),
            "{text}"
        );

        for place in [
            "lms.notifications as t where t::text like '%' || $1 || '%'",
            "lms.notification_deliveries as t where t::text like '%' || $1 || '%'",
            "lms.event_log as t where t::text like '%' || $1 || '%'",
            "lms_private.notification_secrets as t where t::text like '%' || $1 || '%'",
        ] {
            assert_eq!(queries::count(app, place, &[code]).await?, 0, "{place}");
        }
        let body = json!({"token": code, "password": "a river runs past 7 lamps"});
        app.call(
            None,
            Method::POST,
            "/v1/auth/password-reset/confirm",
            Some(body),
        )
        .await?
        .expect(204);
        Ok(())
    });
}

#[test]
fn an_expired_code_is_neither_sent_nor_retried() {
    run(async |app| {
        notifications::clear_outbox(app).await?;
        let body = json!({"tenant": "aurora", "email": app.user(0, role::TUTOR).email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        queries::execute(
            app,
            "update lms_private.notification_secrets set expires_at = now()",
            &[],
        )
        .await?;
        let provider = StubProvider::start(Behaviour::Accepts).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.dead_letters, 1);
        assert_eq!(provider.request_count(), 0);
        let admin = app.sign_in(role::ADMIN).await?;
        let id = queries::fetch_id(
            app,
            "select notification_id from lms.notification_deliveries",
            &[],
        )
        .await?;
        assert_eq!(
            notifications::get_notification(app, &admin, id).await?["failure"],
            "the code in it has expired"
        );
        let path = format!("/v1/notifications/{id}/retry");
        let reply = app
            .call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        assert!(reply.text.contains("has expired"), "{}", reply.text);
        assert_eq!(
            notifications::get_notification(app, &admin, id).await?["status"],
            "failed"
        );
        Ok(())
    });
}
