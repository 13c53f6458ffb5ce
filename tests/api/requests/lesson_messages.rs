//! The text of messages about lessons: whose lesson it is, of what, where and when; and that they read well when
//! something is missing.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, classroom, outbox, people, role, rows, run};
use uuid::Uuid;

/// A parent with two children and another child's parent, all of one class.
struct Families {
    centre: Uuid,
    tutor: Uuid,
    children: [Uuid; 3],
    parent: Uuid,
    other_parent: Uuid,
}

async fn named(
    app: &Application,
    admin: &Session,
    role: &str,
    name: &str,
    centre: Uuid,
) -> Result<Uuid> {
    let user = people::user(app, admin, role, centre).await?;
    app.patch(admin, &format!("/v1/users/{user}"), json!({"name": name}))
        .await?
        .expect(200);
    Ok(user)
}

async fn families(app: &Application, admin: &Session) -> Result<Families> {
    let (centre, _) = rows::centres(app).await?;
    let mut children = [Uuid::nil(); 3];
    for (child, name) in children.iter_mut().zip(["Ada Lee", "Ben Lee", "Cy Moss"]) {
        let user = named(app, admin, "student", name, centre).await?;
        let body = json!({"user_id": user, "centre_id": centre});
        *child = people::id(
            &app.post(admin, "/v1/students", body)
                .await?
                .expect(201)
                .json(),
        )?;
    }
    let parent = named(app, admin, "parent", "Mum Lee", centre).await?;
    let other_parent = named(app, admin, "parent", "Dad Moss", centre).await?;
    for (user, student) in [
        (parent, children[0]),
        (parent, children[1]),
        (other_parent, children[2]),
    ] {
        let link = json!({"user_id": user, "student_id": student, "relationship": "parent"});
        app.post(admin, "/v1/guardians", link).await?.expect(201);
    }
    let user = named(app, admin, "tutor", "Tess Tutor", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    let tutor = people::id(
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
    fn class(&self, rest: Value) -> Value {
        let mut class = json!({
            "centre_id": self.centre, "tutor_id": self.tutor, "student_ids": self.children,
            "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=3"),
        });
        if let (Some(class), Some(rest)) = (class.as_object_mut(), rest.as_object()) {
            class.extend(rest.clone());
        }
        class
    }
}

/// The messages that somebody was sent by a template, subject and text, the oldest first.
async fn sent(app: &Application, user: Uuid, template: &str) -> Result<Vec<String>> {
    let sql = "select concat_ws(': ', subject, message) from lms.notifications
        where user_id = $1 and template = $2
        order by created_at, id";
    rows::texts(app, sql, &[&user, &template]).await
}

async fn last(app: &Application, user: Uuid, template: &str) -> Result<String> {
    let all = sent(app, user, template).await?;
    all.into_iter().next_back().context("no message")
}

#[test]
fn a_parent_of_two_is_told_once_which_children_and_where_and_nothing_of_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = families(app, &admin).await?;
        let class = f.class(json!({"subject": "Violin", "room": "Red"}));
        let class = classroom::make(app, &admin, class).await?;
        let at = classroom::lesson(&class, classroom::FIRST);
        let body = json!({"starts_at": "2035-04-03T16:00:00Z", "ends_at": "2035-04-03T17:00:00Z", "reason": "The tutor is ill."});
        app.post(&admin, &format!("{at}/move"), body)
            .await?
            .expect(200);
        let told = sent(app, f.parent, "lesson_moved").await?;
        assert_eq!(told.len(), 1, "{told:?}");
        for part in [
            "Violin",
            "Ada Lee and Ben Lee",
            "room: Red",
            "from 2035-04-02 ",
            "to 2035-04-03 ",
            "Reason: The tutor is ill.",
        ] {
            assert!(told[0].contains(part), "{part}: {}", told[0]);
        }
        let other = last(app, f.other_parent, "lesson_moved").await?;
        assert!(
            other.contains("Cy Moss") && !other.contains("Lee"),
            "{other}"
        );
        let child = account(app, f.children[0]).await?;
        let child = last(app, child, "lesson_moved").await?;
        assert!(!child.contains("Ben") && !child.contains("Cy"), "{child}");
        let tutor = rows::id(
            app,
            "select user_id from lms.tutors where id = $1",
            &[&f.tutor],
        )
        .await?;
        let tutor = last(app, tutor, "lesson_moved").await?;
        assert!(tutor.contains("Ada Lee, Ben Lee and Cy Moss"), "{tutor}");

        // Without a reason of its own it has none of an earlier move.
        let body = json!({"starts_at": "2035-04-04T16:00:00Z", "ends_at": "2035-04-04T17:00:00Z"});
        app.post(&admin, &format!("{at}/move"), body)
            .await?
            .expect(200);
        let again = last(app, f.parent, "lesson_moved").await?;
        assert!(
            !again.contains("ill") && !again.contains("Reason"),
            "{again}"
        );
        Ok(())
    });
}

async fn account(app: &Application, student: Uuid) -> Result<Uuid> {
    rows::id(
        app,
        "select user_id from lms.students where id = $1",
        &[&student],
    )
    .await
}

#[test]
fn another_room_and_another_tutor_are_told_and_of_many_lessons_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = families(app, &admin).await?;
        let class = f.class(json!({"subject": "Cello", "room": "Red"}));
        let class = classroom::make(app, &admin, class).await?;
        let at = classroom::lesson(&class, classroom::FIRST);
        let same = |room: Value| json!({"starts_at": classroom::FIRST, "ends_at": "2035-04-02T17:00:00Z", "room": room});
        app.post(&admin, &format!("{at}/move"), same(json!("Blue")))
            .await?
            .expect(200);
        let told = last(app, f.parent, "lesson_changed").await?;
        assert!(
            told.contains("room Blue (before: Red)") && told.contains("Ada Lee and Ben Lee"),
            "{told}"
        );
        app.post(&admin, &format!("{at}/move"), same(Value::Null))
            .await?
            .expect(200);
        let told = last(app, f.parent, "lesson_changed").await?;
        assert!(told.contains("without a room (before: Blue)"), "{told}");
        // As it is: nobody is told.
        app.post(&admin, &format!("{at}/move"), same(Value::Null))
            .await?
            .expect(200);
        assert_eq!(sent(app, f.parent, "lesson_changed").await?.len(), 2);

        outbox::empty(app).await?;
        app.patch(&admin, &classroom::path(&class), json!({"room": "Green"}))
            .await?
            .expect(200);
        let told = sent(app, f.parent, "lessons_changed").await?;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("2 lessons in Cello for Ada Lee and Ben Lee")
                && told[0].contains("room Green (before: Red)"),
            "{told:?}"
        );

        let tutor = people::tutor(app, &admin, f.centre, 5).await?;
        app.patch(&admin, &classroom::path(&class), json!({"tutor_id": tutor}))
            .await?
            .expect(200);
        let told = sent(app, f.parent, "lessons_changed").await?;
        assert!(
            told.iter()
                .any(|text| text.contains("with New tutor (before: Tess Tutor)")),
            "{told:?}"
        );
        for tutor in [f.tutor, tutor] {
            let user = rows::id(
                app,
                "select user_id from lms.tutors where id = $1",
                &[&tutor],
            )
            .await?;
            let told = sent(app, user, "lessons_changed").await?;
            assert!(
                told.iter().any(|text| text.contains("Tess Tutor")),
                "{told:?}"
            );
        }
        // However many rooms they were in, a class that is called off is one message.
        outbox::empty(app).await?;
        classroom::act(app, &admin, &format!("{}/cancel", classroom::path(&class)))
            .await?
            .expect(200);
        assert_eq!(sent(app, f.parent, "lessons_cancelled").await?.len(), 1);
        Ok(())
    });
}

#[test]
fn without_subject_room_or_reason_it_reads_well_in_every_language() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = families(app, &admin).await?;
        let languages = rows::texts(
            app,
            "select distinct language from lms_private.notification_texts order by 1",
            &[],
        )
        .await?;
        assert!(languages.len() >= 3, "{languages:?}");
        let centre = rows::texts(
            app,
            "select name from lms.centres where id = $1",
            &[&f.centre],
        )
        .await?;
        for language in &languages {
            let body = json!({"language_preferences": [language]});
            app.patch(&admin, &format!("/v1/users/{}", f.parent), body)
                .await?
                .expect(200);
            let mut bare = f.class(json!({}));
            bare["schedule"] = classroom::weekly("FREQ=WEEKLY;COUNT=6");
            let class = classroom::make(app, &admin, bare).await?;
            let body =
                json!({"starts_at": "2035-04-03T16:00:00Z", "ends_at": "2035-04-03T17:00:00Z"});
            let at = classroom::lesson(&class, classroom::FIRST);
            app.post(&admin, &format!("{at}/move"), body)
                .await?
                .expect(200);
            let at = classroom::lesson(&class, classroom::SECOND);
            let body = json!({"starts_at": classroom::SECOND, "ends_at": "2035-04-09T17:00:00Z", "room": "Red"});
            app.post(&admin, &format!("{at}/move"), body)
                .await?
                .expect(200);
            let at = classroom::lesson(&class, classroom::THIRD);
            app.post(&admin, &format!("{at}/cancel"), json!({}))
                .await?
                .expect(200);
            app.patch(&admin, &classroom::path(&class), json!({"room": "Blue"}))
                .await?
                .expect(200);
            classroom::act(app, &admin, &format!("{}/cancel", classroom::path(&class)))
                .await?
                .expect(200);
            for template in [
                "lesson_moved",
                "lesson_changed",
                "lesson_cancelled",
                "lessons_changed",
                "lessons_cancelled",
            ] {
                let text = last(app, f.parent, template).await?;
                for wrong in ["—", "  ", " .", " ,", "()", "{{", "::", ",,", ": ."] {
                    assert!(!text.contains(wrong), "{wrong:?} in {text}");
                }
                for part in [
                    "Ada Lee",
                    "Ben Lee",
                    "Tess Tutor",
                    "2035-04-",
                    centre[0].as_str(),
                ] {
                    assert!(text.contains(part), "{part}: {text}");
                }
                assert!(
                    !text.contains("Reason") && !text.contains("Grund") && !text.contains("Motivo"),
                    "{text}"
                );
                let read = rows::texts(
                    app,
                    "select language from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1",
                    &[&f.parent],
                )
                .await?;
                assert_eq!(&read[0], language);
            }
        }
        Ok(())
    });
}

#[test]
fn a_tenants_own_words_have_sections_and_those_without_stay_as_they_were() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = "/v1/notification-templates";
        let f = families(app, &admin).await?;
        let template = |message: &str, language: &str| json!({"key": "lesson_cancelled", "type": "email", "language": language, "message": message});
        for (message, part) in [
            ("{{#reason}}Why: {{reason}}", "must end with"),
            ("{{reason}}{{/reason}}", "must begin with"),
            (
                "{{#reason}}{{#room}}x{{/room}}{{/reason}}",
                "must begin with",
            ),
            ("{{#reason}}x{{/room}}", "must begin with"),
            ("{{#reasons}}x{{/reasons}}", "No such placeholder"),
        ] {
            let refused = app
                .post(&admin, path, template(message, "en"))
                .await?
                .expect(422);
            assert_eq!(refused.pointers(), ["/message"]);
            assert!(refused.text.contains(part), "{}", refused.text);
        }
        let own = "{{lesson}} of {{students}} at {{starts_at}}: {{reason}}";
        let kept = app
            .post(&admin, path, template(own, "en"))
            .await?
            .expect(201)
            .json();
        let cancel = async |start: &str, class: &Value| {
            let at = classroom::lesson(class, start);
            app.post(&admin, &format!("{at}/cancel"), json!({}))
                .await?
                .expect(200);
            last(app, f.parent, "lesson_cancelled").await
        };
        let class =
            classroom::make(app, &admin, f.class(json!({"subject": "Harp & <Söhne>"}))).await?;
        let text = cancel(classroom::FIRST, &class).await?;
        assert!(
            text.contains("Harp & <Söhne> of Ada Lee and Ben Lee at 2035-04-02 ")
                && text.ends_with(": —"),
            "{text}"
        );
        let patch = json!({"message": "{{^ room }}No room{{/ room }}{{#room}}In {{room}}{{/room}}{{# reason }} for {{reason}}{{/reason}}."});
        let one = format!("{path}/{}", people::id(&kept)?);
        app.patch(&admin, &one, patch).await?.expect(200);
        assert!(
            cancel(classroom::SECOND, &class)
                .await?
                .ends_with(": No room.")
        );
        app.patch(
            &admin,
            &classroom::path(&class),
            json!({"room": "{{tutor}}"}),
        )
        .await?
        .expect(200);
        assert!(
            cancel(classroom::THIRD, &class)
                .await?
                .ends_with(": In {{tutor}}.")
        );

        // A list of names is given as a list or in words.
        for (students, expected) in [
            (json!(["A", "B", "C"]), "A, B and C"),
            (json!("A & B"), "A & B"),
        ] {
            let patch = json!({"message": "{{students}}"});
            app.patch(&admin, &one, patch).await?.expect(200);
            let body = json!({
                "user_id": f.parent, "type": "email", "template": "lesson_cancelled",
                "data": {"students": students, "tutor": "T", "centre": "C", "starts_at": "now", "lesson": "L"},
            });
            let made = outbox::post(app, &admin, body).await?.expect(201).json();
            assert_eq!(made["message"], expected);
            assert_eq!(made["data"]["students"], expected);
        }
        let body = json!({
            "user_id": f.parent, "type": "email", "template": "lesson_cancelled",
            "data": {"students": ["A", 1], "tutor": ["T"]},
        });
        let refused = outbox::post(app, &admin, body).await?.expect(422);
        assert_eq!(refused.pointers(), ["/data/students"]);
        Ok(())
    });
}
