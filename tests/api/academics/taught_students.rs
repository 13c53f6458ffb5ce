//! Tests the students that a tutor sees: assigned ones and those of the tutor's lessons.

use anyhow::Result;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{
        class_path, create_class, get_data, lesson_path, post_without_body, recurring_schedule,
        text_fields,
    },
    fixtures, queries, role, run,
};
use uuid::Uuid;

/// Returns the start of the first of eight weekly lessons, of which three have ended and none is
/// under way at any time of the day.
fn first_lesson() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(0) - TimeDelta::weeks(2) - TimeDelta::days(1)
}

fn format_utc(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn class(
    app: &Application,
    admin: &Session,
    centre: Uuid,
    tutor: Uuid,
    start: DateTime<Utc>,
    students: &[Uuid],
) -> Result<Value> {
    let local = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    let end = start + TimeDelta::minutes(45);
    let schedule = recurring_schedule("UTC", &local(start), &local(end), "FREQ=WEEKLY;COUNT=8");
    let body = json!({"centre_id": centre, "tutor_id": tutor, "student_ids": students, "schedule": schedule});
    create_class(app, admin, body).await
}

async fn record(
    app: &Application,
    session: &Session,
    class: &Value,
    start: &str,
    student: Uuid,
) -> Result<tests::Reply> {
    let body = json!({"students": [{"student_id": student, "status": "present"}]});
    let path = format!("{}/attendance", lesson_path(class, start));
    app.call(Some(session), Method::PUT, &path, Some(body))
        .await
}

/// Asserts that the rows derived from the lessons are correct.
async fn assert_taught_students_match(app: &Application) -> Result<()> {
    let derived = "select distinct a.tenant_id, o.tutor_id, a.student_id
        from lms.attendances as a
        join lms.occurrences as o on o.tenant_id = a.tenant_id and o.id = a.occurrence_id
        where a.deleted_at is null";
    let stored = "select tenant_id, tutor_id, student_id from lms_private.taught_students";
    for (left, right) in [(derived, stored), (stored, derived)] {
        let from = format!("({left} except {right}) as wrong");
        assert_eq!(queries::count(app, &from, &[]).await?, 0);
    }
    Ok(())
}

#[test]
fn a_tutor_sees_the_students_of_their_lessons_whoever_is_assigned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (maths, _) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let (english, caller) =
            fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let pupil = fixtures::create_student(app, &admin, own_centre).await?;
        let stranger = fixtures::create_student(app, &admin, own_centre).await?;
        app.post(
            &admin,
            &format!("/v1/students/{pupil}/assign-tutor"),
            json!({"tutor_id": maths}),
        )
        .await?
        .expect(200);
        let start = first_lesson();
        let later = start + TimeDelta::hours(2);
        let own = class(app, &admin, own_centre, english, start, &[pupil]).await?;
        let others = class(app, &admin, own_centre, maths, later, &[pupil, stranger]).await?;

        let found = app.get(&caller, &format!("/v1/students/{pupil}")).await?;
        assert_eq!(found.expect(200).json()["assigned_tutor_id"], json!(maths));
        let listed = get_data(app, &caller, "/v1/students?limit=200").await?;
        assert_eq!(text_fields(&listed, "id"), [pupil.to_string()]);
        // The name is visible, and nothing else of the account.
        let account = fixtures::user_of_student(app, pupil).await?;
        let person = app
            .get(&caller, &format!("/v1/users/{account}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            person,
            json!({"id": account, "name": "New student", "role": "student"})
        );
        let names = get_data(app, &caller, "/v1/users?limit=200").await?;
        assert_eq!(names.len(), 2, "{names:?}");
        record(app, &caller, &own, &format_utc(start), pupil)
            .await?
            .expect(200);
        let body = json!({"student_id": pupil, "type": "reading", "score": 7, "academic_age": 9});
        app.post(&caller, "/v1/assessments", body)
            .await?
            .expect(201);
        let body = json!({"student_id": pupil, "points": 2, "reason": "book"});
        app.post(&caller, "/v1/gamification", body)
            .await?
            .expect(201);
        app.patch(
            &caller,
            &format!("/v1/students/{pupil}"),
            json!({"academic_age": {"spelling": 8}}),
        )
        .await?
        .expect(200);

        // Students of other classes, the classes themselves and all finance records are hidden.
        let account = fixtures::user_of_student(app, stranger).await?;
        for path in [
            format!("/v1/students/{stranger}"),
            format!("/v1/users/{account}"),
            class_path(&others),
            format!("{}/attendance", lesson_path(&others, &format_utc(later))),
            format!("/v1/finance-records/statement?student_id={pupil}"),
        ] {
            app.get(&caller, &path).await?.expect(404);
        }
        let body = json!({"student_id": stranger, "type": "reading", "score": 7});
        app.post(&caller, "/v1/assessments", body)
            .await?
            .expect(422);
        assert_taught_students_match(app).await
    });
}

#[test]
fn past_lessons_stay_visible_to_their_tutor_when_the_class_changes_tutors() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (former, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let (next, successor) =
            fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let pupil = fixtures::create_student(app, &admin, own_centre).await?;
        let later = fixtures::create_student(app, &admin, own_centre).await?;
        let start = first_lesson();
        let class = class(app, &admin, own_centre, former, start, &[pupil]).await?;
        app.patch(&admin, &class_path(&class), json!({"tutor_id": next}))
            .await?
            .expect(200);
        app.patch(
            &admin,
            &class_path(&class),
            json!({"student_ids": [pupil, later]}),
        )
        .await?
        .expect(200);

        // Past lessons stay visible, and their attendance can be recorded.
        let lessons =
            get_data(app, &caller, &format!("{}/occurrences", class_path(&class))).await?;
        assert_eq!(lessons.len(), 3, "{lessons:?}");
        assert!(
            text_fields(&lessons, "tutor_id")
                .iter()
                .all(|id| *id == former.to_string())
        );
        let calendar = format!(
            "/v1/calendar?from={}&to={}",
            format_utc(start - TimeDelta::days(1)),
            format_utc(start + TimeDelta::weeks(6))
        );
        assert_eq!(
            get_data(app, &caller, &calendar).await?.len(),
            lessons.len()
        );
        record(app, &caller, &class, &format_utc(start), pupil)
            .await?
            .expect(200);
        app.get(&caller, &format!("/v1/students/{pupil}"))
            .await?
            .expect(200);
        let shown = app
            .get(&caller, &class_path(&class))
            .await?
            .expect(200)
            .json();
        assert_eq!(shown.get("student_ids"), None);

        // Later lessons and students are hidden, and the class belongs to the new tutor.
        let later_lesson = format_utc(start + TimeDelta::weeks(4));
        app.get(
            &caller,
            &format!("{}/attendance", lesson_path(&class, &later_lesson)),
        )
        .await?
        .expect(404);
        record(app, &caller, &class, &later_lesson, pupil)
            .await?
            .expect(404);
        app.get(&caller, &format!("/v1/students/{later}"))
            .await?
            .expect(404);
        app.patch(&caller, &class_path(&class), json!({"room": "Blue"}))
            .await?
            .expect(404);
        for action in ["cancel", "complete"] {
            post_without_body(app, &caller, &format!("{}/{action}", class_path(&class)))
                .await?
                .expect(404);
        }
        app.get(&successor, &format!("/v1/students/{later}"))
            .await?
            .expect(200);
        let all = get_data(
            app,
            &successor,
            &format!("{}/occurrences", class_path(&class)),
        )
        .await?;
        assert_eq!(all.len(), 8);
        assert_taught_students_match(app).await
    });
}

#[test]
fn a_student_who_is_added_during_a_lesson_takes_part_in_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (tutor, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let pupil = fixtures::create_student(app, &admin, own_centre).await?;
        let late = fixtures::create_student(app, &admin, own_centre).await?;
        let start = Utc::now().trunc_subsecs(0) - TimeDelta::weeks(1) - TimeDelta::minutes(5);
        let class = class(app, &admin, own_centre, tutor, start, &[pupil]).await?;
        let students = json!({"student_ids": [pupil, late]});
        app.patch(&admin, &class_path(&class), students)
            .await?
            .expect(200);

        let ended = format_utc(start);
        record(app, &caller, &class, &ended, late)
            .await?
            .expect(422);
        let under_way = format_utc(start + TimeDelta::weeks(1));
        record(app, &caller, &class, &under_way, late)
            .await?
            .expect(200);
        assert_taught_students_match(app).await
    });
}

#[test]
fn a_former_student_without_past_lessons_is_no_longer_visible_to_the_tutor() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (tutor, caller) = fixtures::create_tutor_with_session(app, &admin, own_centre).await?;
        let pupil = fixtures::create_student(app, &admin, own_centre).await?;
        let schedule = recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        let body = json!({"centre_id": own_centre, "tutor_id": tutor, "student_ids": [pupil], "schedule": schedule});
        let class = create_class(app, &admin, body).await?;
        let student = format!("/v1/students/{pupil}");
        let assert_visible = async |is_visible: bool| -> Result<()> {
            let expected = if is_visible { 200 } else { 404 };
            app.get(&caller, &student).await?.expect(expected);
            assert_taught_students_match(app).await
        };
        assert_visible(true).await?;
        app.patch(&admin, &class_path(&class), json!({"student_ids": []}))
            .await?
            .expect(200);
        assert_visible(false).await?;
        app.patch(&admin, &class_path(&class), json!({"student_ids": [pupil]}))
            .await?
            .expect(200);
        assert_visible(true).await?;
        app.delete(&admin, &class_path(&class)).await?.expect(204);
        assert_visible(false).await?;
        post_without_body(app, &admin, &format!("{}/restore", class_path(&class)))
            .await?
            .expect(200);
        assert_visible(true).await?;
        let other = fixtures::create_tutor(app, &admin, own_centre, 10).await?;
        app.patch(&admin, &class_path(&class), json!({"tutor_id": other}))
            .await?
            .expect(200);
        assert_visible(false).await?;
        // The class is hidden too, because the tutor has given no lesson of it.
        app.get(&caller, &class_path(&class)).await?.expect(404);
        Ok(())
    });
}
