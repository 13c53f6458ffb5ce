//! A tutor with students of the first tenant, and classes for them at times when nobody has one yet. No test stands here.

use crate::{Application, Reply, Session, role, rows};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Those whom tests bring together.
pub struct Classroom {
    /// The demo users' centre.
    pub centre: Uuid,
    /// The tenant's other centre.
    pub away: Uuid,
    /// The demo tutor.
    pub tutor: Uuid,
    /// Another tutor of the same centre.
    pub colleague: Uuid,
    /// The demo student, then others of the demo tutor.
    pub students: Vec<Uuid>,
}

/// Who is there.
pub async fn classroom(app: &Application) -> Result<Classroom> {
    let (centre, away) = rows::centres(app).await?;
    let tutor = rows::id(
        app,
        "select id from lms.tutors where user_id = $1",
        &[&app.user(0, role::TUTOR).id],
    )
    .await?;
    let colleague = rows::id(
        app,
        "select id from lms.tutors where centre_id = $1 and id <> $2 order by id",
        &[&centre, &tutor],
    )
    .await?;
    let students = app
        .superuser()
        .await?
        .query(
            "select id from lms.students
            where assigned_tutor_id = $1 and centre_id = $2
            order by user_id <> $3, id",
            &[&tutor, &centre, &app.user(0, role::STUDENT).id],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    Ok(Classroom {
        centre,
        away,
        tutor,
        colleague,
        students,
    })
}

impl Classroom {
    /// A class of the tutor with the first student, on this schedule.
    pub fn class(&self, schedule: Value) -> Value {
        json!({
            "centre_id": self.centre,
            "tutor_id": self.tutor,
            "student_ids": [self.students[0]],
            "schedule": schedule,
        })
    }

    /// A single lesson of the tutor without students.
    pub fn lesson(&self, start: &str, end: &str) -> Value {
        let mut class = self.class(single("UTC", start, end));
        class["student_ids"] = json!([]);
        class
    }
}

/// A schedule of one lesson.
pub fn single(zone: &str, start: &str, end: &str) -> Value {
    json!({"start": start, "end": end, "time_zone": zone})
}

/// A schedule of lessons that recur.
pub fn series(zone: &str, start: &str, end: &str, rule: &str) -> Value {
    json!({"start": start, "end": end, "time_zone": zone, "recurring": {"rule": rule}})
}

/// Makes a class.
pub async fn make(app: &Application, session: &Session, class: Value) -> Result<Value> {
    Ok(app
        .post(session, "/v1/classes", class)
        .await?
        .expect(201)
        .json())
}

/// The path of a class.
pub fn path(class: &Value) -> String {
    format!("/v1/classes/{}", class["id"].as_str().unwrap_or_default())
}

/// The path of one of its lessons.
pub fn lesson(class: &Value, start: &str) -> String {
    format!("{}/occurrences/{start}", path(class))
}

/// POST without a body.
pub async fn act(app: &Application, session: &Session, path: &str) -> Result<Reply> {
    app.call(Some(session), Method::POST, path, None).await
}

/// The `data` of an answer.
pub async fn data(app: &Application, session: &Session, path: &str) -> Result<Vec<Value>> {
    let body = app.get(session, path).await?.expect(200).json();
    body["data"].as_array().cloned().context("data")
}

/// The lessons of a class.
pub async fn lessons(app: &Application, session: &Session, class: &Value) -> Result<Vec<Value>> {
    data(app, session, &format!("{}/occurrences", path(class))).await
}

/// One member of each, as text.
pub fn texts(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter()
        .map(|row| row[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// When they begin, to the second.
pub fn starts(rows: &[Value]) -> Vec<String> {
    texts(rows, "starts_at")
        .into_iter()
        .map(|time| time.replace(".000000Z", "Z"))
        .collect()
}

/// The first Monday of [`weekly`].
pub const FIRST: &str = "2035-04-02T16:00:00Z";
/// The second one.
pub const SECOND: &str = "2035-04-09T16:00:00Z";
/// The third one.
pub const THIRD: &str = "2035-04-16T16:00:00Z";

/// A series that begins on a Monday at four, an hour each.
pub fn weekly(rule: &str) -> Value {
    series("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00", rule)
}
