//! Tests the automatic notifications about requests, stock and loans.

use anyhow::Result;
use chrono::{Duration, Utc};
use http::Method;
use serde_json::json;
use tests::{Application, Session, fixtures, notifications, queries, role, run};
use uuid::Uuid;

/// Creates a request of the session's user at the demo users' centre.
async fn create_request(app: &Application, session: &Session) -> Result<Uuid> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    let body = json!({"centre_id": own_centre, "type": "it", "details": "The screen is dark."});
    fixtures::parse_id(
        &app.post(session, "/v1/requests", body)
            .await?
            .expect(201)
            .json(),
    )
}

/// Returns a member of staff of the demo users' centre, and their account.
async fn staff(app: &Application) -> Result<(Uuid, Uuid)> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    let row = app
        .superuser()
        .await?
        .query_one(
            "select s.id, s.user_id from lms.staff as s where s.centre_id = $1 and s.deleted_at is null order by s.id limit 1",
            &[&own_centre],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// Returns the supervisors of the demo users' centre.
async fn supervisors(app: &Application) -> Result<Vec<Uuid>> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    let sql = "select id from lms.users where centre_id = $1 and role = 'supervisor' and deleted_at is null order by id";
    let found = app.superuser().await?.query(sql, &[&own_centre]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

#[test]
fn the_assignee_is_notified_of_a_request_and_the_author_of_its_resolution() {
    run(async |app| {
        let student = app.sign_in(role::STUDENT).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let request = create_request(app, &student).await?;
        let (assignee, user) = staff(app).await?;
        notifications::clear_outbox(app).await?;
        let path = format!("/v1/requests/{request}");
        app.post(
            &admin,
            &format!("{path}/assign"),
            json!({"staff_id": assignee}),
        )
        .await?
        .expect(200);
        assert_eq!(
            notifications::queued_templates(app).await?,
            [("request_assigned".to_owned(), user)]
        );

        notifications::clear_outbox(app).await?;
        app.call(Some(&admin), Method::POST, &format!("{path}/start"), None)
            .await?
            .expect(200);
        assert_eq!(notifications::queued_templates(app).await?, []);
        app.post(
            &admin,
            &format!("{path}/resolve"),
            json!({"resolution": "A new cable."}),
        )
        .await?
        .expect(200);
        assert_eq!(
            notifications::queued_templates(app).await?,
            [("request_resolved".to_owned(), student.user)]
        );
        let text = queries::fetch_texts(
            app,
            "select message from lms.notifications where template = 'request_resolved' and user_id = $1 order by id desc",
            &[&student.user],
        )
        .await?;
        assert!(
            text[0].contains("A new cable.") && text[0].contains("The screen is dark."),
            "{text:?}"
        );
        Ok(())
    });
}

#[test]
fn an_escalated_request_notifies_the_supervisors_and_the_assignee() {
    run(async |app| {
        let student = app.sign_in(role::STUDENT).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        // The first run escalates the overdue requests of the demo data, so that the second one
        // escalates only the new request.
        let then = Utc::now() + Duration::days(60);
        worker::run_once(&app.superuser_url, then).await?;
        let request = create_request(app, &student).await?;
        let (assignee, user) = staff(app).await?;
        let path = format!("/v1/requests/{request}/assign");
        app.post(&admin, &path, json!({"staff_id": assignee}))
            .await?
            .expect(200);
        notifications::clear_outbox(app).await?;
        worker::run_once(&app.superuser_url, then).await?;
        let mut expected = supervisors(app).await?;
        expected.push(user);
        expected.sort_unstable();
        expected.dedup();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|user| ("request_escalated".to_owned(), user))
            .collect();
        assert_eq!(notifications::queued_templates(app).await?, expected);
        // The notification is sent once.
        notifications::clear_outbox(app).await?;
        worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(notifications::queued_templates(app).await?, []);
        Ok(())
    });
}

#[test]
fn low_stock_notifies_the_supervisors() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        notifications::clear_outbox(app).await?;
        let body = json!({"centre_id": own_centre, "item_name": "Lamp", "category": "misc", "quantity": 9, "low_stock_at": 3});
        let item = fixtures::parse_id(
            &app.post(&admin, "/v1/inventory", body)
                .await?
                .expect(201)
                .json(),
        )?;
        assert_eq!(notifications::queued_templates(app).await?, []);
        let body = json!({"change": -7, "reason": "Broken."});
        app.post(&admin, &format!("/v1/inventory/{item}/adjust"), body)
            .await?
            .expect(200);
        let expected: Vec<_> = supervisors(app)
            .await?
            .into_iter()
            .map(|user| ("low_stock".to_owned(), user))
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(notifications::queued_templates(app).await?, expected);
        Ok(())
    });
}

#[test]
fn a_borrower_is_notified_of_the_due_date_and_reminded_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let body = json!({"centre_id": own_centre, "item_name": "Tablet", "category": "laptop", "quantity": 2});
        let item = fixtures::parse_id(
            &app.post(&admin, "/v1/inventory", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let borrower = app.user(0, role::TUTOR).id;
        let due = (Utc::now() + Duration::days(2)).date_naive();
        // The first run sends the reminders of the demo data's overdue loans, so that only the new
        // loan causes one later.
        let then = Utc::now() + Duration::days(5);
        worker::run_once(&app.superuser_url, then).await?;
        notifications::clear_outbox(app).await?;
        let body = json!({"user_id": borrower, "due_on": due.to_string()});
        app.post(&admin, &format!("/v1/inventory/{item}/loans"), body)
            .await?
            .expect(201);
        assert_eq!(
            notifications::queued_templates(app).await?,
            [("loan_made".to_owned(), borrower)]
        );

        notifications::clear_outbox(app).await?;
        worker::run_once(&app.superuser_url, Utc::now()).await?;
        assert_eq!(notifications::queued_templates(app).await?, []);
        let report = worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(report.reminded, 1, "{report}");
        assert_eq!(
            notifications::queued_templates(app).await?,
            [("loan_overdue".to_owned(), borrower)]
        );
        assert_eq!(
            worker::run_once(&app.superuser_url, then).await?.reminded,
            0
        );
        Ok(())
    });
}
