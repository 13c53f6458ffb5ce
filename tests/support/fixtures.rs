//! Creates accounts, students, tutors, classes and lessons for a test.
//! Classes with schedules are in `class_fixture`, help-desk requests in `help_desk`.

use crate::{Application, Role, Session, queries, role};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

/// Parses the `id` of a response.
pub fn parse_id(body: &Value) -> Result<Uuid> {
    Ok(body["id"]
        .as_str()
        .context("the response has no id")?
        .parse()?)
}

/// Creates an account of this role in a centre of the first tenant.
pub async fn create_user(
    app: &Application,
    admin: &Session,
    role: &str,
    centre: Uuid,
) -> Result<Uuid> {
    let email = format!("{}@aurora.example", Uuid::now_v7().simple());
    let body =
        json!({"name": format!("New {role}"), "email": email, "role": role, "centre_id": centre});
    parse_id(&app.post(admin, "/v1/users", body).await?.expect(201).json())
}

/// Creates an account of this role and name in a centre of the first tenant.
pub async fn create_named_user(
    app: &Application,
    admin: &Session,
    role: &str,
    name: &str,
    centre: Uuid,
) -> Result<Uuid> {
    let user = create_user(app, admin, role, centre).await?;
    app.patch(admin, &format!("/v1/users/{user}"), json!({"name": name}))
        .await?
        .expect(200);
    Ok(user)
}

/// Creates a tutor in a centre with this capacity.
pub async fn create_tutor(
    app: &Application,
    admin: &Session,
    centre: Uuid,
    capacity: i32,
) -> Result<Uuid> {
    let user = create_user(app, admin, "tutor", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre, "max_students": capacity});
    parse_id(
        &app.post(admin, "/v1/tutors", body)
            .await?
            .expect(201)
            .json(),
    )
}

/// Creates a student in a centre, without a tutor.
pub async fn create_student(app: &Application, admin: &Session, centre: Uuid) -> Result<Uuid> {
    let user = create_user(app, admin, "student", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    parse_id(
        &app.post(admin, "/v1/students", body)
            .await?
            .expect(201)
            .json(),
    )
}

/// Creates a session of an account of the first tenant without its password.
pub async fn session_for(app: &Application, user: Uuid, role: Role) -> Result<Session> {
    app.insert_session(0, user, role).await
}

/// Creates an account of this role with a session.
pub async fn create_account(
    app: &Application,
    admin: &Session,
    role: Role,
    centre: Uuid,
) -> Result<Session> {
    let user = create_user(app, admin, role.name(), centre).await?;
    session_for(app, user, role).await
}

/// Creates a tutor with a session.
pub async fn create_tutor_with_session(
    app: &Application,
    admin: &Session,
    centre: Uuid,
) -> Result<(Uuid, Session)> {
    let tutor = create_tutor(app, admin, centre, 20).await?;
    let user = queries::fetch_id(
        app,
        "select user_id from lms.tutors where id = $1",
        &[&tutor],
    )
    .await?;
    Ok((tutor, session_for(app, user, role::TUTOR).await?))
}

/// Returns the user of a student.
pub async fn user_of_student(app: &Application, student: Uuid) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "select user_id from lms.students where id = $1",
        &[&student],
    )
    .await
}

/// Links a guardian to a student and returns the path of the link.
pub async fn link_guardian(
    app: &Application,
    admin: &Session,
    user: Uuid,
    student: Uuid,
) -> Result<String> {
    let body = json!({"user_id": user, "student_id": student, "relationship": "parent"});
    let created = app.post(admin, "/v1/guardians", body).await?.expect(201);
    Ok(format!("/v1/guardians/{}", parse_id(&created.json())?))
}

/// Returns the student row of the demo user `student`.
pub async fn demo_student(app: &Application) -> Result<Uuid> {
    let user = app.user(0, role::STUDENT).id;
    queries::fetch_id(
        app,
        "select id from lms.students where user_id = $1",
        &[&user],
    )
    .await
}

/// Returns the tutor row of the demo user `tutor`.
pub async fn demo_tutor(app: &Application) -> Result<Uuid> {
    let user = app.user(0, role::TUTOR).id;
    queries::fetch_id(
        app,
        "select id from lms.tutors where user_id = $1",
        &[&user],
    )
    .await
}

/// Counts the tutors whose `current_students` differs from their assigned students or exceeds the capacity.
pub async fn count_wrong_student_counts(app: &Application) -> Result<i64> {
    queries::count(
        app,
        "lms.tutors as t
        where t.current_students <> (
          select count(*) from lms.students as s
          where s.tenant_id = t.tenant_id and s.assigned_tutor_id = t.id and s.deleted_at is null
        )
        or t.current_students > t.max_students",
        &[],
    )
    .await
}

/// Inserts a class of a tutor at the tutor's centre, without lessons.
pub async fn insert_class(app: &Application, tutor: Uuid) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "insert into lms.classes (tenant_id, centre_id, tutor_id, schedule)
        select t.tenant_id, t.centre_id, t.id, '{}' from lms.tutors as t where t.id = $1
        returning id",
        &[&tutor],
    )
    .await
}

/// Inserts a lesson of a class between two instants (RFC 3339).
pub async fn insert_lesson(
    app: &Application,
    class: Uuid,
    start: &str,
    end: &str,
    status: &str,
) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "insert into lms.occurrences (tenant_id, class_id, centre_id, tutor_id, original_start, starts_at, ends_at, status)
        select c.tenant_id, c.id, c.centre_id, c.tutor_id, $2::text::timestamptz, $2::text::timestamptz, $3::text::timestamptz, $4
        from lms.classes as c where c.id = $1
        returning id",
        &[&class, &start, &end, &status],
    )
    .await
}

/// Inserts a student's attendance of a lesson, with its status if one was recorded.
pub async fn insert_attendance(
    app: &Application,
    lesson: Uuid,
    student: Uuid,
    status: Option<&str>,
) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "insert into lms.attendances (tenant_id, occurrence_id, class_id, student_id, starts_at, ends_at, status)
        select o.tenant_id, o.id, o.class_id, $2, o.starts_at, o.ends_at, $3
        from lms.occurrences as o where o.id = $1
        returning id",
        &[&lesson, &student, &status],
    )
    .await
}

/// Returns any student of a centre.
pub async fn any_student_of(app: &Application, centre: Uuid) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "select id from lms.students where centre_id = $1",
        &[&centre],
    )
    .await
}
