//! Leaving: who was deactivated or deleted is gone everywhere, and what stood on them is refused, ended or goes along, and comes back.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Role, Session, analytics::refresh, class_fixture, fixtures, help_desk,
    queries, run,
};
use uuid::Uuid;

use crate::academics::gamification::award;

/// The two ways to leave: deactivation and deletion.
const WAYS: [&str; 2] = ["deactivate", "delete"];

/// A new tutor, a new student and the student's parent in the first centre.
struct Family {
    centre: Uuid,
    tutor: Uuid,
    tutor_user: Uuid,
    student: Uuid,
    student_user: Uuid,
    parent: Uuid,
}

async fn family(app: &Application, admin: &Session) -> Result<Family> {
    let (centre, _) = queries::demo_centres(app).await?;
    let tutor = fixtures::create_tutor(app, admin, centre, 5).await?;
    let student = fixtures::create_student(app, admin, centre).await?;
    let parent = fixtures::create_user(app, admin, "parent", centre).await?;
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

/// Returns the user of a tutor or a student.
async fn account(app: &Application, table: &str, id: Uuid) -> Result<Uuid> {
    let sql = format!("select user_id from lms.{table} where id = $1");
    queries::fetch_id(app, &sql, &[&id]).await
}

/// Returns the body of a class of the family's tutor with eight future lessons.
fn class(family: &Family, students: &[Uuid]) -> Value {
    json!({
        "centre_id": family.centre,
        "tutor_id": family.tutor,
        "student_ids": students,
        "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=8"),
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
        _ => class_fixture::post_without_body(app, session, &format!("{path}/deactivate")).await,
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
    class_fixture::post_without_body(app, session, &format!("/v1/users/{user}/{verb}")).await
}

/// Counts the future lessons that a student is booked for.
async fn booked(app: &Application, student: Uuid) -> Result<i64> {
    let from = "lms.attendances where student_id = $1 and starts_at > now() and is_booked and deleted_at is null";
    queries::count(app, from, &[&student]).await
}

#[test]
fn every_reference_to_people_and_centres_has_a_declared_rule() {
    run(async |app| {
        let undecided = queries::fetch_texts(
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
                select from lms_private.dependants as d
                where d.child = c.relname and d.child_column = a.attname and d.parent = p.relname
              )
            union all
            select format('%s.%s is not there', d.child, d.child_column)
            from lms_private.dependants as d
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
fn a_tutor_with_future_lessons_cannot_be_deactivated() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let room = class_fixture::class_fixture(app).await?;
        for way in WAYS {
            let family = family(app, &admin).await?;
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            app.post(&admin, &path, json!({"tutor_id": family.tutor}))
                .await?
                .expect(200);
            let class = class_fixture::create_class(app, &admin, class(&family, &[])).await?;
            let before = queries::write_marks(app).await?;
            let refused = leave(app, &admin, family.tutor_user, way)
                .await?
                .expect(409);
            for part in [
                "lessons ahead: 8",
                class["id"].as_str().unwrap_or_default(),
                "students assigned to them: 1",
            ] {
                assert!(refused.text.contains(part), "{}", refused.text);
            }
            app.delete(&admin, &format!("/v1/tutors/{}", family.tutor))
                .await?
                .expect(409);
            assert_eq!(queries::write_marks(app).await?, before);

            app.patch(
                &admin,
                &class_fixture::class_path(&class),
                json!({"tutor_id": room.other_tutor}),
            )
            .await?
            .expect(200);
            let refused = leave(app, &admin, family.tutor_user, way)
                .await?
                .expect(409);
            assert!(!refused.text.contains("lessons"), "{}", refused.text);
            app.post(&admin, &path, json!({"tutor_id": null}))
                .await?
                .expect(200);
            let done = leave(app, &admin, family.tutor_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&class)),
            )
            .await?
            .expect(200);
        }
        // A class without an end gets future lessons from the worker.
        let family = family(app, &admin).await?;
        let mut endless = class(&family, &[]);
        endless["schedule"] = class_fixture::recurring_schedule(
            "UTC",
            "2026-01-05T05:00:00",
            "2026-01-05T06:00:00",
            "FREQ=YEARLY",
        );
        class_fixture::create_class(app, &admin, endless).await?;
        leave(app, &admin, family.tutor_user, "delete")
            .await?
            .expect(409);
        Ok(())
    });
}

#[test]
fn a_deactivated_student_leaves_future_lessons_and_rejoins_them_when_reactivated() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for way in WAYS {
            let family = family(app, &admin).await?;
            let other = fixtures::create_student(app, &admin, family.centre).await?;
            let made =
                class_fixture::create_class(app, &admin, class(&family, &[family.student, other]))
                    .await?;
            assert_eq!(booked(app, family.student).await?, 8);
            let done = leave(app, &admin, family.student_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            assert_eq!(
                (
                    booked(app, family.student).await?,
                    booked(app, other).await?
                ),
                (0, 8)
            );
            let class = app
                .get(&admin, &class_fixture::class_path(&made))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other]));

            // A user who was inactive before the deletion is restored as inactive, without lessons.
            if way == "deactivate" {
                leave(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(204);
                come_back(app, &admin, family.student_user, "delete")
                    .await?
                    .expect(200);
                assert_eq!(booked(app, family.student).await?, 0);
            }
            come_back(app, &admin, family.student_user, way)
                .await?
                .expect(200);
            assert_eq!(booked(app, family.student).await?, 8);
            let class = app
                .get(&admin, &class_fixture::class_path(&made))
                .await?
                .expect(200);
            assert_eq!(class.json()["student_ids"], json!([other, family.student]));
            class_fixture::post_without_body(
                app,
                &admin,
                &format!("{}/cancel", class_fixture::class_path(&made)),
            )
            .await?
            .expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_restored_class_does_not_bring_back_students_who_have_left() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let family = family(app, &admin).await?;
        let other = fixtures::create_student(app, &admin, family.centre).await?;
        let made =
            class_fixture::create_class(app, &admin, class(&family, &[family.student, other]))
                .await?;
        let path = class_fixture::class_path(&made);
        app.delete(&admin, &path).await?.expect(204);
        leave(app, &admin, family.student_user, "deactivate")
            .await?
            .expect(200);
        let back =
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
        assert_eq!(back.expect(200).json()["student_ids"], json!([other]));
        assert_eq!(booked(app, family.student).await?, 0);
        assert_eq!(booked(app, other).await?, 8);
        Ok(())
    });
}

#[test]
fn inactive_people_are_not_found_booked_assigned_or_lent_anything() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let item = {
            let (home, _) = queries::demo_centres(app).await?;
            help_desk::create_item(app, &admin, home, 9).await?
        };
        for way in WAYS {
            let family = family(app, &admin).await?;
            let subject = format!("Oboe {way}");
            let always =
                json!({"weekly": [{"weekday": "monday", "start": "00:00", "end": "24:00"}]});
            let body = json!({"subjects": [{"subject": subject}], "availability": always});
            app.patch(&admin, &format!("/v1/tutors/{}", family.tutor), body)
                .await?
                .expect(200);
            let search = format!("/v1/tutors/search?subject={}", subject.replace(' ', "%20"));
            let time = "from=2035-04-02T00:00:00Z&to=2035-04-03T12:00:00Z";
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(class_fixture::get_data(app, &admin, &query).await?.len(), 1);
            }
            for user in [family.tutor_user, family.student_user, family.parent] {
                let done = leave(app, &admin, user, way).await?;
                assert!([200, 204].contains(&done.status), "{}", done.text);
            }
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(
                    class_fixture::get_data(app, &admin, &query).await?,
                    Vec::<Value>::new()
                );
            }
            if way == "deactivate" {
                let slots = format!("/v1/tutors/{}/free-slots?{time}", family.tutor);
                assert_eq!(
                    class_fixture::get_data(app, &admin, &slots).await?,
                    Vec::<Value>::new()
                );
            }
            let before = queries::write_marks(app).await?;
            let refused = app.post(&admin, "/v1/classes", class(&family, &[])).await?;
            assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
            let mut with_student = class(&family, &[family.student]);
            with_student["tutor_id"] = json!(class_fixture::class_fixture(app).await?.other_tutor);
            let refused = app.post(&admin, "/v1/classes", with_student).await?;
            assert!(refused.expect(422).pointers()[0].starts_with("/student_ids"));
            let stays = fixtures::demo_student(app).await?;
            let path = format!("/v1/students/{stays}/assign-tutor");
            let refused = app
                .post(&admin, &path, json!({"tutor_id": family.tutor}))
                .await?;
            assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
            let patch = json!({"assigned_tutor_id": family.tutor});
            let refused = app
                .patch(&admin, &format!("/v1/students/{stays}"), patch)
                .await?;
            assert_eq!(refused.expect(422).pointers(), ["/assigned_tutor_id"]);
            for user in [family.parent, family.tutor_user] {
                let refused = help_desk::lend_item(app, &admin, &item, user, 1)
                    .await?
                    .expect(422);
                assert_eq!(refused.pointers(), ["/user_id"]);
            }
            assert_eq!(queries::write_marks(app).await?, before);

            // Attendance of a past lesson can still be recorded.
            let mut past = class(&family, &[]);
            past["schedule"] =
                class_fixture::single_schedule("UTC", "2026-01-05T05:00:00", "2026-01-05T06:00:00");
            let status = app.post(&admin, "/v1/classes", past).await?.status;
            assert_eq!(status, if way == "delete" { 422 } else { 201 });
        }
        Ok(())
    });
}

#[test]
fn loans_must_be_returned_before_the_borrower_is_deactivated() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for way in WAYS {
            let family = family(app, &admin).await?;
            let item = help_desk::create_item(app, &admin, family.centre, 2).await?;
            let loan = help_desk::lend_item(app, &admin, &item, family.student_user, 1).await?;
            let loan = loan.expect(201).json();
            let refused = leave(app, &admin, family.student_user, way)
                .await?
                .expect(409);
            for part in [
                "loans that have not come back: 1",
                item["id"].as_str().unwrap_or_default(),
            ] {
                assert!(refused.text.contains(part), "{}", refused.text);
            }
            help_desk::return_loan(app, &admin, &loan)
                .await?
                .expect(200);
            let done = leave(app, &admin, family.student_user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
        }
        Ok(())
    });
}

#[test]
fn requests_of_deactivated_staff_are_unassigned() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = queries::demo_centres(app).await?;
        for way in WAYS {
            let staff = help_desk::create_staff_member(app, &admin, "assessor", home).await?;
            let user = account(app, "staff", staff).await?;
            let request =
                help_desk::create_request_from(app, &admin, help_desk::request_body(home)).await?;
            let path = format!("{}/assign", help_desk::request_path(&request));
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(200);
            let done = leave(app, &admin, user, way).await?;
            assert!([200, 204].contains(&done.status), "{}", done.text);
            let read = app
                .get(&admin, &help_desk::request_path(&request))
                .await?
                .expect(200);
            assert_eq!(read.json()["assigned_to"], Value::Null);
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(422);
        }
        Ok(())
    });
}

#[test]
fn deleting_and_restoring_an_account_includes_its_rows_and_links() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let family = family(app, &admin).await?;
        let guardians = format!("/v1/guardians?student_id={}", family.student);
        leave(app, &admin, family.parent, "delete")
            .await?
            .expect(204);
        let child = app
            .get(&admin, &format!("/v1/students/{}", family.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], Value::Null);
        assert_eq!(
            class_fixture::get_data(app, &admin, &guardians)
                .await?
                .len(),
            0
        );
        come_back(app, &admin, family.parent, "delete")
            .await?
            .expect(200);
        let child = app
            .get(&admin, &format!("/v1/students/{}", family.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], json!(family.parent));
        assert_eq!(
            class_fixture::get_data(app, &admin, &guardians)
                .await?
                .len(),
            1
        );

        for (table, row, user) in [
            ("students", family.student, family.student_user),
            ("tutors", family.tutor, family.tutor_user),
        ] {
            let path = format!("/v1/{table}/{row}");
            leave(app, &admin, user, "delete").await?.expect(204);
            app.get(&admin, &path).await?.expect(404);
            // The row cannot be restored without the account.
            let refused =
                class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
            assert_eq!(refused.expect(409).pointers(), ["/user_id"]);
            come_back(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(200);
            // A row that was deleted on its own stays deleted.
            app.delete(&admin, &path).await?.expect(204);
            leave(app, &admin, user, "delete").await?.expect(204);
            come_back(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(404);
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
                .await?
                .expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_centre_is_deleted_only_when_it_is_empty_and_gets_nothing_back() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let made = app.post(&admin, "/v1/centres", body).await?.expect(201);
        let centre = fixtures::parse_id(&made.json())?;
        let path = format!("/v1/centres/{centre}");
        let tutor = fixtures::create_tutor(app, &admin, centre, 5).await?;
        let user = account(app, "tutors", tutor).await?;
        let class = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"),
        });
        let class = class_fixture::create_class(app, &admin, class).await?;
        let item = help_desk::create_item(app, &admin, centre, 1).await?;
        let request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(centre)).await?;
        let refused = app.delete(&admin, &path).await?.expect(409);
        for part in [
            "lessons ahead: 2",
            "tutors: 1",
            "accounts: 1",
            "things in stock: 1",
            "open requests: 1",
        ] {
            assert!(refused.text.contains(part), "{part}: {}", refused.text);
        }
        // A centre can be closed while people belong to it, but not while it has future lessons.
        let closed = json!({"status": "inactive"});
        app.patch(&admin, &path, closed.clone()).await?.expect(409);
        app.delete(&admin, &class_fixture::class_path(&class))
            .await?
            .expect(204);
        app.patch(&admin, &path, closed).await?.expect(200);
        let later = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"),
        });
        let refused = app.post(&admin, "/v1/classes", later).await?;
        assert_eq!(refused.expect(422).pointers(), ["/centre_id"]);
        let refused = class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", class_fixture::class_path(&class)),
        )
        .await?;
        assert_eq!(refused.expect(422).pointers(), ["/centre_id"]);

        app.delete(&admin, &help_desk::item_path(&item))
            .await?
            .expect(204);
        app.delete(&admin, &help_desk::request_path(&request))
            .await?
            .expect(204);
        leave(app, &admin, user, "delete").await?.expect(204);
        app.delete(&admin, &path).await?.expect(204);
        let refused = class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", help_desk::item_path(&item)),
        )
        .await?;
        assert_eq!(refused.expect(409).pointers(), ["/centre_id"]);
        // The tutor belongs to a centre, which the account alone would not.
        come_back(app, &admin, user, "delete").await?.expect(409);
        class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        come_back(app, &admin, user, "delete").await?.expect(200);
        Ok(())
    });
}

#[test]
fn current_lists_exclude_people_who_have_left() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let family = family(app, &admin).await?;
        award(app, &admin, family.student, json!({"points": 1000}))
            .await?
            .expect(201);
        refresh(app).await?;
        let board = format!("/v1/gamification/leaderboard?centre_id={}", family.centre);
        let progress = "/v1/analytics/student-progress?limit=200";
        let load = "/v1/analytics/tutor-load?limit=200";
        let lists = [
            (board.as_str(), "student_id", family.student),
            (progress, "student_id", family.student),
            (load, "tutor_id", family.tutor),
        ];
        for way in WAYS {
            for is_there in [true, false] {
                if !is_there {
                    for user in [family.student_user, family.tutor_user] {
                        let done = leave(app, &admin, user, way).await?;
                        assert!([200, 204].contains(&done.status), "{}", done.text);
                    }
                }
                for (path, member, id) in lists {
                    let listed = class_fixture::get_data(app, &admin, path).await?;
                    let found = listed.iter().any(|line| line[member] == json!(id));
                    assert_eq!(found, is_there, "{way} {path}");
                }
            }
            for user in [family.student_user, family.tutor_user] {
                come_back(app, &admin, user, way).await?.expect(200);
            }
        }
        // Analytics of inactive people are found by id.
        leave(app, &admin, family.student_user, "deactivate")
            .await?
            .expect(200);
        let one = format!(
            "/v1/analytics/student-progress?student_id={}",
            family.student
        );
        assert_eq!(class_fixture::get_data(app, &admin, &one).await?.len(), 1);
        Ok(())
    });
}

#[test]
fn of_a_concurrent_deactivation_and_booking_one_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for _ in 0..8 {
            let family = family(app, &admin).await?;
            let book = app.call(
                Some(&admin),
                Method::POST,
                "/v1/classes",
                Some(class(&family, &[])),
            );
            let (booked, left) =
                tokio::join!(book, leave(app, &admin, family.tutor_user, "deactivate"));
            let (booked, left) = (booked?.status, left?.status);
            assert!(
                matches!((booked, left), (201, 409) | (422, 200)),
                "{booked} {left}"
            );
            let path = format!("/v1/students/{}/assign-tutor", family.student);
            let other = fixtures::create_tutor(app, &admin, family.centre, 2).await?;
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
fn erasure_is_blocked_only_by_future_lessons_with_others() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let family = family(app, &admin).await?;
        let item = help_desk::create_item(app, &admin, family.centre, 2).await?;
        help_desk::lend_item(app, &admin, &item, family.student_user, 1)
            .await?
            .expect(201);
        class_fixture::create_class(app, &admin, class(&family, &[family.student])).await?;
        tests::data_subject::erase(app, &admin, family.student_user)
            .await?
            .expect(200);
        assert_eq!(booked(app, family.student).await?, 0);
        let refused = tests::data_subject::erase(app, &admin, family.tutor_user).await?;
        let refused = refused.expect(409);
        assert!(
            refused.text.contains("lessons ahead: 8"),
            "{}",
            refused.text
        );
        Ok(())
    });
}
