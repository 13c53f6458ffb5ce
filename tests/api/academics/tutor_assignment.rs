//! Tests the assignment of tutors: a tutor's capacity is never exceeded, and the count of students is exact.

use anyhow::Result;
use futures::future::join_all;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{Application, Session, csv::import, fixtures, queries, random_samples, role, run};
use uuid::Uuid;

async fn assign(
    app: &Application,
    session: &Session,
    student: Uuid,
    tutor: Option<Uuid>,
) -> Result<tests::Reply> {
    let path = format!("/v1/students/{student}/assign-tutor");
    app.post(session, &path, json!({"tutor_id": tutor})).await
}

async fn current(app: &Application, session: &Session, tutor: Uuid) -> Result<Value> {
    let body = app
        .get(session, &format!("/v1/tutors/{tutor}"))
        .await?
        .expect(200)
        .json();
    Ok(body["current_students"].clone())
}

#[test]
fn a_tutor_is_assigned_replaced_and_removed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (first, second) = (
            fixtures::create_tutor(app, &admin, own_centre, 1).await?,
            fixtures::create_tutor(app, &admin, own_centre, 1).await?,
        );
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let reply = assign(app, &admin, student, Some(first)).await?.expect(200);
        assert_eq!(reply.json()["assigned_tutor_id"], json!(first));
        assert_eq!(current(app, &admin, first).await?, 1);
        // Repeating the assignment changes nothing, although the tutor is at capacity.
        assign(app, &admin, student, Some(first)).await?.expect(200);
        assert_eq!(current(app, &admin, first).await?, 1);
        assign(app, &admin, student, Some(second))
            .await?
            .expect(200);
        assert_eq!(current(app, &admin, first).await?, 0);
        assert_eq!(current(app, &admin, second).await?, 1);
        let freed = assign(app, &admin, student, None).await?.expect(200);
        assert_eq!(freed.json()["assigned_tutor_id"], Value::Null);
        assert_eq!(current(app, &admin, second).await?, 0);
        Ok(())
    });
}

#[test]
fn a_tutor_at_capacity_is_a_conflict_on_every_endpoint() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 1).await?;
        let (first, second) = (
            fixtures::create_student(app, &admin, own_centre).await?,
            fixtures::create_student(app, &admin, own_centre).await?,
        );
        assign(app, &admin, first, Some(tutor)).await?.expect(200);
        let before = queries::write_counters(app).await?;
        let full = assign(app, &admin, second, Some(tutor)).await?.expect(409);
        assert_eq!(full.pointers(), ["/tutor_id"]);
        let path = format!("/v1/students/{second}");
        let full = app
            .patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?
            .expect(409);
        assert_eq!(full.pointers(), ["/assigned_tutor_id"]);
        let user = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let body = json!({"user_id": user, "centre_id": own_centre, "assigned_tutor_id": tutor});
        let full = app.post(&admin, "/v1/students", body).await?.expect(409);
        assert_eq!(full.pointers(), ["/assigned_tutor_id"]);
        let fewer = app
            .patch(
                &admin,
                &format!("/v1/tutors/{tutor}"),
                json!({"max_students": 0}),
            )
            .await?
            .expect(409);
        assert_eq!(fewer.pointers(), ["/max_students"]);
        // The account of the new student is the only recorded change.
        assert!(queries::write_counters(app).await?.0 == before.0 + 1);

        // A deleted student cannot be restored once another student has taken the place.
        app.delete(&admin, &format!("/v1/students/{first}"))
            .await?
            .expect(204);
        assign(app, &admin, second, Some(tutor)).await?.expect(200);
        let path = format!("/v1/students/{first}/restore");
        let full = app
            .call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(409);
        assert_eq!(full.pointers(), ["/assigned_tutor_id"]);
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        Ok(())
    });
}

#[test]
fn concurrent_assignments_of_the_last_place_succeed_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut students = Vec::new();
        for _ in 0..20 {
            students.push(fixtures::create_student(app, &admin, own_centre).await?);
        }
        for racers in [2, 20, 20] {
            let tutor = fixtures::create_tutor(app, &admin, own_centre, 1).await?;
            let attempts = students[..racers]
                .iter()
                .map(|student| assign(app, &admin, *student, Some(tutor)));
            let mut statuses = Vec::new();
            for reply in join_all(attempts).await {
                statuses.push(reply?.status);
            }
            statuses.sort_unstable();
            let mut expected = vec![200];
            expected.extend(vec![409; racers - 1]);
            assert_eq!(statuses, expected);
            assert_eq!(current(app, &admin, tutor).await?, 1);
        }
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        Ok(())
    });
}

#[test]
fn only_supervisors_and_admins_assign_tutors_within_their_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let (own_centre_student, other_centre_student) = (
            fixtures::create_student(app, &admin, own_centre).await?,
            fixtures::create_student(app, &admin, other_centre).await?,
        );
        let (own_centre_tutor, other_centre_tutor) = (
            fixtures::create_tutor(app, &admin, own_centre, 2).await?,
            fixtures::create_tutor(app, &admin, other_centre, 2).await?,
        );
        assign(app, &supervisor, own_centre_student, Some(own_centre_tutor))
            .await?
            .expect(200);
        assign(
            app,
            &supervisor,
            other_centre_student,
            Some(own_centre_tutor),
        )
        .await?
        .expect(404);
        let reply = assign(
            app,
            &supervisor,
            own_centre_student,
            Some(other_centre_tutor),
        )
        .await?
        .expect(422);
        assert_eq!(reply.pointers(), ["/tutor_id"]);
        let other_tenant_tutor = queries::first_id(app, 1, "tutors").await?;
        let reply = assign(app, &admin, own_centre_student, Some(other_tenant_tutor))
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/tutor_id"]);
        app.delete(&admin, &format!("/v1/tutors/{other_centre_tutor}"))
            .await?
            .expect(204);
        let reply = assign(app, &admin, own_centre_student, Some(other_centre_tutor))
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/tutor_id"]);
        let path = format!("/v1/students/{own_centre_student}/assign-tutor");
        let reply = app.post(&admin, &path, json!({})).await?.expect(422);
        assert_eq!(reply.pointers(), ["/tutor_id"]);
        for role in [
            role::STUDENT,
            role::PARENT,
            role::TUTOR,
            role::ASSESSOR,
            role::SUPPORT,
            role::FINANCE,
        ] {
            let session = app.sign_in(role).await?;
            assign(app, &session, own_centre_student, None)
                .await?
                .expect(403);
        }
        Ok(())
    });
}

/// A change of a student or of a tutor's capacity. Students and tutors are given by index.
#[derive(Debug, Clone)]
enum Step {
    Assign(usize, Option<usize>),
    Patch(usize, Option<usize>),
    Delete(usize),
    Restore(usize),
    Create(Option<usize>),
    Import(Vec<Option<usize>>),
    SetCapacity(usize, i32),
}

const TUTORS: usize = 3;
const STUDENTS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let tutor = || proptest::option::weighted(0.8, 0..TUTORS);
    prop_oneof![
        4 => (0..STUDENTS, tutor()).prop_map(|(student, tutor)| Step::Assign(student, tutor)),
        2 => (0..STUDENTS, tutor()).prop_map(|(student, tutor)| Step::Patch(student, tutor)),
        2 => (0..STUDENTS).prop_map(Step::Delete),
        2 => (0..STUDENTS).prop_map(Step::Restore),
        1 => tutor().prop_map(Step::Create),
        1 => proptest::collection::vec(tutor(), 1..4).prop_map(Step::Import),
        1 => (0..TUTORS, 0..4).prop_map(|(tutor, capacity)| Step::SetCapacity(tutor, capacity)),
    ]
}

#[test]
fn student_counts_are_exact_after_random_changes() {
    let sequences = random_samples::samples(4, &proptest::collection::vec(step(), 40));
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (mut done, mut rejected) = (0, 0);
        for steps in &sequences {
            let (mut tutors, mut students) = (Vec::new(), Vec::new());
            for _ in 0..TUTORS {
                tutors.push(fixtures::create_tutor(app, &admin, own_centre, 2).await?);
            }
            for _ in 0..STUDENTS {
                students.push(fixtures::create_student(app, &admin, own_centre).await?);
            }
            let tutor = |index: &Option<usize>| index.map(|index| tutors[index]);
            for step in steps {
                let reply = match step {
                    Step::Assign(student, to) => {
                        assign(app, &admin, students[*student], tutor(to)).await?
                    }
                    Step::Patch(student, to) => {
                        let path = format!("/v1/students/{}", students[*student]);
                        app.patch(&admin, &path, json!({"assigned_tutor_id": tutor(to)}))
                            .await?
                    }
                    Step::Delete(student) => {
                        app.delete(&admin, &format!("/v1/students/{}", students[*student]))
                            .await?
                    }
                    Step::Restore(student) => {
                        let path = format!("/v1/students/{}/restore", students[*student]);
                        app.call(Some(&admin), Method::POST, &path, None).await?
                    }
                    Step::Create(to) => {
                        let user =
                            fixtures::create_user(app, &admin, "student", own_centre).await?;
                        let body = json!({"user_id": user, "centre_id": own_centre, "assigned_tutor_id": tutor(to)});
                        app.post(&admin, "/v1/students", body).await?
                    }
                    Step::Import(all) => {
                        let mut file = "user_id,centre_id,assigned_tutor_id\n".to_owned();
                        for to in all {
                            let user =
                                fixtures::create_user(app, &admin, "student", own_centre).await?;
                            let to = tutor(to).map(|id| id.to_string()).unwrap_or_default();
                            file += &format!("{user},{own_centre},{to}\n");
                        }
                        import(app, &admin, "/v1/students/import", file).await?
                    }
                    Step::SetCapacity(index, capacity) => {
                        let path = format!("/v1/tutors/{}", tutors[*index]);
                        app.patch(&admin, &path, json!({"max_students": capacity}))
                            .await?
                    }
                };
                match reply.status {
                    200 | 201 | 204 => done += 1,
                    404 | 409 => rejected += 1,
                    status => panic!("{step:?}: {status} {}", reply.text),
                }
                assert_eq!(
                    fixtures::count_wrong_student_counts(app).await?,
                    0,
                    "{step:?}"
                );
            }
        }
        assert!(
            done > 40 && rejected > 10,
            "{done} done, {rejected} refused"
        );
        Ok(())
    });
}
