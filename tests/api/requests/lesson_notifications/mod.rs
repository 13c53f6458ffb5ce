//! Tests the texts of notifications about lessons, with and without optional parts.

mod texts;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, class_fixture, fixtures, notifications, queries, role, run};
use uuid::Uuid;

/// A parent with two children and the parent of another child, all of one class.
struct Families {
    centre: Uuid,
    tutor: Uuid,
    children: [Uuid; 3],
    parent: Uuid,
    other_parent: Uuid,
}

async fn families(app: &Application, admin: &Session) -> Result<Families> {
    let (centre, _) = queries::demo_centres(app).await?;
    let mut children = [Uuid::nil(); 3];
    for (child, name) in children.iter_mut().zip(["Ada Lee", "Ben Lee", "Cy Moss"]) {
        let user = fixtures::create_named_user(app, admin, "student", name, centre).await?;
        let body = json!({"user_id": user, "centre_id": centre});
        *child = fixtures::parse_id(
            &app.post(admin, "/v1/students", body)
                .await?
                .expect(201)
                .json(),
        )?;
    }
    let parent = fixtures::create_named_user(app, admin, "parent", "Mum Lee", centre).await?;
    let other_parent =
        fixtures::create_named_user(app, admin, "parent", "Dad Moss", centre).await?;
    for (user, student) in [
        (parent, children[0]),
        (parent, children[1]),
        (other_parent, children[2]),
    ] {
        let link = json!({"user_id": user, "student_id": student, "relationship": "parent"});
        app.post(admin, "/v1/guardians", link).await?.expect(201);
    }
    let user = fixtures::create_named_user(app, admin, "tutor", "Tess Tutor", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    let tutor = fixtures::parse_id(
        &app.post(admin, "/v1/tutors", body)
            .await?
            .expect(201)
            .json(),
    )?;
    Ok(Families {
        centre,
        tutor,
        children,
        parent,
        other_parent,
    })
}

impl Families {
    fn class_body(&self, rest: Value) -> Value {
        let mut class = json!({
            "centre_id": self.centre, "tutor_id": self.tutor, "student_ids": self.children,
            "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=3"),
        });
        if let (Some(class), Some(rest)) = (class.as_object_mut(), rest.as_object()) {
            class.extend(rest.clone());
        }
        class
    }
}

/// Returns subject and text of a user's notifications by a template, oldest first.
async fn sent(app: &Application, user: Uuid, template: &str) -> Result<Vec<String>> {
    let sql = "select concat_ws(': ', subject, message) from lms.notifications
        where user_id = $1 and template = $2
        order by created_at, id";
    queries::fetch_texts(app, sql, &[&user, &template]).await
}

async fn last(app: &Application, user: Uuid, template: &str) -> Result<String> {
    let all = sent(app, user, template).await?;
    all.into_iter().next_back().context("no message")
}

#[test]
fn a_parent_of_two_gets_one_notification_naming_only_their_children() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let families = families(app, &admin).await?;
        let class = families.class_body(json!({"subject": "Violin", "room": "Red"}));
        let class = class_fixture::create_class(app, &admin, class).await?;
        let at = class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY);
        let body = json!({"starts_at": "2035-04-03T16:00:00Z", "ends_at": "2035-04-03T17:00:00Z", "reason": "The tutor is ill."});
        app.post(&admin, &format!("{at}/move"), body)
            .await?
            .expect(200);
        let messages = sent(app, families.parent, "lesson_moved").await?;
        assert_eq!(messages.len(), 1, "{messages:?}");
        for part in [
            "Violin",
            "Ada Lee and Ben Lee",
            "room: Red",
            "from 2035-04-02 ",
            "to 2035-04-03 ",
            "Reason: The tutor is ill.",
        ] {
            assert!(messages[0].contains(part), "{part}: {}", messages[0]);
        }
        let other = last(app, families.other_parent, "lesson_moved").await?;
        assert!(
            other.contains("Cy Moss") && !other.contains("Lee"),
            "{other}"
        );
        let child = account(app, families.children[0]).await?;
        let child = last(app, child, "lesson_moved").await?;
        assert!(!child.contains("Ben") && !child.contains("Cy"), "{child}");
        let tutor = queries::fetch_id(
            app,
            "select user_id from lms.tutors where id = $1",
            &[&families.tutor],
        )
        .await?;
        let tutor = last(app, tutor, "lesson_moved").await?;
        assert!(tutor.contains("Ada Lee, Ben Lee and Cy Moss"), "{tutor}");

        // The notification of a change without a reason does not repeat that of an earlier change.
        let body = json!({"starts_at": "2035-04-04T16:00:00Z", "ends_at": "2035-04-04T17:00:00Z"});
        app.post(&admin, &format!("{at}/move"), body)
            .await?
            .expect(200);
        let again = last(app, families.parent, "lesson_moved").await?;
        assert!(
            !again.contains("ill") && !again.contains("Reason"),
            "{again}"
        );
        Ok(())
    });
}

async fn account(app: &Application, student: Uuid) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "select user_id from lms.students where id = $1",
        &[&student],
    )
    .await
}

#[test]
fn a_change_of_room_or_tutor_of_many_lessons_sends_one_notification() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let families = families(app, &admin).await?;
        let class = families.class_body(json!({"subject": "Cello", "room": "Red"}));
        let class = class_fixture::create_class(app, &admin, class).await?;
        let at = class_fixture::lesson_path(&class, class_fixture::FIRST_MONDAY);
        let same = |room: Value| json!({"starts_at": class_fixture::FIRST_MONDAY, "ends_at": "2035-04-02T17:00:00Z", "room": room});
        app.post(&admin, &format!("{at}/move"), same(json!("Blue")))
            .await?
            .expect(200);
        let message = last(app, families.parent, "lesson_changed").await?;
        assert!(
            message.contains("room Blue (before: Red)") && message.contains("Ada Lee and Ben Lee"),
            "{message}"
        );
        app.post(&admin, &format!("{at}/move"), same(Value::Null))
            .await?
            .expect(200);
        let message = last(app, families.parent, "lesson_changed").await?;
        assert!(
            message.contains("without a room (before: Blue)"),
            "{message}"
        );
        // Nothing has changed, so no one is notified.
        app.post(&admin, &format!("{at}/move"), same(Value::Null))
            .await?
            .expect(200);
        assert_eq!(sent(app, families.parent, "lesson_changed").await?.len(), 2);

        notifications::clear_outbox(app).await?;
        app.patch(
            &admin,
            &class_fixture::class_path(&class),
            json!({"room": "Green"}),
        )
        .await?
        .expect(200);
        let messages = sent(app, families.parent, "lessons_changed").await?;
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(
            messages[0].contains("2 lessons in Cello for Ada Lee and Ben Lee")
                && messages[0].contains("room Green (before: Red)"),
            "{messages:?}"
        );

        let tutor = fixtures::create_tutor(app, &admin, families.centre, 5).await?;
        app.patch(
            &admin,
            &class_fixture::class_path(&class),
            json!({"tutor_id": tutor}),
        )
        .await?
        .expect(200);
        let messages = sent(app, families.parent, "lessons_changed").await?;
        assert!(
            messages
                .iter()
                .any(|text| text.contains("with New tutor (before: Tess Tutor)")),
            "{messages:?}"
        );
        for tutor in [families.tutor, tutor] {
            let user = queries::fetch_id(
                app,
                "select user_id from lms.tutors where id = $1",
                &[&tutor],
            )
            .await?;
            let messages = sent(app, user, "lessons_changed").await?;
            assert!(
                messages.iter().any(|text| text.contains("Tess Tutor")),
                "{messages:?}"
            );
        }
        // Cancelling a class sends one notification, whatever the number of rooms.
        notifications::clear_outbox(app).await?;
        class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/cancel", class_fixture::class_path(&class)),
        )
        .await?
        .expect(200);
        assert_eq!(
            sent(app, families.parent, "lessons_cancelled").await?.len(),
            1
        );
        Ok(())
    });
}
