//! Tests the guardian link of a first contact: its end, and its restoration.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, class_fixture, csv, fixtures, queries, role, run};
use uuid::Uuid;

async fn set_first_contact(
    app: &Application,
    admin: &Session,
    student: Uuid,
    user: Option<Uuid>,
) -> Result<Reply> {
    let path = format!("/v1/students/{student}");
    app.patch(admin, &path, json!({"parent_id": user})).await
}

/// Returns the first contact, and the guardians that are linked as first contacts.
async fn first_contact_and_links(
    app: &Application,
    admin: &Session,
    student: Uuid,
) -> Result<(Value, Vec<String>)> {
    let read = app.get(admin, &format!("/v1/students/{student}")).await?;
    let path = format!("/v1/guardians?student_id={student}");
    let mut links = class_fixture::get_data(app, admin, &path).await?;
    links.retain(|link| link["by_first_contact"] == true);
    Ok((
        read.expect(200).json()["parent_id"].clone(),
        class_fixture::text_fields(&links, "user_id"),
    ))
}

fn sole_first_contact(user: Uuid) -> (Value, Vec<String>) {
    (json!(user), vec![user.to_string()])
}

#[test]
fn a_restored_account_is_not_linked_again_where_it_was_replaced_as_first_contact() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let former_parent = fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        let new_parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let account = format!("/v1/users/{}", former_parent.user);
        set_first_contact(app, &admin, student, Some(former_parent.user))
            .await?
            .expect(200);
        app.delete(&admin, &account).await?.expect(204);
        set_first_contact(app, &admin, student, Some(new_parent))
            .await?
            .expect(200);
        class_fixture::post_without_body(app, &admin, &format!("{account}/restore"))
            .await?
            .expect(200);
        assert_eq!(
            first_contact_and_links(app, &admin, student).await?,
            sole_first_contact(new_parent)
        );
        let session = fixtures::session_for(app, former_parent.user, role::PARENT).await?;
        app.get(&session, &format!("/v1/students/{student}"))
            .await?
            .expect(404);

        // If no one else was named, the restored user is the first contact again, even when inactive.
        set_first_contact(app, &admin, student, Some(former_parent.user))
            .await?
            .expect(200);
        for is_deactivated in [false, true] {
            if is_deactivated {
                class_fixture::post_without_body(app, &admin, &format!("{account}/deactivate"))
                    .await?
                    .expect(200);
            }
            app.delete(&admin, &account).await?.expect(204);
            assert_eq!(
                first_contact_and_links(app, &admin, student).await?,
                (Value::Null, Vec::new())
            );
            class_fixture::post_without_body(app, &admin, &format!("{account}/restore"))
                .await?
                .expect(200);
            assert_eq!(
                first_contact_and_links(app, &admin, student).await?,
                sole_first_contact(former_parent.user)
            );
        }
        Ok(())
    });
}

#[test]
fn restoring_a_first_contact_link_sets_the_first_contact_or_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let former_parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let new_parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        set_first_contact(app, &admin, student, Some(former_parent))
            .await?
            .expect(200);
        let path = format!("/v1/guardians?student_id={student}");
        let links = class_fixture::get_data(app, &admin, &path).await?;
        let link = format!(
            "/v1/guardians/{}",
            class_fixture::text_fields(&links, "id")[0]
        );
        let restore = format!("{link}/restore");
        app.delete(&admin, &link).await?.expect(204);
        class_fixture::post_without_body(app, &admin, &restore)
            .await?
            .expect(200);
        assert_eq!(
            first_contact_and_links(app, &admin, student).await?,
            sole_first_contact(former_parent)
        );
        set_first_contact(app, &admin, student, Some(new_parent))
            .await?
            .expect(200);
        assert_eq!(
            first_contact_and_links(app, &admin, student).await?,
            sole_first_contact(new_parent)
        );
        let rejected = class_fixture::post_without_body(app, &admin, &restore)
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/user_id"]);
        set_first_contact(app, &admin, student, None)
            .await?
            .expect(200);
        class_fixture::post_without_body(app, &admin, &restore)
            .await?
            .expect(200);
        assert_eq!(
            first_contact_and_links(app, &admin, student).await?,
            sole_first_contact(former_parent)
        );
        Ok(())
    });
}

#[test]
fn an_inactive_user_becomes_neither_first_contact_nor_guardian() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let inactive_parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let pupil = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let path = format!("/v1/users/{inactive_parent}/deactivate");
        class_fixture::post_without_body(app, &admin, &path)
            .await?
            .expect(200);
        let before = queries::write_counters(app).await?;
        let rejected = set_first_contact(app, &admin, student, Some(inactive_parent))
            .await?
            .expect(422);
        assert_eq!(rejected.pointers(), ["/parent_id"]);
        let link =
            json!({"user_id": inactive_parent, "student_id": student, "relationship": "parent"});
        let rejected = app.post(&admin, "/v1/guardians", link).await?.expect(422);
        assert_eq!(rejected.pointers(), ["/user_id"]);
        let body = json!({"user_id": pupil, "centre_id": own_centre, "parent_id": inactive_parent});
        let rejected = app.post(&admin, "/v1/students", body).await?.expect(422);
        assert_eq!(rejected.pointers(), ["/parent_id"]);
        let file = format!("user_id,centre_id,parent_id\n{pupil},{own_centre},{inactive_parent}\n");
        let rejected = csv::import(app, &admin, "/v1/students/import", file).await?;
        assert_eq!(rejected.expect(422).pointers(), ["/2/parent_id"]);
        let body = json!({
            "name": "Ida", "email": "ida.pupil@aurora.example", "role": "student", "centre_id": own_centre,
            "profile": {"parent_id": inactive_parent},
        });
        let rejected = app.post(&admin, "/v1/users", body).await?.expect(422);
        assert_eq!(rejected.pointers(), ["/profile/parent_id"]);
        assert_eq!(queries::write_counters(app).await?, before);

        // Existing first contacts stay, and their children can be deleted and restored.
        let active_parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        set_first_contact(app, &admin, student, Some(active_parent))
            .await?
            .expect(200);
        let path = format!("/v1/users/{active_parent}/deactivate");
        class_fixture::post_without_body(app, &admin, &path)
            .await?
            .expect(200);
        let path = format!("/v1/students/{student}");
        app.delete(&admin, &path).await?.expect(204);
        class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        assert_eq!(
            first_contact_and_links(app, &admin, student).await?,
            sole_first_contact(active_parent)
        );
        Ok(())
    });
}
