//! Messages about lessons that change through their class: another schedule, a split, deleting and restoring, other
//! students. Each person is told once of each change, and of what is ahead alone.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, classroom, outbox, people, role, rows, run};
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

async fn group(app: &Application, admin: &Session) -> Result<Group> {
    let (centre, _) = rows::centres(app).await?;
    let mut group = Group {
        centre,
        tutor: Uuid::nil(),
        tutor_user: named(app, admin, "tutor", "Tess Tutor", centre).await?,
        children: [Uuid::nil(); 2],
        pupils: [Uuid::nil(); 2],
        parents: [Uuid::nil(); 2],
    };
    let body = json!({"user_id": group.tutor_user, "centre_id": centre});
    let tutor = app.post(admin, "/v1/tutors", body).await?.expect(201);
    group.tutor = people::id(&tutor.json())?;
    for (index, (child, parent)) in [("Ada Lee", "Mum Lee"), ("Cy Moss", "Dad Moss")]
        .into_iter()
        .enumerate()
    {
        group.pupils[index] = named(app, admin, "student", child, centre).await?;
        let body = json!({"user_id": group.pupils[index], "centre_id": centre});
        let student = app.post(admin, "/v1/students", body).await?.expect(201);
        group.children[index] = people::id(&student.json())?;
        group.parents[index] = named(app, admin, "parent", parent, centre).await?;
        let link = json!({
            "user_id": group.parents[index], "student_id": group.children[index], "relationship": "parent",
        });
        app.post(admin, "/v1/guardians", link).await?.expect(201);
    }
    Ok(group)
}

impl Group {
    /// A class in the room Red with the first child.
    async fn class(
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
        let class = classroom::make(app, admin, class).await?;
        outbox::empty(app).await?;
        Ok(class)
    }

    /// Returns the messages since the outbox was emptied, and empties it: these people were told of the event, each once, and nobody else.
    async fn told(&self, app: &Application, event: &str, whom: &[Uuid]) -> Result<Vec<String>> {
        let mut expected: Vec<(String, Uuid)> =
            whom.iter().map(|user| (event.to_owned(), *user)).collect();
        expected.sort();
        assert_eq!(outbox::queued(app).await?, expected);
        let mut texts = Vec::new();
        for user in whom {
            let sql = "select message from lms.notifications where user_id = $1 order by created_at desc, id desc limit 1";
            texts.push(
                rows::texts(app, sql, &[user])
                    .await?
                    .pop()
                    .context("no message")?,
            );
        }
        outbox::empty(app).await?;
        Ok(texts)
    }

    /// The first child, its parent and the tutor.
    fn family(&self) -> [Uuid; 3] {
        [self.pupils[0], self.parents[0], self.tutor_user]
    }
}

async fn patch(app: &Application, admin: &Session, class: &Value, body: Value) -> Result<()> {
    app.patch(admin, &classroom::path(class), body)
        .await?
        .expect(200);
    Ok(())
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A series on Mondays in April 2035, from this hour to that one.
fn series(from: u8, to: u8, rule: &str) -> Value {
    let start = format!("2035-04-02T{from}:00:00");
    let end = format!("2035-04-02T{to}:00:00");
    classroom::series("UTC", &start, &end, rule)
}

#[test]
fn a_class_with_another_schedule_tells_everybody_once_from_when_to_when() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        let single = |day: u8, from: u8, to: u8| json!({"schedule": classroom::single("UTC", &format!("2035-05-{day:02}T{from}:00:00"), &format!("2035-05-{day:02}T{to}:00:00"))});
        let schedule = single(7, 10, 11)["schedule"].clone();
        let class = g.class(app, &admin, "Violin", schedule).await?;
        patch(app, &admin, &class, single(7, 12, 13)).await?;
        let told = g.told(app, "lesson_moved", &g.family()).await?;
        for text in &told {
            says(
                text,
                &["Violin", "Red", "from 2035-05-07 ", "to 2035-05-07 "],
            );
        }
        says(&told[1], &["Ada Lee"]);
        patch(app, &admin, &class, single(8, 12, 13)).await?;
        let told = g.told(app, "lesson_moved", &g.family()).await?;
        says(&told[1], &["from 2035-05-07 ", "to 2035-05-08 "]);
        patch(app, &admin, &class, single(8, 12, 14)).await?;
        let told = g.told(app, "lesson_changed", &g.family()).await?;
        says(&told[1], &["on 2035-05-08 ", "It ends at 2035-05-08 "]);
        // As it is: nobody is told.
        patch(app, &admin, &class, single(8, 12, 14)).await?;
        g.told(app, "", &[]).await?;

        let class = g
            .class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=50"))
            .await?;
        let later = json!({"schedule": series(15, 16, "FREQ=WEEKLY;COUNT=50"), "room": "Blue"});
        patch(app, &admin, &class, later).await?;
        let told = g.told(app, "lessons_moved", &g.family()).await?;
        says(
            &told[1],
            &[
                "50 lessons in Cello for Ada Lee with Tess Tutor",
                "(room: Blue)",
                "the first from 2035-04-02 ",
                "The room was Red.",
            ],
        );
        Ok(())
    });
}

#[test]
fn a_series_that_is_shortened_extended_or_left_out_for_a_day_is_told_by_its_lessons() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        let class = g
            .class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        let of = |rule: &str| json!({"schedule": series(10, 11, rule)});
        patch(app, &admin, &class, of("FREQ=WEEKLY;COUNT=2")).await?;
        let told = g.told(app, "lessons_cancelled", &g.family()).await?;
        says(
            &told[1],
            &["2 lessons", "from 2035-04-16 ", "to 2035-04-23 "],
        );
        patch(app, &admin, &class, of("FREQ=WEEKLY;COUNT=5")).await?;
        let told = g.told(app, "lessons_added", &g.family()).await?;
        says(
            &told[1],
            &["3 lessons", "Ada Lee", "from 2035-04-16 ", "to 2035-04-30 "],
        );
        let mut without = of("FREQ=WEEKLY;COUNT=5");
        without["schedule"]["recurring"]["except"] = json!(["2035-04-09T10:00:00"]);
        patch(app, &admin, &class, without).await?;
        let told = g.told(app, "lesson_cancelled", &g.family()).await?;
        says(&told[1], &["on 2035-04-09 "]);
        // Another hour and a lesson less is one message.
        let fewer = json!({"schedule": series(15, 16, "FREQ=WEEKLY;COUNT=3")});
        patch(app, &admin, &class, fewer).await?;
        let told = g.told(app, "lessons_moved", &g.family()).await?;
        says(
            &told[1],
            &["3 lessons", "No longer taking place: 2035-04-30 "],
        );
        let path = format!("{}/move", classroom::lesson(&class, "2035-04-02T15:00:00Z"));
        let longer =
            json!({"starts_at": "2035-04-02T15:00:00Z", "ends_at": "2035-04-02T17:00:00Z"});
        app.post(&admin, &path, longer).await?.expect(200);
        let told = g.told(app, "lesson_changed", &g.family()).await?;
        says(&told[1], &["It ends at 2035-04-02 "]);
        Ok(())
    });
}

#[test]
fn lessons_on_other_days_are_told_week_by_week() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        let from = |day: u8, rule: &str| {
            let start = format!("2035-04-{day:02}T10:00:00");
            classroom::series("UTC", &start, &start.replace("T10", "T11"), rule)
        };
        let mondays = from(2, "FREQ=WEEKLY;COUNT=4");
        let class = g.class(app, &admin, "Cello", mondays).await?;
        let twice = json!({"schedule": from(3, "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=8")});
        patch(app, &admin, &class, twice).await?;
        let told = g.told(app, "lessons_moved", &g.family()).await?;
        says(
            &told[1],
            &["4 lessons", "from 2035-04-02 ", "to 2035-04-03 "],
        );
        says(&told[1], &["the last from 2035-04-23 ", "to 2035-04-24 "]);
        says(&told[1], &[" 4 lessons are added."]);
        // From a Sunday to the Monday behind it, which is another week's.
        let sundays = from(1, "FREQ=WEEKLY;COUNT=4");
        let class = g.class(app, &admin, "Flute", sundays).await?;
        let mondays = json!({"schedule": from(2, "FREQ=WEEKLY;COUNT=4")});
        patch(app, &admin, &class, mondays).await?;
        let told = g.told(app, "lessons_moved", &g.family()).await?;
        says(
            &told[1],
            &["4 lessons", "from 2035-04-01 ", "to 2035-04-02 "],
        );
        says(&told[1], &["the last from 2035-04-22 ", "to 2035-04-23 "]);
        Ok(())
    });
}

#[test]
fn a_class_that_is_deleted_restored_or_split_is_told() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        let class = g
            .class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        app.delete(&admin, &classroom::path(&class))
            .await?
            .expect(204);
        let told = g.told(app, "lessons_cancelled", &g.family()).await?;
        says(&told[1], &["4 lessons", "from 2035-04-02 "]);
        classroom::act(app, &admin, &format!("{}/restore", classroom::path(&class)))
            .await?
            .expect(200);
        let told = g.told(app, "lessons_added", &g.family()).await?;
        says(&told[1], &["4 lessons", "from 2035-04-02 "]);
        // One without an end is planned for about a year from now.
        let day = chrono::Utc::now().date_naive() + chrono::Duration::days(3);
        let (start, end) = (format!("{day}T05:00:00"), format!("{day}T06:00:00"));
        let endless = classroom::series("UTC", &start, &end, "FREQ=WEEKLY");
        let harp = g.class(app, &admin, "Harp", endless).await?;
        app.delete(&admin, &classroom::path(&harp))
            .await?
            .expect(204);
        g.told(app, "lessons_cancelled", &g.family()).await?;
        classroom::act(app, &admin, &format!("{}/restore", classroom::path(&harp)))
            .await?
            .expect(200);
        let told = g.told(app, "lessons_added", &g.family()).await?;
        says(&told[1], &["lessons in Harp", &format!("from {day} ")]);

        let split = async |class: &Value, schedule: Value| {
            let at = classroom::lesson(class, "2035-04-09T10:00:00Z");
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
            classroom::series("UTC", &start, &end, rule)
        };
        split(&class, later(15, 16, "FREQ=WEEKLY;COUNT=3"))
            .await?
            .expect(201);
        let told = g.told(app, "lessons_moved", &g.family()).await?;
        says(&told[1], &["3 lessons", "the first from 2035-04-09 "]);
        app.delete(&admin, &classroom::path(&class))
            .await?
            .expect(204);
        let class = g
            .class(app, &admin, "Flute", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        split(&class, later(10, 11, "FREQ=WEEKLY;COUNT=1"))
            .await?
            .expect(201);
        let told = g.told(app, "lessons_cancelled", &g.family()).await?;
        says(
            &told[1],
            &["2 lessons", "from 2035-04-16 ", "to 2035-04-23 "],
        );
        Ok(())
    });
}

#[test]
fn who_joins_and_who_leaves_a_class_is_told_to_them_and_to_the_tutor_alone() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        let class = g
            .class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        let other = [g.pupils[1], g.parents[1], g.tutor_user];
        patch(app, &admin, &class, json!({"student_ids": g.children})).await?;
        let told = g.told(app, "class_students_changed", &other).await?;
        for text in &told {
            says(
                text,
                &["Cello", "Red", "2035-04-02 ", "New to the class: Cy Moss."],
            );
        }
        patch(app, &admin, &class, json!({"student_ids": [g.children[0]]})).await?;
        let told = g.told(app, "class_students_changed", &other).await?;
        for text in &told {
            says(text, &["No longer in the class: Cy Moss."]);
        }

        // A class whose lessons are over concerns nobody.
        let body = json!({"student_ids": []});
        let past = classroom::single("UTC", "2020-01-06T16:00:00", "2020-01-06T17:00:00");
        let class = g.class(app, &admin, "Harp", past).await?;
        patch(app, &admin, &class, body).await?;
        g.told(app, "", &[]).await?;
        Ok(())
    });
}

#[test]
fn messages_by_class_read_well_in_every_language() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let g = group(app, &admin).await?;
        for language in ["en", "de", "es"] {
            let body = json!({"language_preferences": [language]});
            app.patch(&admin, &format!("/v1/users/{}", g.parents[0]), body)
                .await?
                .expect(200);
            let bare = json!({
                "centre_id": g.centre, "tutor_id": g.tutor, "student_ids": [g.children[0]],
                "schedule": series(10, 11, "FREQ=WEEKLY;COUNT=4"),
            });
            let class = classroom::make(app, &admin, bare).await?;
            for body in [
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=3")}),
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=4")}),
                json!({"schedule": series(12, 14, "FREQ=WEEKLY;COUNT=6")}),
                json!({"schedule": series(12, 13, "FREQ=WEEKLY;COUNT=6")}),
                json!({"student_ids": []}),
                json!({"student_ids": [g.children[0]]}),
            ] {
                patch(app, &admin, &class, body).await?;
            }
            app.delete(&admin, &classroom::path(&class))
                .await?
                .expect(204);
            let sql = "select message from lms.notifications where user_id = $1 and language = $2";
            let texts = rows::texts(app, sql, &[&g.parents[0], &language]).await?;
            assert_eq!(texts.len(), 7, "{texts:#?}");
            for text in texts {
                for wrong in ["—", "  ", " .", " ,", "()", "{{", "::", ",,", ": .", ".."] {
                    assert!(!text.contains(wrong), "{wrong:?} in {text}");
                }
                says(&text, &["Ada Lee", "Tess Tutor", "2035-04-"]);
            }
        }
        Ok(())
    });
}
