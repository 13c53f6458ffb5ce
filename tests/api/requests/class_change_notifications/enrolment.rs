//! Tests the notifications of students who join and leave a class.

use serde_json::json;
use tests::{class_fixture, role, run};

use super::{assert_mentions, group, patch, series};

#[test]
fn joining_and_leaving_a_class_notifies_only_the_student_and_the_tutor() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let group = group(app, &admin).await?;
        let class = group
            .create_class(app, &admin, "Cello", series(10, 11, "FREQ=WEEKLY;COUNT=4"))
            .await?;
        let other = [group.pupils[1], group.parents[1], group.tutor_user];
        patch(app, &admin, &class, json!({"student_ids": group.children})).await?;
        let messages = group
            .take_notifications(app, "class_students_changed", &other)
            .await?;
        for text in &messages {
            assert_mentions(
                text,
                &["Cello", "Red", "2035-04-02 ", "New to the class: Cy Moss."],
            );
        }
        patch(
            app,
            &admin,
            &class,
            json!({"student_ids": [group.children[0]]}),
        )
        .await?;
        let messages = group
            .take_notifications(app, "class_students_changed", &other)
            .await?;
        for text in &messages {
            assert_mentions(text, &["No longer in the class: Cy Moss."]);
        }

        // A class whose lessons are past notifies no one.
        let body = json!({"student_ids": []});
        let past =
            class_fixture::single_schedule("UTC", "2020-01-06T16:00:00", "2020-01-06T17:00:00");
        let class = group.create_class(app, &admin, "Harp", past).await?;
        patch(app, &admin, &class, body).await?;
        group.take_notifications(app, "", &[]).await?;
        Ok(())
    });
}
