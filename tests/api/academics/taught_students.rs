//! The pupils of a tutor: those who are assigned, and those of the lessons that the tutor gives or gave.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    classroom::{act, data, lesson, make, path, series, texts},
    people, role, rows, run,
};
use uuid::Uuid;

/// The first of eight weekly lessons, of which two or three have been given.
fn first() -> DateTime<Utc> {
    let day = Utc::now() - TimeDelta::weeks(2);
    day.date_naive()
        .and_hms_opt(9, 0, 0)
        .map_or(day, |time| time.and_utc())
}

fn at(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn class(
    app: &Application,
    admin: &Session,
    centre: Uuid,
    tutor: Uuid,
    hour: i64,
    students: &[Uuid],
) -> Result<Value> {
    let start = first() + TimeDelta::hours(hour);
    let local = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    let end = start + TimeDelta::minutes(45);
    let schedule = series("UTC", &local(start), &local(end), "FREQ=WEEKLY;COUNT=8");
    let body = json!({"centre_id": centre, "tutor_id": tutor, "student_ids": students, "schedule": schedule});
    make(app, admin, body).await
}

async fn record(
    app: &Application,
    session: &Session,
    class: &Value,
    start: &str,
    student: Uuid,
) -> Result<tests::Reply> {
    let body = json!({"students": [{"student_id": student, "status": "present"}]});
    let path = format!("{}/attendance", lesson(class, start));
    app.call(Some(session), Method::PUT, &path, Some(body))
        .await
}

/// Checks that the rows kept beside the lessons are those that follow from them.
async fn is_exact(app: &Application) -> Result<()> {
    let derived = "select distinct a.tenant_id, o.tutor_id, a.student_id
        from lms.attendances as a
        join lms.occurrences as o on o.tenant_id = a.tenant_id and o.id = a.occurrence_id
        where a.deleted_at is null";
    let kept = "select tenant_id, tutor_id, student_id from lms_private.taught_students";
    for (left, right) in [(derived, kept), (kept, derived)] {
        let from = format!("({left} except {right}) as wrong");
        assert_eq!(rows::count(app, &from, &[]).await?, 0);
    }
    Ok(())
}

#[test]
fn a_tutor_sees_the_pupils_of_the_own_lessons_whoever_is_assigned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let (maths, _) = people::teacher(app, &admin, home).await?;
        let (english, caller) = people::teacher(app, &admin, home).await?;
        let pupil = people::student(app, &admin, home).await?;
        let stranger = people::student(app, &admin, home).await?;
        app.post(
            &admin,
            &format!("/v1/students/{pupil}/assign-tutor"),
            json!({"tutor_id": maths}),
        )
        .await?
        .expect(200);
        let own = class(app, &admin, home, english, 0, &[pupil]).await?;
        let others = class(app, &admin, home, maths, 2, &[pupil, stranger]).await?;

        let found = app.get(&caller, &format!("/v1/students/{pupil}")).await?;
        assert_eq!(found.expect(200).json()["assigned_tutor_id"], json!(maths));
        let listed = data(app, &caller, "/v1/students?limit=200").await?;
        assert_eq!(texts(&listed, "id"), [pupil.to_string()]);
        // The name, and nothing else of the account.
        let account = people::account_of(app, pupil).await?;
        let person = app
            .get(&caller, &format!("/v1/users/{account}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            person,
            json!({"id": account, "name": "New student", "role": "student"})
        );
        let names = data(app, &caller, "/v1/users?limit=200").await?;
        assert_eq!(names.len(), 2, "{names:?}");
        record(app, &caller, &own, &at(first()), pupil)
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

        // Nothing of the pupils of other classes, nor of the classes themselves, nor of anybody's money.
        let account = people::account_of(app, stranger).await?;
        for path in [
            format!("/v1/students/{stranger}"),
            format!("/v1/users/{account}"),
            path(&others),
            format!(
                "{}/attendance",
                lesson(&others, &at(first() + TimeDelta::hours(2)))
            ),
            format!("/v1/finance-records/statement?student_id={pupil}"),
        ] {
            app.get(&caller, &path).await?.expect(404);
        }
        let body = json!({"student_id": stranger, "type": "reading", "score": 7});
        app.post(&caller, "/v1/assessments", body)
            .await?
            .expect(422);
        is_exact(app).await
    });
}

#[test]
fn lessons_that_were_given_stay_the_tutors_when_the_class_is_anothers() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let (former, caller) = people::teacher(app, &admin, home).await?;
        let (next, successor) = people::teacher(app, &admin, home).await?;
        let pupil = people::student(app, &admin, home).await?;
        let later = people::student(app, &admin, home).await?;
        let class = class(app, &admin, home, former, 0, &[pupil]).await?;
        app.patch(&admin, &path(&class), json!({"tutor_id": next}))
            .await?
            .expect(200);
        app.patch(
            &admin,
            &path(&class),
            json!({"student_ids": [pupil, later]}),
        )
        .await?
        .expect(200);

        // The past ones, to read and to write down who came.
        let lessons = data(app, &caller, &format!("{}/occurrences", path(&class))).await?;
        assert!((2..=3).contains(&lessons.len()), "{lessons:?}");
        assert!(
            texts(&lessons, "tutor_id")
                .iter()
                .all(|id| *id == former.to_string())
        );
        let calendar = format!(
            "/v1/calendar?from={}&to={}",
            at(first() - TimeDelta::days(1)),
            at(first() + TimeDelta::weeks(6))
        );
        assert_eq!(data(app, &caller, &calendar).await?.len(), lessons.len());
        record(app, &caller, &class, &at(first()), pupil)
            .await?
            .expect(200);
        app.get(&caller, &format!("/v1/students/{pupil}"))
            .await?
            .expect(200);
        let shown = app.get(&caller, &path(&class)).await?.expect(200).json();
        assert_eq!(shown.get("student_ids"), None);

        // Nothing of those to come, nor of who came later, and the class itself is the successor's.
        let ahead = at(first() + TimeDelta::weeks(4));
        app.get(&caller, &format!("{}/attendance", lesson(&class, &ahead)))
            .await?
            .expect(404);
        record(app, &caller, &class, &ahead, pupil)
            .await?
            .expect(404);
        app.get(&caller, &format!("/v1/students/{later}"))
            .await?
            .expect(404);
        app.patch(&caller, &path(&class), json!({"room": "Blue"}))
            .await?
            .expect(404);
        for action in ["cancel", "complete"] {
            act(app, &caller, &format!("{}/{action}", path(&class)))
                .await?
                .expect(404);
        }
        app.get(&successor, &format!("/v1/students/{later}"))
            .await?
            .expect(200);
        let all = data(app, &successor, &format!("{}/occurrences", path(&class))).await?;
        assert_eq!(all.len(), 8);
        is_exact(app).await
    });
}

#[test]
fn a_pupil_who_never_had_a_lesson_of_the_tutor_is_not_one_any_more() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let (tutor, caller) = people::teacher(app, &admin, home).await?;
        let pupil = people::student(app, &admin, home).await?;
        let schedule = series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        );
        let body = json!({"centre_id": home, "tutor_id": tutor, "student_ids": [pupil], "schedule": schedule});
        let class = make(app, &admin, body).await?;
        let student = format!("/v1/students/{pupil}");
        let seen = async |is_seen: bool| -> Result<()> {
            let expected = if is_seen { 200 } else { 404 };
            app.get(&caller, &student).await?.expect(expected);
            is_exact(app).await
        };
        seen(true).await?;
        app.patch(&admin, &path(&class), json!({"student_ids": []}))
            .await?
            .expect(200);
        seen(false).await?;
        app.patch(&admin, &path(&class), json!({"student_ids": [pupil]}))
            .await?
            .expect(200);
        seen(true).await?;
        app.delete(&admin, &path(&class)).await?.expect(204);
        seen(false).await?;
        act(app, &admin, &format!("{}/restore", path(&class)))
            .await?
            .expect(200);
        seen(true).await?;
        let other = people::tutor(app, &admin, home, 10).await?;
        app.patch(&admin, &path(&class), json!({"tutor_id": other}))
            .await?
            .expect(200);
        seen(false).await?;
        // Nor is the class, of which no lesson was given.
        app.get(&caller, &path(&class)).await?.expect(404);
        Ok(())
    });
}
