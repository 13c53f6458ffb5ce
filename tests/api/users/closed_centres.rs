//! Tests that nothing is added to a closed centre and its rows can still be changed.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Application, Session, class_fixture, csv, fixtures, help_desk, queries, role, run};
use uuid::Uuid;

/// Creates a centre.
async fn centre(app: &Application, admin: &Session, code: &str) -> Result<Uuid> {
    let body = json!({"name": "Seaside", "code": code, "time_zone": "UTC", "currency": "EUR"});
    let created = app.post(admin, "/v1/centres", body).await?;
    fixtures::parse_id(&created.expect(201).json())
}

async fn close(app: &Application, admin: &Session, centre: Uuid) -> Result<()> {
    let path = format!("/v1/centres/{centre}");
    app.patch(admin, &path, json!({"status": "inactive"}))
        .await?
        .expect(200);
    Ok(())
}

#[test]
fn nothing_is_added_to_a_closed_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let closed = centre(app, &admin, "seaside").await?;
        let tutor = fixtures::create_tutor(app, &admin, closed, 5).await?;
        let item = help_desk::create_item(app, &admin, closed, 5).await?;
        let pupil = fixtures::create_user(app, &admin, "student", own_centre).await?;
        let teacher = fixtures::create_user(app, &admin, "tutor", own_centre).await?;
        let helper = fixtures::create_user(app, &admin, "support", own_centre).await?;
        close(app, &admin, closed).await?;
        let before = queries::write_counters(app).await?;
        let of = |user: Uuid| json!({"user_id": user, "centre_id": closed});
        for (path, body) in [
            ("/v1/students", of(pupil)),
            ("/v1/tutors", of(teacher)),
            ("/v1/staff", of(helper)),
            (
                "/v1/users",
                json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "centre_id": closed}),
            ),
            ("/v1/requests", help_desk::request_body(closed)),
            (
                "/v1/inventory",
                json!({"centre_id": closed, "item_name": "Laptop", "category": "laptop", "quantity": 1}),
            ),
            (
                "/v1/classes",
                json!({
                    "centre_id": closed,
                    "tutor_id": tutor,
                    "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"),
                }),
            ),
        ] {
            let rejected = app.post(&admin, path, body).await?.expect(422);
            assert_eq!(rejected.pointers(), ["/centre_id"], "{path}");
            assert!(
                rejected.text.contains("The centre is closed."),
                "{}",
                rejected.text
            );
        }
        let file = format!("user_id,centre_id\n{pupil},{closed}\n");
        let rejected = csv::import(app, &admin, "/v1/students/import", file).await?;
        assert_eq!(rejected.expect(422).pointers(), ["/2/centre_id"]);
        help_desk::lend_item(app, &admin, &item, helper, 1)
            .await?
            .expect(422);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn no_one_moves_to_a_closed_centre_and_its_people_can_still_be_changed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let closed = centre(app, &admin, "hillside").await?;
        let student = fixtures::create_student(app, &admin, closed).await?;
        let tutor = fixtures::create_tutor(app, &admin, closed, 5).await?;
        let staff = help_desk::create_staff_member(app, &admin, "support", closed).await?;
        let item = help_desk::create_item(app, &admin, closed, 5).await?;
        let request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(closed)).await?;
        let user = fixtures::user_of_student(app, student).await?;
        app.patch(
            &admin,
            &help_desk::item_path(&item),
            json!({"low_stock_at": 2}),
        )
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
            (
                help_desk::request_path(&request),
                json!({"priority": "high"}),
            ),
            (help_desk::item_path(&item), json!({"item_name": "Tablet"})),
        ];
        for (path, change) in &standing {
            app.patch(&admin, path, change.clone()).await?.expect(200);
        }
        // Low stock at a closed centre creates no request.
        let open = "lms.requests where centre_id = $1";
        let requests = queries::count(app, open, &[&closed]).await?;
        help_desk::adjust_quantity(app, &admin, &item, -4)
            .await?
            .expect(200);
        assert_eq!(queries::count(app, open, &[&closed]).await?, requests);
        for (path, _) in &standing[..4] {
            app.patch(&admin, path, json!({"centre_id": own_centre}))
                .await?
                .expect(200);
            let rejected = app
                .patch(&admin, path, json!({"centre_id": closed}))
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/centre_id"], "{path}");
        }
        Ok(())
    });
}

#[test]
fn a_tutor_of_a_closed_centre_is_neither_found_nor_assigned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let closed = centre(app, &admin, "lakeside").await?;
        let tutor = fixtures::create_tutor(app, &admin, closed, 5).await?;
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
            assert_eq!(
                class_fixture::get_data(app, &admin, path).await?.len(),
                1,
                "{path}"
            );
        }
        close(app, &admin, closed).await?;
        for path in &offers {
            let listed = class_fixture::get_data(app, &admin, path).await?;
            assert_eq!(listed, Vec::<Value>::new(), "{path}");
        }
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let path = format!("/v1/students/{student}");
        let rejected = app
            .post(
                &admin,
                &format!("{path}/assign-tutor"),
                json!({"tutor_id": tutor}),
            )
            .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/tutor_id"]);
        let rejected = app
            .patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/assigned_tutor_id"]);
        Ok(())
    });
}

#[test]
fn an_inactive_student_cannot_be_assigned_a_tutor() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let user = fixtures::user_of_student(app, student).await?;
        class_fixture::post_without_body(app, &admin, &format!("/v1/users/{user}/deactivate"))
            .await?
            .expect(200);
        let path = format!("/v1/students/{student}");
        let rejected = app
            .post(
                &admin,
                &format!("{path}/assign-tutor"),
                json!({"tutor_id": tutor}),
            )
            .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/tutor_id"]);
        let rejected = app
            .patch(&admin, &path, json!({"assigned_tutor_id": tutor}))
            .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/assigned_tutor_id"]);
        Ok(())
    });
}

#[test]
fn a_request_of_a_deleted_centre_cannot_be_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let deleted_centre = centre(app, &admin, "roadside").await?;
        let deleted =
            help_desk::create_request_from(app, &admin, help_desk::request_body(deleted_centre))
                .await?;
        app.delete(&admin, &help_desk::request_path(&deleted))
            .await?
            .expect(204);
        let resolved =
            help_desk::create_request_from(app, &admin, help_desk::request_body(deleted_centre))
                .await?;
        for one in ["start", "resolve"] {
            help_desk::transition(app, &admin, &resolved, one)
                .await?
                .expect(200);
        }
        let path = format!("/v1/centres/{deleted_centre}");
        app.delete(&admin, &path).await?.expect(204);
        let ways = [(&deleted, "restore"), (&resolved, "reopen")];
        for (request, back) in ways {
            let rejected = help_desk::transition(app, &admin, request, back)
                .await?
                .expect(409);
            assert_eq!(rejected.pointers(), ["/centre_id"], "{back}");
        }
        class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        for (request, back) in ways {
            help_desk::transition(app, &admin, request, back)
                .await?
                .expect(200);
        }
        Ok(())
    });
}
