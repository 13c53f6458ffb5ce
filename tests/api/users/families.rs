//! Guardians: who is listed sees the child, and who is not listed sees nothing, whoever the first contact is.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    classroom::{data, texts},
    csv::import,
    people, role, rows, run,
};
use uuid::Uuid;

/// Returns whether the caller finds the student, and all that hangs on it.
async fn sees(app: &Application, session: &Session, student: Uuid) -> Result<bool> {
    let account = people::account_of(app, student).await?;
    let found = app
        .get(session, &format!("/v1/students/{student}"))
        .await?
        .status
        == 200;
    for path in [
        format!("/v1/users/{account}"),
        format!("/v1/students/{student}/progress"),
        format!("/v1/gamification/students/{student}/summary"),
        format!("/v1/finance-records/statement?student_id={student}"),
    ] {
        let reply = app.get(session, &path).await?;
        assert_eq!(reply.status == 200, found, "{path}: {}", reply.text);
    }
    let listed = data(app, session, "/v1/students?limit=200").await?;
    assert_eq!(
        texts(&listed, "id").contains(&student.to_string()),
        found,
        "{listed:?}"
    );
    for noun in ["assessments", "gamification", "finance-records"] {
        let path = format!("/v1/{noun}?student_id={student}");
        assert_eq!(
            !data(app, session, &path).await?.is_empty(),
            found,
            "{noun}"
        );
    }
    Ok(found)
}

/// A student of whom there is something to see.
async fn child(app: &Application, admin: &Session, centre: Uuid) -> Result<Uuid> {
    let student = people::student(app, admin, centre).await?;
    let body = json!({"student_id": student, "type": "reading", "score": 5});
    app.post(admin, "/v1/assessments", body).await?.expect(201);
    let body = json!({"student_id": student, "points": 3});
    app.post(admin, "/v1/gamification", body).await?.expect(201);
    let body = json!({"centre_id": centre, "student_id": student, "type": "payment", "method": "card", "amount": "10.00"});
    let request = app
        .request(Method::POST, "/v1/finance-records")
        .bearer_auth(&admin.token)
        .header("idempotency-key", Uuid::now_v7().to_string())
        .json(&body);
    tests::send(request).await?.expect(201);
    Ok(student)
}

/// The users who are listed as guardians, and which of them by being the first contact.
async fn guardians(
    app: &Application,
    admin: &Session,
    student: Uuid,
) -> Result<Vec<(String, bool)>> {
    let path = format!("/v1/guardians?student_id={student}&limit=200");
    Ok(data(app, admin, &path)
        .await?
        .iter()
        .map(|one| {
            let user = one["user_id"].as_str().unwrap_or_default().to_owned();
            (user, one["by_first_contact"] == true)
        })
        .collect())
}

async fn name_first_contact(
    app: &Application,
    admin: &Session,
    student: Uuid,
    user: Option<Uuid>,
) -> Result<Value> {
    let path = format!("/v1/students/{student}");
    let changed = app
        .patch(admin, &path, json!({"parent_id": user}))
        .await?
        .expect(200)
        .json();
    assert_eq!(changed["parent_id"], json!(user));
    Ok(changed)
}

#[test]
fn whoever_is_no_guardian_any_more_sees_nothing_and_is_no_first_contact() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = child(app, &admin, home).await?;
        let parent = people::account(app, &admin, role::PARENT, home).await?;
        assert!(!sees(app, &parent, student).await?);
        let link = people::link(app, &admin, parent.user, student).await?;
        name_first_contact(app, &admin, student, Some(parent.user)).await?;
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(parent.user.to_string(), false)]
        );
        assert!(sees(app, &parent, student).await?);
        let own = app
            .get(&parent, "/v1/finance-records/statement")
            .await?
            .expect(200)
            .json();
        assert_eq!(own["holder"]["user_id"], json!(parent.user));

        app.delete(&admin, &link).await?.expect(204);
        assert!(!sees(app, &parent, student).await?);
        app.get(&parent, "/v1/finance-records/statement")
            .await?
            .expect(404);
        let student_now = app
            .get(&admin, &format!("/v1/students/{student}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(student_now["parent_id"], Value::Null);
        // Restored, the parent sees the child again, and is named again by whoever wants that.
        app.call(Some(&admin), Method::POST, &format!("{link}/restore"), None)
            .await?
            .expect(200);
        assert!(sees(app, &parent, student).await?);
        Ok(())
    });
}

#[test]
fn a_first_contact_is_a_guardian_until_another_is_named() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = child(app, &admin, home).await?;
        let lone = people::account(app, &admin, role::PARENT, home).await?;
        let other = people::account(app, &admin, role::PARENT, home).await?;
        name_first_contact(app, &admin, student, Some(lone.user)).await?;
        assert!(sees(app, &lone, student).await?);
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(lone.user.to_string(), true)]
        );
        name_first_contact(app, &admin, student, Some(other.user)).await?;
        assert!(!sees(app, &lone, student).await?);
        assert!(sees(app, &other, student).await?);
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(other.user.to_string(), true)]
        );
        // A link that somebody writes stays, whoever is named next.
        people::link(app, &admin, other.user, student).await?;
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(other.user.to_string(), false)]
        );
        name_first_contact(app, &admin, student, None).await?;
        assert!(sees(app, &other, student).await?);
        // The link that came with the first contact goes with it, and can be deleted as any other.
        name_first_contact(app, &admin, student, Some(lone.user)).await?;
        let path = format!("/v1/guardians?student_id={student}&user_id={}", lone.user);
        let links = data(app, &admin, &path).await?;
        let link = format!("/v1/guardians/{}", texts(&links, "id")[0]);
        app.delete(&admin, &link).await?.expect(204);
        assert!(!sees(app, &lone, student).await?);
        let now = app
            .get(&admin, &format!("/v1/students/{student}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(now["parent_id"], Value::Null);
        Ok(())
    });
}

#[test]
fn every_way_of_naming_a_first_contact_makes_the_link() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let parent = people::account(app, &admin, role::PARENT, home).await?;
        let pupil = people::user(app, &admin, "student", home).await?;
        let body = json!({"user_id": pupil, "centre_id": home, "parent_id": parent.user});
        let made = app.post(&admin, "/v1/students", body).await?.expect(201);
        let first = people::id(&made.json())?;
        let body = json!({
            "name": "Ida", "email": "ida.pupil@aurora.example", "role": "student", "centre_id": home,
            "profile": {"parent_id": parent.user},
        });
        let made = app.post(&admin, "/v1/users", body).await?.expect(201);
        let second = rows::id(
            app,
            "select id from lms.students where user_id = $1",
            &[&people::id(&made.json())?],
        )
        .await?;
        let pupil = people::user(app, &admin, "student", home).await?;
        let file = format!(
            "user_id,centre_id,parent_id\n{pupil},{home},{}\n",
            parent.user
        );
        import(app, &admin, "/v1/students/import", file)
            .await?
            .expect(201);
        let third = rows::id(
            app,
            "select id from lms.students where user_id = $1",
            &[&pupil],
        )
        .await?;
        for student in [first, second, third] {
            assert_eq!(
                guardians(app, &admin, student).await?,
                [(parent.user.to_string(), true)]
            );
            let path = format!("/v1/students/{student}");
            app.get(&parent, &path).await?.expect(200);
        }
        // However they were made: nobody is a first contact without a link, and no student is a guardian.
        let without = rows::count(
            app,
            "lms.students as s where s.parent_id is not null and not exists (
              select from lms.guardians as g
              where g.tenant_id = s.tenant_id and g.student_id = s.id and g.user_id = s.parent_id and g.deleted_at is null
            )",
            &[],
        )
        .await?;
        assert_eq!(without, 0);
        Ok(())
    });
}

#[test]
fn a_student_is_nobodys_guardian() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let own = people::account_of(app, student).await?;
        let other = people::user(app, &admin, "student", home).await?;
        let before = rows::written(app).await?;
        for user in [own, other] {
            let body = json!({"user_id": user, "student_id": student, "relationship": "parent"});
            let reply = app.post(&admin, "/v1/guardians", body).await?.expect(422);
            assert_eq!(reply.pointers(), ["/user_id"]);
            let file = format!("user_id,student_id,relationship\n{user},{student},parent\n");
            let reply = import(app, &admin, "/v1/guardians/import", file)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["/2/user_id"]);
            let path = format!("/v1/students/{student}");
            let reply = app
                .patch(&admin, &path, json!({"parent_id": user}))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["/parent_id"]);
        }
        assert_eq!(rows::written(app).await?, before);

        // Nor does a guardian become a student, nor a student who was one a guardian again.
        let parent = people::user(app, &admin, "parent", home).await?;
        let link = people::link(app, &admin, parent, student).await?;
        let account = format!("/v1/users/{parent}");
        let become_student = json!({"role": "student"});
        let reply = app
            .patch(&admin, &account, become_student.clone())
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/role"]);
        app.delete(&admin, &link).await?.expect(204);
        app.patch(&admin, &account, become_student)
            .await?
            .expect(200);
        let reply = app
            .call(Some(&admin), Method::POST, &format!("{link}/restore"), None)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/user_id"]);
        Ok(())
    });
}

#[test]
fn two_who_name_and_delete_at_once_leave_no_first_contact_without_a_link() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let path = format!("/v1/students/{student}");
        let parent = people::user(app, &admin, "parent", home).await?;
        for _ in 0..12 {
            let link = people::link(app, &admin, parent, student).await?;
            let (named, deleted) = tokio::join!(
                app.patch(&admin, &path, json!({"parent_id": parent})),
                app.delete(&admin, &link)
            );
            named?.expect(200);
            deleted?.expect(204);
            let contact = app.get(&admin, &path).await?.expect(200).json();
            let listed = guardians(app, &admin, student).await?;
            assert_eq!(contact["parent_id"].is_string(), !listed.is_empty());
            name_first_contact(app, &admin, student, None).await?;
            assert!(guardians(app, &admin, student).await?.is_empty());
        }
        Ok(())
    });
}
