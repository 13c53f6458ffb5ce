//! Tests that a legal hold prevents the erasure of a person and of the person's parents.

use http::Method;
use serde_json::json;
use tests::{
    data_subject::{create_data_subject, erase},
    fixtures, queries, role, run,
};

#[test]
fn a_person_under_a_legal_hold_cannot_be_erased_until_its_release() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let body = json!({"user_id": subject.user, "reason": "A claim is pending"});
        let created = app.post(&admin, "/v1/legal-holds", body).await?.expect(201);
        let path = format!("/v1/legal-holds/{}", fixtures::parse_id(&created.json())?);
        let before = queries::write_counters(app).await?;
        // A parent's data concerns the child as well.
        for user in [subject.user, subject.parent] {
            let rejected = erase(app, &admin, user).await?.expect(409);
            assert!(
                rejected.text.contains("A claim is pending."),
                "{}",
                rejected.text
            );
        }
        assert_eq!(queries::write_counters(app).await?, before);
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
fn a_legal_hold_requires_a_person_and_a_reason() {
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
            let rejected = app.post(&admin, "/v1/legal-holds", body).await?.expect(422);
            assert_eq!(rejected.pointers(), [pointer]);
        }
        Ok(())
    });
}
