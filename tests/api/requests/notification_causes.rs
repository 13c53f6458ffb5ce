//! What tells people by itself: lessons that are cancelled or moved, and a password that was forgotten.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Mood, Provider, classroom, classroom::Classroom, outbox, people, role, rows, run,
};
use uuid::Uuid;

/// The users of a student: itself, and its parents.
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

/// Everybody who is in a class of the tutor with these students.
async fn everybody(
    app: &Application,
    room: &Classroom,
    students: &[Uuid],
) -> Result<BTreeSet<Uuid>> {
    let mut all = BTreeSet::from([app.user(0, role::TUTOR).id]);
    for student in students {
        all.extend(family(app, *student).await?);
    }
    anyhow::ensure!(all.len() > students.len() + 1 && room.students.len() > 1);
    Ok(all)
}

/// Who is told of what, each as often as it happens.
fn told(queued: &[(String, Uuid)], template: &str) -> (usize, BTreeSet<Uuid>) {
    let of: Vec<Uuid> = queued
        .iter()
        .filter(|(key, _)| key == template)
        .map(|(_, user)| *user)
        .collect();
    (of.len(), of.into_iter().collect())
}

/// The message that somebody was sent last.
async fn message(app: &Application, user: Uuid) -> Result<String> {
    let sql = "select message from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1";
    rows::texts(app, sql, &[&user])
        .await?
        .pop()
        .context("no message")
}

#[test]
fn a_lesson_that_is_cancelled_or_moved_is_told_once_to_all_who_are_in_it_but_who_did_it() {
    run(async |app| {
        let room = classroom::classroom(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let students = &room.students[..2];
        let mut class = room.class(classroom::weekly("FREQ=WEEKLY;COUNT=3"));
        class["student_ids"] = json!(students);
        class["subject"] = json!("Mathematics");
        let class = classroom::make(app, &admin, class).await?;
        outbox::empty(app).await?;
        let all = everybody(app, &room, students).await?;

        let path = format!("{}/cancel", classroom::lesson(&class, classroom::FIRST));
        app.post(&admin, &path, json!({"reason": "The tutor is ill."}))
            .await?
            .expect(200);
        let queued = outbox::queued(app).await?;
        assert_eq!(
            told(&queued, "lesson_cancelled"),
            (all.len(), all.clone()),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        for part in ["Mathematics", "2035-04-02 ", "The tutor is ill."] {
            assert!(text.contains(part), "{text}");
        }

        // The tutor moves one: everybody else is told.
        outbox::empty(app).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        let path = format!("{}/move", classroom::lesson(&class, classroom::SECOND));
        let to = json!({"starts_at": "2035-04-10T16:00:00Z", "ends_at": "2035-04-10T17:00:00Z"});
        app.post(&tutor, &path, to).await?.expect(200);
        let queued = outbox::queued(app).await?;
        let mut others = all.clone();
        others.remove(&tutor.user);
        assert_eq!(
            told(&queued, "lesson_moved"),
            (others.len(), others),
            "{queued:?}"
        );
        let text = message(app, app.user(0, role::STUDENT).id).await?;
        assert!(
            text.contains("from 2035-04-09 ") && text.contains("to 2035-04-10 "),
            "{text}"
        );

        // So are they of another room at the same time.
        outbox::empty(app).await?;
        let path = format!("{}/move", classroom::lesson(&class, classroom::THIRD));
        let to = json!({"starts_at": "2035-04-16T16:00:00Z", "ends_at": "2035-04-16T17:00:00Z", "room": "Attic"});
        app.post(&tutor, &path, to).await?.expect(200);
        let queued = outbox::queued(app).await?;
        let mut others = all;
        others.remove(&tutor.user);
        assert_eq!(
            told(&queued, "lesson_changed"),
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
fn a_class_of_many_lessons_that_is_cancelled_is_one_message_for_each() {
    run(async |app| {
        let room = classroom::classroom(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = room.class(classroom::weekly("FREQ=WEEKLY;COUNT=12"));
        let class = classroom::make(app, &admin, class).await?;
        outbox::empty(app).await?;
        let path = format!("{}/cancel", classroom::path(&class));
        app.post(&admin, &path, json!({"reason": "Too few."}))
            .await?
            .expect(200);
        let queued = outbox::queued(app).await?;
        let mut all = family(app, room.students[0]).await?;
        all.insert(app.user(0, role::TUTOR).id);
        assert_eq!(
            told(&queued, "lessons_cancelled"),
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
fn what_is_over_or_new_is_told_to_nobody_and_what_the_worker_can_not_place_to_all_concerned_in_words()
 {
    run(async |app| {
        let room = classroom::classroom(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = people::class(app, room.tutor).await?;
        let past = people::lesson(
            app,
            class,
            "2020-01-06T16:00:00Z",
            "2020-01-06T17:00:00Z",
            "scheduled",
        )
        .await?;
        people::attendance(app, past, room.students[0], None).await?;
        outbox::empty(app).await?;
        let path = format!("/v1/classes/{class}/occurrences/2020-01-06T16:00:00Z/cancel");
        app.post(&admin, &path, json!({})).await?.expect(200);
        assert_eq!(outbox::queued(app).await?, []);

        // A new class is no news; one that the worker extends into clashes is, of all of them at once.
        let start = chrono::Utc::now().date_naive() + chrono::Duration::days(3);
        let schedule = classroom::series(
            "UTC",
            &format!("{start}T05:00:00"),
            &format!("{start}T06:00:00"),
            "FREQ=WEEKLY",
        );
        classroom::make(app, &admin, room.class(schedule)).await?;
        let taken = start + chrono::Duration::weeks(56);
        let clash = classroom::series(
            "UTC",
            &format!("{taken}T05:30:00"),
            &format!("{taken}T06:30:00"),
            "FREQ=WEEKLY;COUNT=2",
        );
        classroom::make(app, &admin, room.class(clash)).await?;
        assert_eq!(outbox::queued(app).await?, []);
        let then = chrono::Utc::now() + chrono::Duration::weeks(10);
        let report = worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(report.clashes.len(), 2, "{report}");
        let queued = outbox::queued(app).await?;
        let mut concerned = family(app, room.students[0]).await?;
        concerned.insert(app.user(0, role::TUTOR).id);
        concerned.insert(app.user(0, role::SUPERVISOR).id);
        assert_eq!(
            told(&queued, "lessons_cancelled"),
            (concerned.len(), concerned),
            "{queued:?}"
        );
        assert_eq!(told(&queued, "lesson_cancelled").0, 0);
        let texts = rows::texts(
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
fn who_wants_no_mail_is_reached_by_the_next_way_and_who_wants_nothing_by_none() {
    run(async |app| {
        let room = classroom::classroom(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = room.class(classroom::weekly("FREQ=WEEKLY;COUNT=2"));
        let class = classroom::make(app, &admin, class).await?;
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
        outbox::empty(app).await?;
        let path = format!("{}/cancel", classroom::lesson(&class, classroom::FIRST));
        app.post(&admin, &path, json!({})).await?.expect(200);
        let push = "lms.notification_deliveries as d join lms.notifications as n on n.id = d.notification_id
            where d.type = 'push' and n.user_id = $1";
        assert_eq!(
            rows::count(app, push, &[&app.user(0, role::STUDENT).id]).await?,
            1
        );
        let queued = outbox::queued(app).await?;
        let tutor = app.user(0, role::TUTOR).id;
        assert!(queued.iter().all(|(_, user)| *user != tutor), "{queued:?}");
        Ok(())
    });
}

#[test]
fn a_change_that_is_refused_tells_nobody() {
    run(async |app| {
        let room = classroom::classroom(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let class = room.class(classroom::weekly("FREQ=WEEKLY;COUNT=2"));
        let class = classroom::make(app, &admin, class).await?;
        outbox::empty(app).await?;
        // Onto the other lesson of the same class.
        let path = format!("{}/move", classroom::lesson(&class, classroom::FIRST));
        let to = json!({"starts_at": "2035-04-09T16:30:00Z", "ends_at": "2035-04-09T17:30:00Z"});
        app.post(&admin, &path, to).await?.expect(409);
        assert_eq!(outbox::queued(app).await?, []);
        Ok(())
    });
}

#[test]
fn the_code_of_a_forgotten_password_is_nowhere_but_in_the_mail() {
    run(async |app| {
        outbox::empty(app).await?;
        let user = app.user(0, role::TUTOR);
        let body = json!({"tenant": "aurora", "email": user.email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        outbox::answer_resets(app).await?;
        let code = rows::texts(
            app,
            "select token from lms_private.notification_secrets",
            &[],
        )
        .await?;
        let code = code.first().context("a code")?;
        let provider = Provider::start(Mood::Refuses(500)).await?;
        let report = provider.deliver(&app.superuser_url).await?;
        assert!(!report.to_string().contains(code.as_str()), "{report}");
        provider.becomes(Mood::Well);
        outbox::make_due(app).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.sent, 1);
        let mail: Value = serde_json::from_str(provider.kept().values().next().context("a mail")?)?;
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
            assert_eq!(rows::count(app, place, &[code]).await?, 0, "{place}");
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
fn a_code_that_has_expired_is_not_mailed_and_can_not_be_tried_again() {
    run(async |app| {
        outbox::empty(app).await?;
        let body = json!({"tenant": "aurora", "email": app.user(0, role::TUTOR).email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        outbox::answer_resets(app).await?;
        rows::execute(
            app,
            "update lms_private.notification_secrets set expires_at = now()",
            &[],
        )
        .await?;
        let provider = Provider::start(Mood::Well).await?;
        assert_eq!(provider.deliver(&app.superuser_url).await?.dead_letters, 1);
        assert_eq!(provider.requests(), 0);
        let admin = app.sign_in(role::ADMIN).await?;
        let id = rows::id(
            app,
            "select notification_id from lms.notification_deliveries",
            &[],
        )
        .await?;
        assert_eq!(
            outbox::read(app, &admin, id).await?["failure"],
            "the code in it has expired"
        );
        let path = format!("/v1/notifications/{id}/retry");
        let reply = app
            .call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        assert!(reply.text.contains("has expired"), "{}", reply.text);
        assert_eq!(outbox::read(app, &admin, id).await?["status"], "failed");
        Ok(())
    });
}
