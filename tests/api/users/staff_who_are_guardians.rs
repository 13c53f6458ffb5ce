//! Tests the access of people who both work for the organisation and have children here.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{
        class_path, create_class, get_data, lesson_path, post_without_body, single_schedule,
        text_fields,
    },
    fixtures, queries, role, run,
};
use uuid::Uuid;

/// A student with a lesson, an assessment, an award and a payment, in a class with a student of
/// another family.
struct Child {
    student: Uuid,
    classmate: Uuid,
    class: Value,
    /// The path of the other parent's guardian link.
    other_link: String,
}

const START: &str = "2035-04-02T16:00:00Z";

async fn child(app: &Application, admin: &Session, centre: Uuid) -> Result<Child> {
    let student = fixtures::create_student(app, admin, centre).await?;
    let classmate = fixtures::create_student(app, admin, centre).await?;
    let tutor = fixtures::create_tutor(app, admin, centre, 10).await?;
    let class = json!({
        "centre_id": centre,
        "tutor_id": tutor,
        "student_ids": [student, classmate],
        "schedule": single_schedule("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00"),
    });
    let class = create_class(app, admin, class).await?;
    for one in [student, classmate] {
        let body = json!({"student_id": one, "type": "reading", "score": 5});
        app.post(admin, "/v1/assessments", body).await?.expect(201);
        let body = json!({"student_id": one, "points": 3});
        app.post(admin, "/v1/gamification", body).await?.expect(201);
        let body = json!({"centre_id": centre, "student_id": one, "type": "payment", "method": "card", "amount": "70.00"});
        let request = app
            .request(Method::POST, "/v1/finance-records")
            .bearer_auth(&admin.token)
            .header("idempotency-key", Uuid::now_v7().to_string())
            .json(&body);
        tests::send(request).await?.expect(201);
    }
    let other = fixtures::create_user(app, admin, "parent", centre).await?;
    let other_link = fixtures::link_guardian(app, admin, other, student).await?;
    Ok(Child {
        student,
        classmate,
        class,
        other_link,
    })
}

/// Asserts that the caller sees as much of the child as a parent, and nothing of the classmate.
async fn sees_as_parent(app: &Application, caller: &Session, child: &Child) -> Result<()> {
    let (student, classmate) = (child.student, child.classmate);
    app.get(caller, &format!("/v1/students/{student}"))
        .await?
        .expect(200);
    app.get(caller, &format!("/v1/students/{classmate}"))
        .await?
        .expect(404);
    let account = fixtures::user_of_student(app, student).await?;
    let person = app.get(caller, &format!("/v1/users/{account}")).await?;
    assert_eq!(person.expect(200).json()["name"], "New student");
    let account = fixtures::user_of_student(app, classmate).await?;
    app.get(caller, &format!("/v1/users/{account}"))
        .await?
        .expect(404);
    app.get(caller, &class_path(&child.class))
        .await?
        .expect(200);
    let lessons = get_data(
        app,
        caller,
        &format!("{}/occurrences", class_path(&child.class)),
    )
    .await?;
    assert_eq!(lessons.len(), 1);
    let attendance = format!("{}/attendance", lesson_path(&child.class, START));
    let listed = get_data(app, caller, &attendance).await?;
    assert_eq!(text_fields(&listed, "student_id"), [student.to_string()]);
    let calendar = format!(
        "/v1/calendar?from=2035-04-01T00:00:00Z&to=2035-04-05T00:00:00Z&student_id={student}"
    );
    assert_eq!(get_data(app, caller, &calendar).await?.len(), 1);
    for noun in ["assessments", "gamification", "finance-records"] {
        let of = |student: Uuid| format!("/v1/{noun}?student_id={student}");
        assert_eq!(
            get_data(app, caller, &of(student)).await?.len(),
            1,
            "{noun}"
        );
        assert!(
            get_data(app, caller, &of(classmate)).await?.is_empty(),
            "{noun}"
        );
    }
    Ok(())
}

/// Asserts that the caller can change neither the child, nor its class, nor a guardian link.
async fn writes_nothing(app: &Application, caller: &Session, child: &Child) -> Result<()> {
    let before = queries::write_counters(app).await?;
    let class = class_path(&child.class);
    let rejected = |reply: tests::Reply| {
        assert!([403, 404, 422].contains(&reply.status), "{}", reply.text);
    };
    rejected(app.patch(caller, &class, json!({"room": "Blue"})).await?);
    rejected(app.delete(caller, &class).await?);
    rejected(post_without_body(app, caller, &format!("{class}/cancel")).await?);
    let at = lesson_path(&child.class, START);
    rejected(post_without_body(app, caller, &format!("{at}/cancel")).await?);
    let body = json!({"students": [{"student_id": child.student, "status": "present"}]});
    rejected(
        app.call(
            Some(caller),
            Method::PUT,
            &format!("{at}/attendance"),
            Some(body),
        )
        .await?,
    );
    let student = format!("/v1/students/{}", child.student);
    rejected(
        app.patch(caller, &student, json!({"academic_age": {"reading": 12}}))
            .await?,
    );
    let body = json!({"student_id": child.student, "type": "reading", "score": 99});
    rejected(app.post(caller, "/v1/assessments", body).await?);
    let body = json!({"student_id": child.student, "points": 99});
    rejected(app.post(caller, "/v1/gamification", body).await?);
    let body =
        json!({"user_id": caller.user, "student_id": child.classmate, "relationship": "parent"});
    rejected(app.post(caller, "/v1/guardians", body).await?);
    rejected(app.delete(caller, &child.other_link).await?);
    assert_eq!(queries::write_counters(app).await?, before);
    Ok(())
}

#[test]
fn a_tutor_who_is_a_parent_sees_students_and_children() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let child = child(app, &admin, other_centre).await?;
        let (tutor, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let pupil = fixtures::create_student(app, &admin, own_centre).await?;
        let assign = format!("/v1/students/{pupil}/assign-tutor");
        app.post(&admin, &assign, json!({"tutor_id": tutor}))
            .await?
            .expect(200);
        let student = format!("/v1/students/{}", child.student);
        app.get(&caller, &student).await?.expect(404);
        let link = fixtures::link_guardian(app, &admin, caller.user, child.student).await?;

        sees_as_parent(app, &caller, &child).await?;
        writes_nothing(app, &caller, &child).await?;
        let mut listed = text_fields(&get_data(app, &caller, "/v1/students").await?, "id");
        listed.sort();
        let mut both = [pupil.to_string(), child.student.to_string()];
        both.sort();
        assert_eq!(listed, both);
        // Families see the class without the other students in it.
        let class = app
            .get(&caller, &class_path(&child.class))
            .await?
            .expect(200);
        assert_eq!(class.json().get("student_ids"), None);
        assert!(!class.text.contains(&child.classmate.to_string()));
        let all = app.get(&caller, "/v1/classes?limit=200").await?.expect(200);
        assert!(!all.text.contains(&child.classmate.to_string()));
        // The caller's own link is visible, but the other parent's is not.
        let links = format!("/v1/guardians?student_id={}", child.student);
        let links = get_data(app, &caller, &links).await?;
        assert_eq!(text_fields(&links, "user_id"), [caller.user.to_string()]);

        // The payments of the child are visible, but those of the assigned student are not.
        let statement = app
            .get(&caller, "/v1/finance-records/statement")
            .await?
            .expect(200)
            .json();
        assert_eq!(statement["holder"]["user_id"], json!(caller.user));
        let students = statement["students"].as_array().cloned();
        assert_eq!(students.map(|students| students.len()), Some(1));
        assert_eq!(statement["accounts"][0]["carried_forward"], "70.00");
        let of = |student: Uuid| format!("/v1/finance-records/statement?student_id={student}");
        app.get(&caller, &of(child.student)).await?.expect(200);
        app.get(&caller, &of(pupil)).await?.expect(404);
        let balance = app
            .get(&caller, "/v1/finance-records/balance")
            .await?
            .expect(200)
            .json();
        assert_eq!(balance["data"][0]["payments"], "70.00");

        let export = format!("/v1/privacy/subjects/{}/export", caller.user);
        let found = post_without_body(app, &admin, &export)
            .await?
            .expect(200)
            .text;
        assert!(
            found.contains(
                &fixtures::user_of_student(app, child.student)
                    .await?
                    .to_string()
            )
        );
        app.delete(&admin, &link).await?.expect(204);
        app.get(&caller, &student).await?.expect(404);
        app.get(&caller, "/v1/finance-records/statement")
            .await?
            .expect(404);
        Ok(())
    });
}

#[test]
fn a_tutor_can_be_the_first_contact_only_of_their_own_child() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (_, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/students/{student}");
        let body = json!({"parent_id": caller.user});
        let reply = app.patch(&admin, &path, body.clone()).await?.expect(422);
        assert_eq!(reply.pointers(), ["/parent_id"]);
        fixtures::link_guardian(app, &admin, caller.user, student).await?;
        app.patch(&admin, &path, body).await?.expect(200);
        Ok(())
    });
}

#[test]
fn staff_who_are_parents_read_but_do_not_write_their_children_at_other_centres() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let child = child(app, &admin, other_centre).await?;
        for role in [role::SUPERVISOR, role::ASSESSOR] {
            let caller = fixtures::create_account(app, &admin, role, own_centre).await?;
            let student = format!("/v1/students/{}", child.student);
            app.get(&caller, &student).await?.expect(404);
            let before = get_data(app, &caller, "/v1/students?limit=200")
                .await?
                .len();
            fixtures::link_guardian(app, &admin, caller.user, child.student).await?;
            app.get(&caller, &student).await?.expect(200);
            let after = get_data(app, &caller, "/v1/students?limit=200")
                .await?
                .len();
            assert_eq!(after, before + 1);
            if role == role::SUPERVISOR {
                sees_as_parent(app, &caller, &child).await?;
                // The child's notifications are visible to the child only.
                let account = fixtures::user_of_student(app, child.student).await?;
                let body = json!({"user_id": account, "type": "email", "subject": "Hello", "message": "Hello"});
                app.post(&admin, "/v1/notifications", body)
                    .await?
                    .expect(201);
                let path = format!("/v1/notifications?user_id={account}");
                assert!(get_data(app, &caller, &path).await?.is_empty());
                let own = format!("/v1/finance-records/statement?user_id={}", caller.user);
                let own = app.get(&caller, &own).await?.expect(200).json();
                assert_eq!(own["accounts"][0]["carried_forward"], "70.00");
            } else {
                let class = app
                    .get(&caller, &class_path(&child.class))
                    .await?
                    .expect(200);
                assert_eq!(class.json().get("student_ids"), None);
            }
            writes_nothing(app, &caller, &child).await?;
        }
        Ok(())
    });
}
