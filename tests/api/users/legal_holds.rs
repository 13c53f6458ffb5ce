//! Legal holds: while there is one, nobody erases the person or the person's parents.

use http::Method;
use serde_json::json;
use tests::{
    people, role, rows, run,
    subjects::{erase, subject},
};

#[test]
fn whoever_is_held_is_not_erased_until_the_hold_is_released() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = subject(app, &admin).await?;
        let body = json!({"user_id": subject.user, "reason": "A claim is pending"});
        let made = app.post(&admin, "/v1/legal-holds", body).await?.expect(201);
        let path = format!("/v1/legal-holds/{}", people::id(&made.json())?);
        let before = rows::written(app).await?;
        // A parent's data is about the child as well.
        for user in [subject.user, subject.parent] {
            let refused = erase(app, &admin, user).await?.expect(409);
            assert!(
                refused.text.contains("A claim is pending."),
                "{}",
                refused.text
            );
        }
        assert_eq!(rows::written(app).await?, before);
        app.delete(&admin, &path).await?.expect(204);
        erase(app, &admin, subject.parent).await?.expect(200);
        app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
            .await?
            .expect(200);
        erase(app, &admin, subject.user).await?.expect(409);
        app.delete(&admin, &path).await?.expect(204);
        erase(app, &admin, subject.user).await?.expect(200);
        Ok(())
    });
}

#[test]
fn a_hold_is_on_somebody_and_says_why() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let stranger = app.user(1, role::STUDENT).id;
        for (body, pointer) in [
            (json!({"reason": "Why"}), "/user_id"),
            (json!({"user_id": app.user(0, role::STUDENT).id}), "/reason"),
            (
                json!({"user_id": app.user(0, role::STUDENT).id, "reason": ""}),
                "/reason",
            ),
            (json!({"user_id": stranger, "reason": "Why"}), "/user_id"),
        ] {
            let refused = app.post(&admin, "/v1/legal-holds", body).await?.expect(422);
            assert_eq!(refused.pointers(), [pointer]);
        }
        Ok(())
    });
}
