//! Tests the notifications about lessons that change with their class: each person gets one, about
//! future lessons only.

mod enrolment;
mod schedules;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, class_fixture, fixtures, notifications, queries, role, run};
use uuid::Uuid;

/// A tutor and two children, each with a parent.
struct Group {
    centre: Uuid,
    tutor: Uuid,
    tutor_user: Uuid,
    children: [Uuid; 2],
    pupils: [Uuid; 2],
    parents: [Uuid; 2],
}

async fn group(app: &Application, admin: &Session) -> Result<Group> {
    let (centre, _) = queries::demo_centres(app).await?;
    let mut group = Group {
        centre,
        tutor: Uuid::nil(),
        tutor_user: fixtures::create_named_user(app, admin, "tutor", "Tess Tutor", centre).await?,
        children: [Uuid::nil(); 2],
        pupils: [Uuid::nil(); 2],
        parents: [Uuid::nil(); 2],
    };
    let body = json!({"user_id": group.tutor_user, "centre_id": centre});
    let tutor = app.post(admin, "/v1/tutors", body).await?.expect(201);
    group.tutor = fixtures::parse_id(&tutor.json())?;
    for (index, (child, parent)) in [("Ada Lee", "Mum Lee"), ("Cy Moss", "Dad Moss")]
        .into_iter()
        .enumerate()
    {
        group.pupils[index] =
            fixtures::create_named_user(app, admin, "student", child, centre).await?;
        let body = json!({"user_id": group.pupils[index], "centre_id": centre});
        let student = app.post(admin, "/v1/students", body).await?.expect(201);
        group.children[index] = fixtures::parse_id(&student.json())?;
        group.parents[index] =
            fixtures::create_named_user(app, admin, "parent", parent, centre).await?;
        let link = json!({
            "user_id": group.parents[index], "student_id": group.children[index], "relationship": "parent",
        });
        app.post(admin, "/v1/guardians", link).await?.expect(201);
    }
    Ok(group)
}

impl Group {
    /// Creates a class in the room Red with the first child.
    async fn create_class(
        &self,
        app: &Application,
        admin: &Session,
        subject: &str,
        schedule: Value,
    ) -> Result<Value> {
        let class = json!({
            "centre_id": self.centre, "tutor_id": self.tutor, "student_ids": [self.children[0]],
            "subject": subject, "room": "Red", "schedule": schedule,
        });
        let class = class_fixture::create_class(app, admin, class).await?;
        notifications::clear_outbox(app).await?;
        Ok(class)
    }

    /// Returns the notifications since the outbox was cleared, clears it, and asserts that exactly these people were notified, once each.
    async fn take_notifications(
        &self,
        app: &Application,
        event: &str,
        recipients: &[Uuid],
    ) -> Result<Vec<String>> {
        let mut expected: Vec<(String, Uuid)> = recipients
            .iter()
            .map(|user| (event.to_owned(), *user))
            .collect();
        expected.sort();
        assert_eq!(notifications::queued_templates(app).await?, expected);
        let mut texts = Vec::new();
        for user in recipients {
            let sql = "select message from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1";
            texts.push(
                queries::fetch_texts(app, sql, &[user])
                    .await?
                    .pop()
                    .context("no message")?,
            );
        }
        notifications::clear_outbox(app).await?;
        Ok(texts)
    }

    /// Returns the first child, its parent and the tutor.
    fn family(&self) -> [Uuid; 3] {
        [self.pupils[0], self.parents[0], self.tutor_user]
    }
}

async fn patch(app: &Application, admin: &Session, class: &Value, body: Value) -> Result<()> {
    app.patch(admin, &class_fixture::class_path(class), body)
        .await?
        .expect(200);
    Ok(())
}

#[track_caller]
fn assert_mentions(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Returns a schedule that begins on Monday, 2 April 2035, between two hours of the day.
fn series(from: u8, to: u8, rule: &str) -> Value {
    let start = format!("2035-04-02T{from}:00:00");
    let end = format!("2035-04-02T{to}:00:00");
    class_fixture::recurring_schedule("UTC", &start, &end, rule)
}

#[test]
fn deleting_restoring_or_splitting_a_class_sends_notifications() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        let class = group
            .create_class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        app.delete(&admin, &class_fixture::class_path(&class))
            .await?
            .expect(204);
        let messages = group
            .take_notifications(app, "lessons_cancelled", &group.family())
            .await?;
        assert_mentions(&messages[1], &["4 lessons", "from 2035-04-02 "]);
        class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", class_fixture::class_path(&class)),
        )
        .await?
        .expect(200);
        let messages = group
            .take_notifications(app, "lessons_added", &group.family())
            .await?;
        assert_mentions(&messages[1], &["4 lessons", "from 2035-04-02 "]);
        // A series without an end is planned for about a year.
        let day = chrono::Utc::now().date_naive() + chrono::Duration::days(3);
        let (start, end) = (format!("{day}T05:00:00"), format!("{day}T06:00:00"));
        let endless = class_fixture::recurring_schedule("UTC", &start, &end, "FREQ=WEEKLY");
        let harp = group.create_class(app, &admin, "Harp", endless).await?;
        app.delete(&admin, &class_fixture::class_path(&harp))
            .await?
            .expect(204);
        group
            .take_notifications(app, "lessons_cancelled", &group.family())
            .await?;
        class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", class_fixture::class_path(&harp)),
        )
        .await?
        .expect(200);
        let messages = group
            .take_notifications(app, "lessons_added", &group.family())
            .await?;
        assert_mentions(&messages[1], &["lessons in Harp", &format!("from {day} ")]);

        let split = async |class: &Value, schedule: Value| {
            let at = class_fixture::lesson_path(class, "2035-04-09T10:00:00Z");
            app.post(
                &admin,
                &format!("{at}/split"),
                json!({"schedule": schedule}),
            )
            .await
        };
        let later = |from: u8, to: u8, rule: &str| {
            let start = format!("2035-04-09T{from}:00:00");
            let end = format!("2035-04-09T{to}:00:00");
            class_fixture::recurring_schedule("UTC", &start, &end, rule)
        };
        split(&class, later(15, 16, "FREQ=WEEKLY;COUNT=3"))
            .await?
            .expect(201);
        let messages = group
            .take_notifications(app, "lessons_moved", &group.family())
            .await?;
        assert_mentions(&messages[1], &["3 lessons", "the first from 2035-04-09 "]);
        app.delete(&admin, &class_fixture::class_path(&class))
            .await?
            .expect(204);
        let class = group
            .create_class(app, &admin, "Flute", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        split(&class, later(10, 11, "FREQ=WEEKLY;COUNT=1"))
            .await?
            .expect(201);
        let messages = group
            .take_notifications(app, "lessons_cancelled", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["2 lessons", "from 2035-04-16 ", "to 2035-04-23 "],
        );
        Ok(())
    });
}

#[test]
fn notifications_about_classes_read_well_in_every_language() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        for language in ["en", "de", "es"] {
            let body = json!({"language_preferences": [language]});
            app.patch(&admin, &format!("/v1/users/{}", group.parents[0]), body)
                .await?
                .expect(200);
            let bare = json!({
                "centre_id": group.centre, "tutor_id": group.tutor, "student_ids": [group.children[0]],
                "schedule": series(10, 11, "FREQ=WEEKLY;COUNT=4"),
            });
            let class = class_fixture::create_class(app, &admin, bare).await?;
            for body in [
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=3")}),
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=4")}),
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=6")}),
                json!({"schedule": series(12, 13, "FREQ=WEEKLY;COUNT=6")}),
                json!({"student_ids": []}),
                json!({"student_ids": [group.children[0]]}),
            ] {
                patch(app, &admin, &class, body).await?;
            }
            app.delete(&admin, &class_fixture::class_path(&class))
                .await?
                .expect(204);
            let sql = "select message from lms.notifications where user_id = $1 and language = $2";
            let texts = queries::fetch_texts(app, sql, &[&group.parents[0], &language]).await?;
            assert_eq!(texts.len(), 7, "{texts:#?}");
            for text in texts {
                for wrong in ["—", "  ", " .", " ,", "()", "{{", "::", ",,", ": .", ".."] {
                    assert!(!text.contains(wrong), "{wrong:?} in {text}");
                }
                assert_mentions(&text, &["Ada Lee", "Tess Tutor", "2035-04-"]);
            }
        }
        Ok(())
    });
}
