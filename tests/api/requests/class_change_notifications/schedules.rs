//! Tests the notifications of changed schedules.

use serde_json::json;
use tests::{class_fixture, role, run};

use super::{assert_mentions, group, patch, series};

#[test]
fn a_changed_schedule_notifies_everyone_once_with_old_and_new_times() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        let single = |day: u8, from: u8, to: u8| json!({"schedule": class_fixture::single_schedule("UTC", &format!("2035-05-{day:02}T{from}:00:00"), &format!("2035-05-{day:02}T{to}:00:00"))});
        let schedule = single(7, 10, 11)["schedule"].clone();
        let class = group.create_class(app, &admin, "Violin", schedule).await?;
        patch(app, &admin, &class, single(7, 12, 13)).await?;
        let messages = group
            .take_notifications(app, "lesson_moved", &group.family())
            .await?;
        for text in &messages {
            assert_mentions(
                text,
                &["Violin", "Red", "from 2035-05-07 ", "to 2035-05-07 "],
            );
        }
        assert_mentions(&messages[1], &["Ada Lee"]);
        patch(app, &admin, &class, single(8, 12, 13)).await?;
        let messages = group
            .take_notifications(app, "lesson_moved", &group.family())
            .await?;
        assert_mentions(&messages[1], &["from 2035-05-07 ", "to 2035-05-08 "]);
        patch(app, &admin, &class, single(8, 12, 14)).await?;
        let messages = group
            .take_notifications(app, "lesson_changed", &group.family())
            .await?;
        assert_mentions(&messages[1], &["on 2035-05-08 ", "It ends at 2035-05-08 "]);
        // Nothing has changed, so no one is notified.
        patch(app, &admin, &class, single(8, 12, 14)).await?;
        group.take_notifications(app, "", &[]).await?;

        let class = group
            .create_class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=50"))
            .await?;
        let later = json!({"schedule": series(15, 16, "FREQ=WEEKLY;COUNT=50"), "room": "Blue"});
        patch(app, &admin, &class, later).await?;
        let messages = group
            .take_notifications(app, "lessons_moved", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
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
fn notifications_of_a_changed_series_name_the_lessons_that_are_cancelled_added_or_moved() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        let class = group
            .create_class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        let of = |rule: &str| json!({"schedule": series(10, 11, rule)});
        patch(app, &admin, &class, of("FREQ=WEEKLY;COUNT=2")).await?;
        let messages = group
            .take_notifications(app, "lessons_cancelled", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["2 lessons", "from 2035-04-16 ", "to 2035-04-23 "],
        );
        patch(app, &admin, &class, of("FREQ=WEEKLY;COUNT=5")).await?;
        let messages = group
            .take_notifications(app, "lessons_added", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["3 lessons", "Ada Lee", "from 2035-04-16 ", "to 2035-04-30 "],
        );
        let mut without = of("FREQ=WEEKLY;COUNT=5");
        without["schedule"]["recurring"]["except"] = json!(["2035-04-09T10:00:00"]);
        patch(app, &admin, &class, without).await?;
        let messages = group
            .take_notifications(app, "lesson_cancelled", &group.family())
            .await?;
        assert_mentions(&messages[1], &["on 2035-04-09 "]);
        // A new time and one lesson fewer cause one notification.
        let fewer = json!({"schedule": series(15, 16, "FREQ=WEEKLY;COUNT=3")});
        patch(app, &admin, &class, fewer).await?;
        let messages = group
            .take_notifications(app, "lessons_moved", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["3 lessons", "No longer taking place: 2035-04-30 "],
        );
        let path = format!(
            "{}/move",
            class_fixture::lesson_path(&class, "2035-04-02T15:00:00Z")
        );
        let longer =
            json!({"starts_at": "2035-04-02T15:00:00Z", "ends_at": "2035-04-02T17:00:00Z"});
        app.post(&admin, &path, longer).await?.expect(200);
        let messages = group
            .take_notifications(app, "lesson_changed", &group.family())
            .await?;
        assert_mentions(&messages[1], &["It ends at 2035-04-02 "]);
        Ok(())
    });
}

#[test]
fn a_change_of_weekday_is_announced_as_moved_lessons_of_the_same_weeks() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        let from = |day: u8, rule: &str| {
            let start = format!("2035-04-{day:02}T10:00:00");
            class_fixture::recurring_schedule("UTC", &start, &start.replace("T10", "T11"), rule)
        };
        let mondays = from(2, "FREQ=WEEKLY;COUNT=4");
        let class = group.create_class(app, &admin, "Cello", mondays).await?;
        let twice = json!({"schedule": from(3, "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=8")});
        patch(app, &admin, &class, twice).await?;
        let messages = group
            .take_notifications(app, "lessons_moved", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["4 lessons", "from 2035-04-02 ", "to 2035-04-03 "],
        );
        assert_mentions(
            &messages[1],
            &["the last from 2035-04-23 ", "to 2035-04-24 "],
        );
        assert_mentions(&messages[1], &[" 4 lessons are added."]);
        // The lessons move from Sundays to the following Mondays, which belong to other weeks.
        let sundays = from(1, "FREQ=WEEKLY;COUNT=4");
        let class = group.create_class(app, &admin, "Flute", sundays).await?;
        let mondays = json!({"schedule": from(2, "FREQ=WEEKLY;COUNT=4")});
        patch(app, &admin, &class, mondays).await?;
        let messages = group
            .take_notifications(app, "lessons_moved", &group.family())
            .await?;
        assert_mentions(
            &messages[1],
            &["4 lessons", "from 2035-04-01 ", "to 2035-04-02 "],
        );
        assert_mentions(
            &messages[1],
            &["the last from 2035-04-22 ", "to 2035-04-23 "],
        );
        Ok(())
    });
}
