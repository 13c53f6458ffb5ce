//! Students and tutors made for a test. No test stands here.

use crate::{Application, Role, Session, role, rows};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

/// The id in an answer.
pub fn id(body: &Value) -> Result<Uuid> {
    Ok(body["id"].as_str().context("an id")?.parse()?)
}

/// A new account of a role in a centre of the first tenant.
pub async fn user(app: &Application, admin: &Session, role: &str, centre: Uuid) -> Result<Uuid> {
    let email = format!("{}@aurora.example", Uuid::now_v7().simple());
    let body =
        json!({"name": format!("New {role}"), "email": email, "role": role, "centre_id": centre});
    id(&app.post(admin, "/v1/users", body).await?.expect(201).json())
}

/// A new tutor in a centre, with so many places.
pub async fn tutor(app: &Application, admin: &Session, centre: Uuid, places: i32) -> Result<Uuid> {
    let user = user(app, admin, "tutor", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre, "max_students": places});
    id(&app
        .post(admin, "/v1/tutors", body)
        .await?
        .expect(201)
        .json())
}

/// A new student in a centre, without a tutor.
pub async fn student(app: &Application, admin: &Session, centre: Uuid) -> Result<Uuid> {
    let user = user(app, admin, "student", centre).await?;
    let body = json!({"user_id": user, "centre_id": centre});
    id(&app
        .post(admin, "/v1/students", body)
        .await?
        .expect(201)
        .json())
}

/// A session of an account of the first tenant, made without a password.
pub async fn session(app: &Application, user: Uuid, role: Role) -> Result<Session> {
    let mut session = app.session(0, role).await?;
    rows::execute(
        app,
        "update lms.sessions set user_id = $2 where id = $1",
        &[&session.id, &user],
    )
    .await?;
    session.user = user;
    session.token = app.token(&session, role, 600)?;
    Ok(session)
}

/// A new account of a role with a session of its own.
pub async fn account(
    app: &Application,
    admin: &Session,
    role: Role,
    centre: Uuid,
) -> Result<Session> {
    let user = user(app, admin, role.name(), centre).await?;
    session(app, user, role).await
}

/// A new tutor with a session of its own.
pub async fn teacher(app: &Application, admin: &Session, centre: Uuid) -> Result<(Uuid, Session)> {
    let tutor = tutor(app, admin, centre, 20).await?;
    let user = rows::id(
        app,
        "select user_id from lms.tutors where id = $1",
        &[&tutor],
    )
    .await?;
    Ok((tutor, session(app, user, role::TUTOR).await?))
}

/// The account of a student.
pub async fn account_of(app: &Application, student: Uuid) -> Result<Uuid> {
    rows::id(
        app,
        "select user_id from lms.students where id = $1",
        &[&student],
    )
    .await
}

/// Links a guardian to a student; gives the path of the link.
pub async fn link(app: &Application, admin: &Session, user: Uuid, student: Uuid) -> Result<String> {
    let body = json!({"user_id": user, "student_id": student, "relationship": "parent"});
    let made = app.post(admin, "/v1/guardians", body).await?.expect(201);
    Ok(format!("/v1/guardians/{}", id(&made.json())?))
}

/// The student of the demo user `student`.
pub async fn own_student(app: &Application) -> Result<Uuid> {
    let user = app.user(0, role::STUDENT).id;
    rows::id(
        app,
        "select id from lms.students where user_id = $1",
        &[&user],
    )
    .await
}

/// The tutor of the demo user `tutor`.
pub async fn own_tutor(app: &Application) -> Result<Uuid> {
    let user = app.user(0, role::TUTOR).id;
    rows::id(
        app,
        "select id from lms.tutors where user_id = $1",
        &[&user],
    )
    .await
}

/// Tutors of all tenants whose count of students is not that of their students.
pub async fn miscounted(app: &Application) -> Result<i64> {
    rows::count(
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

/// A class of a tutor's at the tutor's centre, without lessons.
pub async fn class(app: &Application, tutor: Uuid) -> Result<Uuid> {
    rows::id(
        app,
        "insert into lms.classes (tenant_id, centre_id, tutor_id, schedule)
        select t.tenant_id, t.centre_id, t.id, '{}' from lms.tutors as t where t.id = $1
        returning id",
        &[&tutor],
    )
    .await
}

/// A lesson of a class, from one instant to another (RFC 3339).
pub async fn lesson(
    app: &Application,
    class: Uuid,
    start: &str,
    end: &str,
    status: &str,
) -> Result<Uuid> {
    rows::id(
        app,
        "insert into lms.occurrences (tenant_id, class_id, centre_id, tutor_id, original_start, starts_at, ends_at, status)
        select c.tenant_id, c.id, c.centre_id, c.tutor_id, $2::text::timestamptz, $2::text::timestamptz, $3::text::timestamptz, $4
        from lms.classes as c where c.id = $1
        returning id",
        &[&class, &start, &end, &status],
    )
    .await
}

/// A student's place in a lesson, with what was recorded of it, if anything.
pub async fn attendance(
    app: &Application,
    lesson: Uuid,
    student: Uuid,
    status: Option<&str>,
) -> Result<Uuid> {
    rows::id(
        app,
        "insert into lms.attendances (tenant_id, occurrence_id, class_id, student_id, starts_at, ends_at, status)
        select o.tenant_id, o.id, o.class_id, $2, o.starts_at, o.ends_at, $3
        from lms.occurrences as o where o.id = $1
        returning id",
        &[&lesson, &student, &status],
    )
    .await
}

/// A student of a centre.
pub async fn student_of(app: &Application, centre: Uuid) -> Result<Uuid> {
    rows::id(
        app,
        "select id from lms.students where centre_id = $1",
        &[&centre],
    )
    .await
}
