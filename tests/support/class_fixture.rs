//! Creates classes for a demo tutor and the tutor's students, at times when neither has a lesson yet.
//! Classes and lessons that are inserted into the database directly are in `fixtures`.

use crate::{Application, Reply, Session, queries, role};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// The centres, tutors and students that classes of a test refer to.
pub struct ClassFixture {
    /// The demo users' centre.
    pub centre: Uuid,
    /// The tenant's other centre.
    pub other_centre: Uuid,
    /// The demo tutor.
    pub tutor: Uuid,
    /// Another tutor of the same centre.
    pub other_tutor: Uuid,
    /// The demo student, then others of the demo tutor.
    pub students: Vec<Uuid>,
}

/// Finds the centres, tutors and students of the first tenant.
pub async fn class_fixture(app: &Application) -> Result<ClassFixture> {
    let (centre, other_centre) = queries::demo_centres(app).await?;
    let tutor = queries::fetch_id(
        app,
        "select id from lms.tutors where user_id = $1",
        &[&app.user(0, role::TUTOR).id],
    )
    .await?;
    let other_tutor = queries::fetch_id(
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
    Ok(ClassFixture {
        centre,
        other_centre,
        tutor,
        other_tutor,
        students,
    })
}

impl ClassFixture {
    /// Returns the body of a class of the tutor with the first student on this schedule.
    pub fn class_body(&self, schedule: Value) -> Value {
        json!({
            "centre_id": self.centre,
            "tutor_id": self.tutor,
            "student_ids": [self.students[0]],
            "schedule": schedule,
        })
    }

    /// Returns the body of a class of the tutor with one lesson and no students.
    pub fn lesson_body(&self, start: &str, end: &str) -> Value {
        let mut class = self.class_body(single_schedule("UTC", start, end));
        class["student_ids"] = json!([]);
        class
    }
}

/// Returns a schedule of one lesson.
pub fn single_schedule(zone: &str, start: &str, end: &str) -> Value {
    json!({"start": start, "end": end, "time_zone": zone})
}

/// Returns a schedule of recurring lessons.
pub fn recurring_schedule(zone: &str, start: &str, end: &str, rule: &str) -> Value {
    json!({"start": start, "end": end, "time_zone": zone, "recurring": {"rule": rule}})
}

/// Creates a class.
pub async fn create_class(app: &Application, session: &Session, class: Value) -> Result<Value> {
    Ok(app
        .post(session, "/v1/classes", class)
        .await?
        .expect(201)
        .json())
}

/// Returns the path of a class.
pub fn class_path(class: &Value) -> String {
    format!("/v1/classes/{}", class["id"].as_str().unwrap_or_default())
}

/// Returns the path of the lesson of a class with this original start.
pub fn lesson_path(class: &Value, start: &str) -> String {
    format!("{}/occurrences/{start}", class_path(class))
}

/// Sends a POST request without a body.
pub async fn post_without_body(app: &Application, session: &Session, path: &str) -> Result<Reply> {
    app.call(Some(session), Method::POST, path, None).await
}

/// Reads a list and returns its `data`.
pub async fn get_data(app: &Application, session: &Session, path: &str) -> Result<Vec<Value>> {
    let body = app.get(session, path).await?.expect(200).json();
    body["data"]
        .as_array()
        .cloned()
        .context("the response has no data")
}

/// Reads the lessons of a class.
pub async fn get_lessons(
    app: &Application,
    session: &Session,
    class: &Value,
) -> Result<Vec<Value>> {
    get_data(app, session, &format!("{}/occurrences", class_path(class))).await
}

/// Returns one field of each row as text.
pub fn text_fields(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter()
        .map(|row| row[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Returns the start of each lesson, to the second.
pub fn start_times(rows: &[Value]) -> Vec<String> {
    text_fields(rows, "starts_at")
        .into_iter()
        .map(|time| time.replace(".000000Z", "Z"))
        .collect()
}

/// The start of the first lesson of [`weekly_schedule`].
pub const FIRST_MONDAY: &str = "2035-04-02T16:00:00Z";
/// The start of the second lesson.
pub const SECOND_MONDAY: &str = "2035-04-09T16:00:00Z";
/// The start of the third lesson.
pub const THIRD_MONDAY: &str = "2035-04-16T16:00:00Z";

/// Returns a schedule of one-hour lessons that begins on a Monday at 16:00 UTC.
pub fn weekly_schedule(rule: &str) -> Value {
    recurring_schedule("UTC", "2035-04-02T16:00:00", "2035-04-02T17:00:00", rule)
}
