//! Tests the deactivation and deletion of people and centres: the effect on rows that refer to them, and reactivation.

mod dependent_rows;
mod lessons;
mod lists;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, class_fixture, fixtures, queries, run};
use uuid::Uuid;

/// The two ways to leave: deactivation and deletion.
const REMOVAL_ACTIONS: [&str; 2] = ["deactivate", "delete"];

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
        tutor_user: user_of(app, "tutors", tutor).await?,
        student,
        student_user: user_of(app, "students", student).await?,
        parent,
    })
}

/// Returns the user of a tutor, a student or a staff member.
async fn user_of(app: &Application, table: &str, id: Uuid) -> Result<Uuid> {
    let sql = format!("select user_id from lms.{table} where id = $1");
    queries::fetch_id(app, &sql, &[&id]).await
}

/// Returns the body of a class of the family's tutor with eight future lessons.
fn class_body(family: &Family, students: &[Uuid]) -> Value {
    json!({
        "centre_id": family.centre,
        "tutor_id": family.tutor,
        "student_ids": students,
        "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=8"),
    })
}

pub(crate) async fn remove(
    app: &Application,
    session: &Session,
    user: Uuid,
    removal_action: &str,
) -> Result<Reply> {
    let path = format!("/v1/users/{user}");
    match removal_action {
        "delete" => app.delete(session, &path).await,
        _ => class_fixture::post_without_body(app, session, &format!("{path}/deactivate")).await,
    }
}

pub(crate) async fn undo_removal(
    app: &Application,
    session: &Session,
    user: Uuid,
    removal_action: &str,
) -> Result<Reply> {
    let verb = if removal_action == "delete" {
        "restore"
    } else {
        "activate"
    };
    class_fixture::post_without_body(app, session, &format!("/v1/users/{user}/{verb}")).await
}

/// Counts the future lessons that a student is booked for.
async fn count_future_lessons(app: &Application, student: Uuid) -> Result<i64> {
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
