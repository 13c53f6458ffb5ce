//! Tests the status of classes: completing and cancelling.

use serde_json::json;
use tests::{
    class_fixture::{
        class_fixture, class_path, create_class, get_lessons, post_without_body, single_schedule,
        text_fields,
    },
    queries, role, run,
};

#[test]
fn a_class_of_which_no_lesson_has_taken_place_cannot_be_completed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let future_class = fixture.class_body(single_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
        ));
        let future_class = create_class(app, &admin, future_class).await?;
        let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
        let cancelled_class = fixture.class_body(single_schedule(
            "UTC",
            &format!("{yesterday}T03:00:00"),
            &format!("{yesterday}T04:00:00"),
        ));
        let cancelled_class = create_class(app, &admin, cancelled_class).await?;
        let lesson =
            tests::class_fixture::lesson_path(&cancelled_class, &format!("{yesterday}T03:00:00Z"));
        post_without_body(app, &admin, &format!("{lesson}/cancel"))
            .await?
            .expect(200);
        let before = queries::write_counters(app).await?;
        for class in [&future_class, &cancelled_class] {
            let reply = post_without_body(app, &admin, &format!("{}/complete", class_path(class)))
                .await?
                .expect(409);
            assert_eq!(reply.pointers(), ["/status"]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_scheduled_class_can_be_cancelled_or_completed_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let yesterday = (chrono::Utc::now().date_naive() - chrono::Days::new(1)).to_string();
        for (day, first) in [("2035-04-02", "cancel"), (yesterday.as_str(), "complete")] {
            let class = fixture.class_body(single_schedule(
                "UTC",
                &format!("{day}T03:00:00"),
                &format!("{day}T04:00:00"),
            ));
            let class = create_class(app, &admin, class).await?;
            let done = post_without_body(app, &admin, &format!("{}/{first}", class_path(&class)))
                .await?
                .expect(200);
            let status = if first == "cancel" {
                "cancelled"
            } else {
                "completed"
            };
            assert_eq!(done.json()["status"], status);
            assert_eq!(done.header("etag"), "\"2\"");
            assert_eq!(
                text_fields(&get_lessons(app, &admin, &class).await?, "status"),
                [status]
            );
            for next in ["cancel", "complete"] {
                let reply =
                    post_without_body(app, &admin, &format!("{}/{next}", class_path(&class)))
                        .await?
                        .expect(409);
                assert_eq!(reply.pointers(), ["/status"]);
            }
            for patch in [
                json!({"schedule": single_schedule("UTC", "2035-04-09T16:00:00", "2035-04-09T17:00:00")}),
                json!({"tutor_id": fixture.other_tutor}),
                json!({"student_ids": []}),
                json!({"room": "Blue"}),
            ] {
                let reply = app
                    .patch(&admin, &class_path(&class), patch)
                    .await?
                    .expect(409);
                assert_eq!(reply.pointers(), ["/status"]);
            }
            app.patch(&admin, &class_path(&class), json!({"subject": "Latin"}))
                .await?
                .expect(200);
        }
        post_without_body(
            app,
            &admin,
            &format!("/v1/classes/{}/cancel", fixture.tutor),
        )
        .await?
        .expect(404);
        let class = create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(
                "UTC",
                "2035-04-04T16:00:00",
                "2035-04-04T17:00:00",
            )),
        )
        .await?;
        app.post(
            &admin,
            &format!("{}/cancel", class_path(&class)),
            json!({"reason": "Flood"}),
        )
        .await?
        .expect(200);
        assert_eq!(
            get_lessons(app, &admin, &class).await?[0]["reason"],
            "Flood"
        );
        app.post(
            &admin,
            &format!("{}/cancel", class_path(&class)),
            json!({"why": "Flood"}),
        )
        .await?
        .expect(422);
        Ok(())
    });
}
