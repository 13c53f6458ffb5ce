//! A link that came with being the first contact: it ends when another is named, and comes back when nobody was.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, classroom, csv, people, role, rows, run};
use uuid::Uuid;

async fn name(
    app: &Application,
    admin: &Session,
    student: Uuid,
    user: Option<Uuid>,
) -> Result<Reply> {
    let path = format!("/v1/students/{student}");
    app.patch(admin, &path, json!({"parent_id": user})).await
}

/// The first contact, and who is listed as guardian by being that.
async fn contacts(
    app: &Application,
    admin: &Session,
    student: Uuid,
) -> Result<(Value, Vec<String>)> {
    let read = app.get(admin, &format!("/v1/students/{student}")).await?;
    let path = format!("/v1/guardians?student_id={student}");
    let mut links = classroom::data(app, admin, &path).await?;
    links.retain(|link| link["by_first_contact"] == true);
    Ok((
        read.expect(200).json()["parent_id"].clone(),
        classroom::texts(&links, "user_id"),
    ))
}

fn only(user: Uuid) -> (Value, Vec<String>) {
    (json!(user), vec![user.to_string()])
}

#[test]
fn an_account_that_is_restored_is_no_guardian_by_first_contact_where_another_was_named() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let former = people::account(app, &admin, role::PARENT, home).await?;
        let fresh = people::user(app, &admin, "parent", home).await?;
        let account = format!("/v1/users/{}", former.user);
        name(app, &admin, student, Some(former.user))
            .await?
            .expect(200);
        app.delete(&admin, &account).await?.expect(204);
        name(app, &admin, student, Some(fresh)).await?.expect(200);
        classroom::act(app, &admin, &format!("{account}/restore"))
            .await?
            .expect(200);
        assert_eq!(contacts(app, &admin, student).await?, only(fresh));
        let session = people::session(app, former.user, role::PARENT).await?;
        app.get(&session, &format!("/v1/students/{student}"))
            .await?
            .expect(404);

        // Where nobody was named it is that again, also when it comes back deactivated.
        name(app, &admin, student, Some(former.user))
            .await?
            .expect(200);
        for is_deactivated in [false, true] {
            if is_deactivated {
                classroom::act(app, &admin, &format!("{account}/deactivate"))
                    .await?
                    .expect(200);
            }
            app.delete(&admin, &account).await?.expect(204);
            assert_eq!(
                contacts(app, &admin, student).await?,
                (Value::Null, Vec::new())
            );
            classroom::act(app, &admin, &format!("{account}/restore"))
                .await?
                .expect(200);
            assert_eq!(contacts(app, &admin, student).await?, only(former.user));
        }
        Ok(())
    });
}

#[test]
fn a_link_by_first_contact_that_is_restored_makes_a_first_contact_or_is_refused() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let former = people::user(app, &admin, "parent", home).await?;
        let fresh = people::user(app, &admin, "parent", home).await?;
        name(app, &admin, student, Some(former)).await?.expect(200);
        let path = format!("/v1/guardians?student_id={student}");
        let links = classroom::data(app, &admin, &path).await?;
        let link = format!("/v1/guardians/{}", classroom::texts(&links, "id")[0]);
        let restore = format!("{link}/restore");
        app.delete(&admin, &link).await?.expect(204);
        classroom::act(app, &admin, &restore).await?.expect(200);
        assert_eq!(contacts(app, &admin, student).await?, only(former));
        name(app, &admin, student, Some(fresh)).await?.expect(200);
        assert_eq!(contacts(app, &admin, student).await?, only(fresh));
        let refused = classroom::act(app, &admin, &restore).await?.expect(409);
        assert_eq!(refused.pointers(), ["/user_id"]);
        name(app, &admin, student, None).await?.expect(200);
        classroom::act(app, &admin, &restore).await?.expect(200);
        assert_eq!(contacts(app, &admin, student).await?, only(former));
        Ok(())
    });
}

#[test]
fn whoever_was_deactivated_becomes_no_first_contact_and_no_guardian() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let gone = people::user(app, &admin, "parent", home).await?;
        let pupil = people::user(app, &admin, "student", home).await?;
        let path = format!("/v1/users/{gone}/deactivate");
        classroom::act(app, &admin, &path).await?.expect(200);
        let before = rows::written(app).await?;
        let refused = name(app, &admin, student, Some(gone)).await?.expect(422);
        assert_eq!(refused.pointers(), ["/parent_id"]);
        let link = json!({"user_id": gone, "student_id": student, "relationship": "parent"});
        let refused = app.post(&admin, "/v1/guardians", link).await?.expect(422);
        assert_eq!(refused.pointers(), ["/user_id"]);
        let body = json!({"user_id": pupil, "centre_id": home, "parent_id": gone});
        let refused = app.post(&admin, "/v1/students", body).await?.expect(422);
        assert_eq!(refused.pointers(), ["/parent_id"]);
        let file = format!("user_id,centre_id,parent_id\n{pupil},{home},{gone}\n");
        let refused = csv::import(app, &admin, "/v1/students/import", file).await?;
        assert_eq!(refused.expect(422).pointers(), ["/2/parent_id"]);
        let body = json!({
            "name": "Ida", "email": "ida.pupil@aurora.example", "role": "student", "centre_id": home,
            "profile": {"parent_id": gone},
        });
        let refused = app.post(&admin, "/v1/users", body).await?.expect(422);
        assert_eq!(refused.pointers(), ["/profile/parent_id"]);
        assert_eq!(rows::written(app).await?, before);

        // Those who are that already stay so, and their children can be deleted and restored.
        let stays = people::user(app, &admin, "parent", home).await?;
        name(app, &admin, student, Some(stays)).await?.expect(200);
        let path = format!("/v1/users/{stays}/deactivate");
        classroom::act(app, &admin, &path).await?.expect(200);
        let path = format!("/v1/students/{student}");
        app.delete(&admin, &path).await?.expect(204);
        classroom::act(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        assert_eq!(contacts(app, &admin, student).await?, only(stays));
        Ok(())
    });
}
