//! Tests that exactly the linked guardians see a student, whoever the first contact is.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{get_data, text_fields},
    csv::import,
    fixtures, queries, role, run,
};
use uuid::Uuid;

/// Returns whether the caller finds a student, and asserts the same of the student's other rows.
async fn can_see(app: &Application, session: &Session, student: Uuid) -> Result<bool> {
    let account = fixtures::user_of_student(app, student).await?;
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
    let listed = get_data(app, session, "/v1/students?limit=200").await?;
    assert_eq!(
        text_fields(&listed, "id").contains(&student.to_string()),
        found,
        "{listed:?}"
    );
    for noun in ["assessments", "gamification", "finance-records"] {
        let path = format!("/v1/{noun}?student_id={student}");
        assert_eq!(
            !get_data(app, session, &path).await?.is_empty(),
            found,
            "{noun}"
        );
    }
    Ok(found)
}

/// Creates a student with rows that guardians may see.
async fn child(app: &Application, admin: &Session, centre: Uuid) -> Result<Uuid> {
    let student = fixtures::create_student(app, admin, centre).await?;
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

/// Returns the users that are linked as guardians, and whether each is linked as first contact.
async fn guardians(
    app: &Application,
    admin: &Session,
    student: Uuid,
) -> Result<Vec<(String, bool)>> {
    let path = format!("/v1/guardians?student_id={student}&limit=200");
    Ok(get_data(app, admin, &path)
        .await?
        .iter()
        .map(|one| {
            let user = one["user_id"].as_str().unwrap_or_default().to_owned();
            (user, one["by_first_contact"] == true)
        })
        .collect())
}

async fn set_first_contact(
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
fn a_former_guardian_sees_nothing_and_is_no_first_contact() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = child(app, &admin, own_centre).await?;
        let parent = fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        assert!(!can_see(app, &parent, student).await?);
        let link = fixtures::link_guardian(app, &admin, parent.user, student).await?;
        set_first_contact(app, &admin, student, Some(parent.user)).await?;
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(parent.user.to_string(), false)]
        );
        assert!(can_see(app, &parent, student).await?);
        let own = app
            .get(&parent, "/v1/finance-records/statement")
            .await?
            .expect(200)
            .json();
        assert_eq!(own["holder"]["user_id"], json!(parent.user));

        app.delete(&admin, &link).await?.expect(204);
        assert!(!can_see(app, &parent, student).await?);
        app.get(&parent, "/v1/finance-records/statement")
            .await?
            .expect(404);
        let student_now = app
            .get(&admin, &format!("/v1/students/{student}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(student_now["parent_id"], Value::Null);
        // A parent whose link is restored sees the child again, but is not the first contact again.
        app.call(Some(&admin), Method::POST, &format!("{link}/restore"), None)
            .await?
            .expect(200);
        assert!(can_see(app, &parent, student).await?);
        Ok(())
    });
}

#[test]
fn a_first_contact_is_a_guardian_until_replaced() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = child(app, &admin, own_centre).await?;
        let first_guardian =
            fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        let other = fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        set_first_contact(app, &admin, student, Some(first_guardian.user)).await?;
        assert!(can_see(app, &first_guardian, student).await?);
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(first_guardian.user.to_string(), true)]
        );
        set_first_contact(app, &admin, student, Some(other.user)).await?;
        assert!(!can_see(app, &first_guardian, student).await?);
        assert!(can_see(app, &other, student).await?);
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(other.user.to_string(), true)]
        );
        // A link that was created explicitly stays when another first contact is named.
        fixtures::link_guardian(app, &admin, other.user, student).await?;
        assert_eq!(
            guardians(app, &admin, student).await?,
            [(other.user.to_string(), false)]
        );
        set_first_contact(app, &admin, student, None).await?;
        assert!(can_see(app, &other, student).await?);
        // The link of a first contact can be deleted, which removes the first contact.
        set_first_contact(app, &admin, student, Some(first_guardian.user)).await?;
        let path = format!(
            "/v1/guardians?student_id={student}&user_id={}",
            first_guardian.user
        );
        let links = get_data(app, &admin, &path).await?;
        let link = format!("/v1/guardians/{}", text_fields(&links, "id")[0]);
        app.delete(&admin, &link).await?.expect(204);
        assert!(!can_see(app, &first_guardian, student).await?);
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
fn every_way_of_setting_a_first_contact_creates_the_link() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let parent = fixtures::create_account(app, &admin, role::PARENT, own_centre).await?;
        let pupil = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let body = json!({"user_id": pupil, "centre_id": own_centre, "parent_id": parent.user});
        let created = app.post(&admin, "/v1/students", body).await?.expect(201);
        let first = fixtures::parse_id(&created.json())?;
        let body = json!({
            "name": "Ida", "email": "ida.pupil@aurora.example", "role": "student", "centre_id": own_centre,
            "profile": {"parent_id": parent.user},
        });
        let created = app.post(&admin, "/v1/users", body).await?.expect(201);
        let second = queries::fetch_id(
            app,
            "select id from lms.students where user_id = $1",
            &[&fixtures::parse_id(&created.json())?],
        )
        .await?;
        let pupil = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let file = format!(
            "user_id,centre_id,parent_id\n{pupil},{own_centre},{}\n",
            parent.user
        );
        import(app, &admin, "/v1/students/import", file)
            .await?
            .expect(201);
        let third = queries::fetch_id(
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
        // Every first contact in the database has a link.
        let without = queries::count(
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
fn a_student_cannot_be_a_guardian() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let own = fixtures::user_of_student(app, student).await?;
        let other = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let before = queries::write_counters(app).await?;
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
        assert_eq!(queries::write_counters(app).await?, before);

        // A guardian cannot become a student, and a student who was a guardian cannot become one again.
        let parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        let link = fixtures::link_guardian(app, &admin, parent, student).await?;
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
fn concurrent_changes_leave_no_first_contact_without_a_link() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/students/{student}");
        let parent = fixtures::create_user(app, &admin, "parent", own_centre).await?;
        for _ in 0..12 {
            let link = fixtures::link_guardian(app, &admin, parent, student).await?;
            let (named, deleted) = tokio::join!(
                app.patch(&admin, &path, json!({"parent_id": parent})),
                app.delete(&admin, &link)
            );
            named?.expect(200);
            deleted?.expect(204);
            let contact = app.get(&admin, &path).await?.expect(200).json();
            let listed = guardians(app, &admin, student).await?;
            assert_eq!(contact["parent_id"].is_string(), !listed.is_empty());
            set_first_contact(app, &admin, student, None).await?;
            assert!(guardians(app, &admin, student).await?.is_empty());
        }
        Ok(())
    });
}
