//! A centre that is closed: nothing new comes to it, and what stands there can still be changed.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, classroom, csv, desk, people, role, rows, run};
use uuid::Uuid;

/// A new centre.
async fn centre(app: &Application, admin: &Session, code: &str) -> Result<Uuid> {
    let body = json!({"name": "Seaside", "code": code, "time_zone": "UTC", "currency": "EUR"});
    let made = app.post(admin, "/v1/centres", body).await?;
    people::id(&made.expect(201).json())
}

async fn close(app: &Application, admin: &Session, centre: Uuid) -> Result<()> {
    let path = format!("/v1/centres/{centre}");
    app.patch(admin, &path, json!({"status": "inactive"}))
        .await?
        .expect(200);
    Ok(())
}

#[test]
fn a_closed_centre_is_given_nothing_more() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let closed = centre(app, &admin, "seaside").await?;
        let tutor = people::tutor(app, &admin, closed, 5).await?;
        let item = desk::item(app, &admin, closed, 5).await?;
        let pupil = people::user(app, &admin, "student", home).await?;
        let teacher = people::user(app, &admin, "tutor", home).await?;
        let helper = people::user(app, &admin, "support", home).await?;
        close(app, &admin, closed).await?;
        let before = rows::written(app).await?;
        let of = |user: Uuid| json!({"user_id": user, "centre_id": closed});
        for (path, body) in [
            ("/v1/students", of(pupil)),
            ("/v1/tutors", of(teacher)),
            ("/v1/staff", of(helper)),
            (
                "/v1/users",
                json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "centre_id": closed}),
            ),
            ("/v1/requests", desk::request(closed)),
            (
                "/v1/inventory",
                json!({"centre_id": closed, "item_name": "Laptop", "category": "laptop", "quantity": 1}),
            ),
            (
                "/v1/classes",
                json!({
                    "centre_id": closed,
                    "tutor_id": tutor,
                    "schedule": classroom::weekly("FREQ=WEEKLY;COUNT=2"),
                }),
            ),
        ] {
            let refused = app.post(&admin, path, body).await?.expect(422);
            assert_eq!(refused.pointers(), ["/centre_id"], "{path}");
            assert!(
                refused.text.contains("The centre is closed."),
                "{}",
                refused.text
            );
        }
        let file = format!("user_id,centre_id\n{pupil},{closed}\n");
        let refused = csv::import(app, &admin, "/v1/students/import", file).await?;
        assert_eq!(refused.expect(422).pointers(), ["/2/centre_id"]);
        desk::lend(app, &admin, &item, helper, 1).await?.expect(422);
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn nobody_moves_to_a_closed_centre_and_those_who_are_there_can_be_changed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let closed = centre(app, &admin, "hillside").await?;
        let student = people::student(app, &admin, closed).await?;
        let tutor = people::tutor(app, &admin, closed, 5).await?;
        let staff = desk::staff(app, &admin, "support", closed).await?;
        let item = desk::item(app, &admin, closed, 5).await?;
        let request = desk::make(app, &admin, desk::request(closed)).await?;
        let user = people::account_of(app, student).await?;
        app.patch(&admin, &desk::item_path(&item), json!({"low_stock_at": 2}))
            .await?
            .expect(200);
        close(app, &admin, closed).await?;
        let standing = [
            (
                format!("/v1/students/{student}"),
                json!({"special_needs": ["ADHD"]}),
            ),
            (format!("/v1/tutors/{tutor}"), json!({"max_students": 7})),
            (format!("/v1/staff/{staff}"), json!({"title": "Helper"})),
            (format!("/v1/users/{user}"), json!({"name": "Bo"})),
            (desk::path(&request), json!({"priority": "high"})),
            (desk::item_path(&item), json!({"item_name": "Tablet"})),
        ];
        for (path, change) in &standing {
            app.patch(&admin, path, change.clone()).await?.expect(200);
        }
        // An item that gets low there asks for nothing.
        let open = "lms.requests where centre_id = $1";
        let requests = rows::count(app, open, &[&closed]).await?;
        desk::adjust(app, &admin, &item, -4).await?.expect(200);
        assert_eq!(rows::count(app, open, &[&closed]).await?, requests);
        for (path, _) in &standing[..4] {
            app.patch(&admin, path, json!({"centre_id": home}))
                .await?
                .expect(200);
            let refused = app
                .patch(&admin, path, json!({"centre_id": closed}))
                .await?
                .expect(422);
            assert_eq!(refused.pointers(), ["/centre_id"], "{path}");
        }
        Ok(())
    });
}

#[test]
fn a_tutor_of_a_closed_centre_is_not_offered_and_not_given_students() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let closed = centre(app, &admin, "lakeside").await?;
        let tutor = people::tutor(app, &admin, closed, 5).await?;
        let always = json!({"weekly": [{"weekday": "monday", "start": "00:00", "end": "24:00"}]});
        let body = json!({"subjects": [{"subject": "Zither"}], "availability": always});
        app.patch(&admin, &format!("/v1/tutors/{tutor}"), body)
            .await?
            .expect(200);
        let time = "from=2035-04-02T00:00:00Z&to=2035-04-03T12:00:00Z";
        let offers = [
            "/v1/tutors/search?subject=zither".to_owned(),
            format!("/v1/tutors/search?subject=zither&{time}"),
            format!("/v1/tutors/{tutor}/free-slots?{time}"),
        ];
        for path in &offers {
            assert_eq!(classroom::data(app, &admin, path).await?.len(), 1, "{path}");
        }
        close(app, &admin, closed).await?;
        for path in &offers {
            let found = classroom::data(app, &admin, path).await?;
            assert_eq!(found, Vec::<Value>::new(), "{path}");
        }
        let student = people::student(app, &admin, home).await?;
        let path = format!("/v1/students/{student}");
        let refused = app
            .post(
                &admin,
                &format!("{path}/assign-tutor"),
                json!({"tutor_id": tutor}),
            )
            .await?;
        assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
        let refused = app
            .patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?;
        assert_eq!(refused.expect(422).pointers(), ["/assigned_tutor_id"]);
        Ok(())
    });
}

#[test]
fn a_student_who_has_left_is_given_no_tutor() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let student = people::student(app, &admin, home).await?;
        let tutor = people::tutor(app, &admin, home, 5).await?;
        let user = people::account_of(app, student).await?;
        classroom::act(app, &admin, &format!("/v1/users/{user}/deactivate"))
            .await?
            .expect(200);
        let path = format!("/v1/students/{student}");
        let refused = app
            .post(
                &admin,
                &format!("{path}/assign-tutor"),
                json!({"tutor_id": tutor}),
            )
            .await?;
        assert_eq!(refused.expect(422).pointers(), ["/tutor_id"]);
        let refused = app
            .patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?;
        assert_eq!(refused.expect(422).pointers(), ["/assigned_tutor_id"]);
        Ok(())
    });
}

#[test]
fn no_request_comes_back_to_a_centre_that_is_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let gone = centre(app, &admin, "roadside").await?;
        let deleted = desk::make(app, &admin, desk::request(gone)).await?;
        app.delete(&admin, &desk::path(&deleted)).await?.expect(204);
        let resolved = desk::make(app, &admin, desk::request(gone)).await?;
        for one in ["start", "resolve"] {
            desk::act(app, &admin, &resolved, one).await?.expect(200);
        }
        let path = format!("/v1/centres/{gone}");
        app.delete(&admin, &path).await?.expect(204);
        let ways = [(&deleted, "restore"), (&resolved, "reopen")];
        for (request, back) in ways {
            let refused = desk::act(app, &admin, request, back).await?.expect(409);
            assert_eq!(refused.pointers(), ["/centre_id"], "{back}");
        }
        classroom::act(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        for (request, back) in ways {
            desk::act(app, &admin, request, back).await?.expect(200);
        }
        Ok(())
    });
}
