//! Leaving: who was deactivated or deleted is gone everywhere, and what stood on them is refused, ended or goes along, and comes back.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session, analytics::refresh, classroom, desk, people, role, rows, run,
};
use uuid::Uuid;

use crate::academics::gamification::award;

/// The two ways to leave.
const WAYS: [&str; 2] = ["deactivate", "delete"];

/// A tutor, a student and the student's parent, all new, in the first centre.
struct Family {
    centre: Uuid,
    tutor: Uuid,
    tutor_user: Uuid,
    student: Uuid,
    student_user: Uuid,
    parent: Uuid,
}

async fn family(app: &Application, admin: &Session) -> Result<Family> {
    let (centre, _) = rows::centres(app).await?;
    let tutor = people::tutor(app, admin, centre, 5).await?;
    let student = people::student(app, admin, centre).await?;
    let parent = people::user(app, admin, "parent", centre).await?;
    let link = json!({"user_id": parent, "student_id": student, "relationship": "parent"});
    app.post(admin, "/v1/guardians", link).await?.expect(201);
    app.patch(
        admin,
        &format!("/v1/students/{student}"),
        json!({"parent_id": parent}),
    )
    .await?
    .expect(200);
    Ok(Family {
        centre,
        tutor,
        tutor_user: account(app, "tutors", tutor).await?,
        student,
        student_user: account(app, "students", student).await?,
        parent,
    })
}

/// The account of a tutor or a student.
async fn account(app: &Application, table: &str, id: Uuid) -> Result<Uuid> {
    let sql = format!("select user_id from lms.{table} where id = $1");
    rows::id(app, &sql, &[&id]).await
}

/// A class of the family's tutor, of eight lessons ahead.
fn class(family: &Family, students: &[Uuid]) -> Value {
    json!({
        "centre_id": family.centre,
        "tutor_id": family.tutor,
        "student_ids": students,
        "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=8"),
    })
}

pub(crate) async fn leave(
    app: &Application,
    session: &Session,
    user: Uuid,
    way: &str,
) -> Result<Reply> {
    let path = format!("/v1/users/{user}");
    match way {
        "delete" => app.delete(session, &path).await,
        _ => classroom::act(app, session, &format!("{path}/deactivate")).await,
    }
}

pub(crate) async fn come_back(
    app: &Application,
    session: &Session,
    user: Uuid,
    way: &str,
) -> Result<Reply> {
    let verb = if way == "delete" {
        "restore"
    } else {
        "activate"
    };
    classroom::act(app, session, &format!("/v1/users/{user}/{verb}")).await
}

/// Lessons ahead that a student is booked for.
async fn booked(app: &Application, student: Uuid) -> Result<i64> {
    let from = "lms.attendances where student_id = $1 and starts_at > now() and is_booked and deleted_at is null";
    rows::count(app, from, &[&student]).await
}

#[test]
fn every_reference_to_people_and_centres_has_a_decision() {
    run(async |app| {
        let undecided = rows::texts(
            app,
            "select format('%s.%s', c.relname, a.attname)
            from pg_constraint as f
            join pg_class as c on c.oid = f.conrelid
            join pg_class as p on p.oid = f.confrelid
            join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = any (f.conkey) and a.attname <> 'tenant_id'
            where f.contype = 'f'
              and f.confdeltype <> 'c'
              and p.relnamespace = 'lms'::regnamespace
              and p.relname in ('users', 'students', 'tutors', 'staff', 'centres')
              and not exists (
                select from lms_private.dependency_rules as d
                where d.child = c.relname and d.child_column = a.attname and d.parent = p.relname
              )
            union all
            select format('%s.%s is not there', d.child, d.child_column)
            from lms_private.dependency_rules as d
            where to_regclass('lms.' || d.child) is not null
              and not exists (
                select from information_schema.columns as c
                where c.table_schema = 'lms' and c.table_name = d.child and c.column_name = d.child_column
              )",
            &[],
        )
        .await?;
        assert_eq!(undecided, [""; 0], "see docs/reference/leaving.md");
        Ok(())
    });
}

#[test]
fn a_tutor_who_has_lessons_ahead_stays_until_they_are_given_to_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom::classroom(app).await?;
        for way in WAYS {
            let f = family(app, &admin).await?;
            let path = format!("/v1/students/{}/assign-tutor", f.student);
            app.post(&admin, &path, json!({"tutor_id": f.tutor}))
                .await?
                .expect(200);
            let class = classroom::make(app, &admin, class(&f, &[])).await?;
            let before = rows::written(app).await?;
            let refused = leave(app, &admin, f.tutor_user, way).await?.expect(409);
            for part in [
                "upcoming lessons: 8",
                class["id"].as_str().unwrap_or_default(),
                "students assigned to them: 1",
            ] {
                assert!(refused.text.contains(part), "{}", refused.text);
            }
            app.delete(&admin, &format!("/v1/tutors/{}", f.tutor))
                .await?
                .expect(409);
            assert_eq!(rows::written(app).await?, before);

            app.patch(
                &admin,
                &classroom::path(&class),
                json!({"tutor_id": room.colleague}),
            )
            .await?
            .expect(200);
            let refused = leave(app, &admin, f.tutor_user, way).await?.expect(409);
            assert!(!refused.text.contains("lessons"), "{}", refused.text);
            app.post(&admin, &path, json!({"tutor_id": null}))
                .await?
                .expect(200);
            let done = leave(app, &admin, f.tutor_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            classroom::act(app, &admin, &format!("{}/cancel", classroom::path(&class)))
                .await?
                .expect(200);
        }
        // A class without an end gets lessons ahead by itself.
        let f = family(app, &admin).await?;
        let mut endless = class(&f, &[]);
        endless["schedule"] = classroom::series(
            "UTC",
            "2026-01-05T05:00:00",
            "2026-01-05T06:00:00",
            "FREQ=YEARLY",
        );
        classroom::make(app, &admin, endless).await?;
        leave(app, &admin, f.tutor_user, "delete")
            .await?
            .expect(409);
        Ok(())
    });
}

#[test]
fn a_student_who_leaves_is_out_of_all_lessons_ahead_and_back_in_them_afterwards() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for way in WAYS {
            let f = family(app, &admin).await?;
            let other = people::student(app, &admin, f.centre).await?;
            let made = classroom::make(app, &admin, class(&f, &[f.student, other])).await?;
            assert_eq!(booked(app, f.student).await?, 8);
            let done = leave(app, &admin, f.student_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            assert_eq!(
                (booked(app, f.student).await?, booked(app, other).await?),
                (0, 8)
            );
            let class = app.get(&admin, &classroom::path(&made)).await?.expect(200);
            assert_eq!(class.json()["student_ids"], json!([other]));

            // Deactivated and then deleted is restored deactivated: still in no lesson.
            if way == "deactivate" {
                leave(app, &admin, f.student_user, "delete")
                    .await?
                    .expect(204);
                come_back(app, &admin, f.student_user, "delete")
                    .await?
                    .expect(200);
                assert_eq!(booked(app, f.student).await?, 0);
            }
            come_back(app, &admin, f.student_user, way)
                .await?
                .expect(200);
            assert_eq!(booked(app, f.student).await?, 8);
            let class = app.get(&admin, &classroom::path(&made)).await?.expect(200);
            assert_eq!(class.json()["student_ids"], json!([other, f.student]));
            classroom::act(app, &admin, &format!("{}/cancel", classroom::path(&made)))
                .await?
                .expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_class_that_is_restored_brings_no_student_back_who_has_left_meanwhile() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = family(app, &admin).await?;
        let other = people::student(app, &admin, f.centre).await?;
        let made = classroom::make(app, &admin, class(&f, &[f.student, other])).await?;
        let path = classroom::path(&made);
        app.delete(&admin, &path).await?.expect(204);
        leave(app, &admin, f.student_user, "deactivate")
            .await?
            .expect(200);
        let back = classroom::act(app, &admin, &format!("{path}/restore")).await?;
        assert_eq!(back.expect(200).json()["student_ids"], json!([other]));
        assert_eq!(booked(app, f.student).await?, 0);
        assert_eq!(booked(app, other).await?, 8);
        Ok(())
    });
}

#[test]
fn who_has_left_is_not_offered_booked_given_anybody_or_lent_anything() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let item = {
            let (home, _) = rows::centres(app).await?;
            desk::item(app, &admin, home, 9).await?
        };
        for way in WAYS {
            let f = family(app, &admin).await?;
            let subject = format!("Oboe {way}");
            let always =
                json!({"weekly": [{"weekday": "monday", "start": "00:00", "end": "24:00"}]});
            let body = json!({"subjects": [{"subject": subject}], "availability": always});
            app.patch(&admin, &format!("/v1/tutors/{}", f.tutor), body)
                .await?
                .expect(200);
            let search = format!("/v1/tutors/search?subject={}", subject.replace(' ', "%20"));
            let time = "from=2035-04-02T00:00:00Z&to=2035-04-03T12:00:00Z";
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(classroom::data(app, &admin, &query).await?.len(), 1);
            }
            for user in [f.tutor_user, f.student_user, f.parent] {
                let done = leave(app, &admin, user, way).await?;
                assert!([200, 204].contains(&done.status), "{}", done.text);
            }
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(
                    classroom::data(app, &admin, &query).await?,
                    Vec::<Value>::new()
                );
            }
            if way == "deactivate" {
                let slots = format!("/v1/tutors/{}/free-slots?{time}", f.tutor);
                assert_eq!(
                    classroom::data(app, &admin, &slots).await?,
                    Vec::<Value>::new()
                );
            }
            let before = rows::written(app).await?;
            let refused = app.post(&admin, "/v1/classes", class(&f, &[])).await?;
            assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
            let mut with_student = class(&f, &[f.student]);
            with_student["tutor_id"] = json!(classroom::classroom(app).await?.colleague);
            let refused = app.post(&admin, "/v1/classes", with_student).await?;
            assert!(refused.expect(422).pointers()[0].starts_with("/student_ids"));
            let stays = people::own_student(app).await?;
            let path = format!("/v1/students/{stays}/assign-tutor");
            let refused = app
                .post(&admin, &path, json!({"tutor_id": f.tutor}))
                .await?;
            assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
            let patch = json!({"assigned_tutor_id": f.tutor});
            let refused = app
                .patch(&admin, &format!("/v1/students/{stays}"), patch)
                .await?;
            assert_eq!(refused.expect(422).pointers(), ["/assigned_tutor_id"]);
            for user in [f.parent, f.tutor_user] {
                let refused = desk::lend(app, &admin, &item, user, 1).await?.expect(422);
                assert_eq!(refused.pointers(), ["/user_id"]);
            }
            assert_eq!(rows::written(app).await?, before);

            // A lesson that was given before is still written down.
            let mut past = class(&f, &[]);
            past["schedule"] =
                classroom::single("UTC", "2026-01-05T05:00:00", "2026-01-05T06:00:00");
            let status = app.post(&admin, "/v1/classes", past).await?.status;
            assert_eq!(status, if way == "delete" { 422 } else { 201 });
        }
        Ok(())
    });
}

#[test]
fn what_was_lent_is_given_back_before_somebody_leaves() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for way in WAYS {
            let f = family(app, &admin).await?;
            let item = desk::item(app, &admin, f.centre, 2).await?;
            let loan = desk::lend(app, &admin, &item, f.student_user, 1).await?;
            let loan = loan.expect(201).json();
            let refused = leave(app, &admin, f.student_user, way).await?.expect(409);
            for part in [
                "loans that have not been returned: 1",
                item["id"].as_str().unwrap_or_default(),
            ] {
                assert!(refused.text.contains(part), "{}", refused.text);
            }
            desk::give_back(app, &admin, &loan).await?.expect(200);
            let done = leave(app, &admin, f.student_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
        }
        Ok(())
    });
}

#[test]
fn requests_of_a_member_of_the_staff_who_leaves_are_nobodys_again() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        for way in WAYS {
            let staff = desk::staff(app, &admin, "assessor", home).await?;
            let user = account(app, "staff", staff).await?;
            let request = desk::make(app, &admin, desk::request(home)).await?;
            let path = format!("{}/assign", desk::path(&request));
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(200);
            let done = leave(app, &admin, user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            let read = app.get(&admin, &desk::path(&request)).await?.expect(200);
            assert_eq!(read.json()["assigned_to"], Value::Null);
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(422);
        }
        Ok(())
    });
}

#[test]
fn an_account_takes_its_rows_and_its_children_along_and_brings_them_back() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = family(app, &admin).await?;
        let guardians = format!("/v1/guardians?student_id={}", f.student);
        leave(app, &admin, f.parent, "delete").await?.expect(204);
        let child = app
            .get(&admin, &format!("/v1/students/{}", f.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], Value::Null);
        assert_eq!(classroom::data(app, &admin, &guardians).await?.len(), 0);
        come_back(app, &admin, f.parent, "delete")
            .await?
            .expect(200);
        let child = app
            .get(&admin, &format!("/v1/students/{}", f.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], json!(f.parent));
        assert_eq!(classroom::data(app, &admin, &guardians).await?.len(), 1);

        for (table, row, user) in [
            ("students", f.student, f.student_user),
            ("tutors", f.tutor, f.tutor_user),
        ] {
            let path = format!("/v1/{table}/{row}");
            leave(app, &admin, user, "delete").await?.expect(204);
            app.get(&admin, &path).await?.expect(404);
            // Not without the account.
            let refused = classroom::act(app, &admin, &format!("{path}/restore")).await?;
            assert_eq!(refused.expect(409).pointers(), ["/user_id"]);
            come_back(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(200);
            // One that was deleted for itself stays so.
            app.delete(&admin, &path).await?.expect(204);
            leave(app, &admin, user, "delete").await?.expect(204);
            come_back(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(404);
            classroom::act(app, &admin, &format!("{path}/restore"))
                .await?
                .expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_centre_goes_when_nothing_stands_in_it_and_nothing_comes_back_to_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let made = app.post(&admin, "/v1/centres", body).await?.expect(201);
        let centre = people::id(&made.json())?;
        let path = format!("/v1/centres/{centre}");
        let tutor = people::tutor(app, &admin, centre, 5).await?;
        let user = account(app, "tutors", tutor).await?;
        let class = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=2"),
        });
        let class = classroom::make(app, &admin, class).await?;
        let item = desk::item(app, &admin, centre, 1).await?;
        let request = desk::make(app, &admin, desk::request(centre)).await?;
        let refused = app.delete(&admin, &path).await?.expect(409);
        for part in [
            "upcoming lessons: 2",
            "tutors: 1",
            "accounts: 1",
            "inventory items: 1",
            "open requests: 1",
        ] {
            assert!(refused.text.contains(part), "{part}: {}", refused.text);
        }
        // It is closed with people in it, but not with lessons ahead.
        let closed = json!({"status": "inactive"});
        app.patch(&admin, &path, closed.clone()).await?.expect(409);
        app.delete(&admin, &classroom::path(&class))
            .await?
            .expect(204);
        app.patch(&admin, &path, closed).await?.expect(200);
        let later = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=2"),
        });
        let refused = app.post(&admin, "/v1/classes", later).await?;
        assert_eq!(refused.expect(422).pointers(), ["/centre_id"]);
        let refused =
            classroom::act(app, &admin, &format!("{}/restore", classroom::path(&class))).await?;
        assert_eq!(refused.expect(422).pointers(), ["/centre_id"]);

        app.delete(&admin, &desk::item_path(&item))
            .await?
            .expect(204);
        app.delete(&admin, &desk::path(&request)).await?.expect(204);
        leave(app, &admin, user, "delete").await?.expect(204);
        app.delete(&admin, &path).await?.expect(204);
        let refused =
            classroom::act(app, &admin, &format!("{}/restore", desk::item_path(&item))).await?;
        assert_eq!(refused.expect(409).pointers(), ["/centre_id"]);
        // The tutor is a centre's; the account alone would not be.
        come_back(app, &admin, user, "delete").await?.expect(409);
        classroom::act(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        come_back(app, &admin, user, "delete").await?.expect(200);
        Ok(())
    });
}

#[test]
fn lists_of_today_are_without_who_has_left() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = family(app, &admin).await?;
        award(app, &admin, f.student, json!({"points": 1000}))
            .await?
            .expect(201);
        refresh(app).await?;
        let board = format!("/v1/gamification/leaderboard?centre_id={}", f.centre);
        let progress = "/v1/analytics/student-progress?limit=200";
        let load = "/v1/analytics/tutor-load?limit=200";
        let lists = [
            (board.as_str(), "student_id", f.student),
            (progress, "student_id", f.student),
            (load, "tutor_id", f.tutor),
        ];
        for way in WAYS {
            for is_there in [true, false] {
                if !is_there {
                    for user in [f.student_user, f.tutor_user] {
                        let done = leave(app, &admin, user, way).await?;
                        assert!([200, 204].contains(&done.status), "{}", done.text);
                    }
                }
                for (path, member, id) in lists {
                    let listed = classroom::data(app, &admin, path).await?;
                    let found = listed.iter().any(|line| line[member] == json!(id));
                    assert_eq!(found, is_there, "{way} {path}");
                }
            }
            for user in [f.student_user, f.tutor_user] {
                come_back(app, &admin, user, way).await?.expect(200);
            }
        }
        // Asked for by id, the figures of who was deactivated are there.
        leave(app, &admin, f.student_user, "deactivate")
            .await?
            .expect(200);
        let one = format!("/v1/analytics/student-progress?student_id={}", f.student);
        assert_eq!(classroom::data(app, &admin, &one).await?.len(), 1);
        Ok(())
    });
}

#[test]
fn of_leaving_and_being_booked_at_once_one_is_refused() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for _ in 0..8 {
            let f = family(app, &admin).await?;
            let book = app.call(
                Some(&admin),
                Method::POST,
                "/v1/classes",
                Some(class(&f, &[])),
            );
            let (booked, left) = tokio::join!(book, leave(app, &admin, f.tutor_user, "deactivate"));
            let (booked, left) = (booked?.status, left?.status);
            assert!(
                matches!((booked, left), (201, 409) | (422, 200)),
                "{booked} {left}"
            );
            let path = format!("/v1/students/{}/assign-tutor", f.student);
            let other = people::tutor(app, &admin, f.centre, 2).await?;
            let user = account(app, "tutors", other).await?;
            let (given, left) = tokio::join!(
                app.post(&admin, &path, json!({"tutor_id": other})),
                leave(app, &admin, user, "delete")
            );
            let (given, left) = (given?.status, left?.status);
            assert!(
                matches!((given, left), (200, 409) | (422, 204)),
                "{given} {left}"
            );
        }
        Ok(())
    });
}

#[test]
fn an_erasure_waits_for_lessons_of_others_and_for_nothing_else() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = family(app, &admin).await?;
        let item = desk::item(app, &admin, f.centre, 2).await?;
        desk::lend(app, &admin, &item, f.student_user, 1)
            .await?
            .expect(201);
        classroom::make(app, &admin, class(&f, &[f.student])).await?;
        tests::subjects::erase(app, &admin, f.student_user)
            .await?
            .expect(200);
        assert_eq!(booked(app, f.student).await?, 0);
        let refused = tests::subjects::erase(app, &admin, f.tutor_user).await?;
        let refused = refused.expect(409);
        assert!(
            refused.text.contains("upcoming lessons: 8"),
            "{}",
            refused.text
        );
        Ok(())
    });
}
