//! What requests, stock and loans tell people by themselves.

use anyhow::Result;
use chrono::{Duration, Utc};
use http::Method;
use serde_json::json;
use tests::{Application, Session, outbox, people, role, rows, run};
use uuid::Uuid;

/// A request of the demo student at the demo centre.
async fn ask(app: &Application, session: &Session) -> Result<Uuid> {
    let (home, _) = rows::centres(app).await?;
    let body = json!({"centre_id": home, "type": "it", "details": "The screen is dark."});
    people::id(
        &app.post(session, "/v1/requests", body)
            .await?
            .expect(201)
            .json(),
    )
}

/// Somebody of the staff of the demo centre, with the account.
async fn staff(app: &Application) -> Result<(Uuid, Uuid)> {
    let (home, _) = rows::centres(app).await?;
    let row = app
        .superuser()
        .await?
        .query_one(
            "select s.id, s.user_id from lms.staff as s where s.centre_id = $1 and s.deleted_at is null order by s.id limit 1",
            &[&home],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// The supervisors of the demo centre.
async fn supervisors(app: &Application) -> Result<Vec<Uuid>> {
    let (home, _) = rows::centres(app).await?;
    let sql = "select id from lms.users where centre_id = $1 and role = 'supervisor' and deleted_at is null order by id";
    let found = app.superuser().await?.query(sql, &[&home]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

#[test]
fn who_is_to_work_on_a_request_is_told_and_who_asked_when_it_is_resolved() {
    run(async |app| {
        let student = app.sign_in(role::STUDENT).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let request = ask(app, &student).await?;
        let (assignee, user) = staff(app).await?;
        outbox::empty(app).await?;
        let path = format!("/v1/requests/{request}");
        app.post(
            &admin,
            &format!("{path}/assign"),
            json!({"staff_id": assignee}),
        )
        .await?
        .expect(200);
        assert_eq!(
            outbox::queued(app).await?,
            [("request_assigned".to_owned(), user)]
        );

        outbox::empty(app).await?;
        app.call(Some(&admin), Method::POST, &format!("{path}/start"), None)
            .await?
            .expect(200);
        assert_eq!(outbox::queued(app).await?, []);
        app.post(
            &admin,
            &format!("{path}/resolve"),
            json!({"resolution": "A new cable."}),
        )
        .await?
        .expect(200);
        assert_eq!(
            outbox::queued(app).await?,
            [("request_resolved".to_owned(), student.user)]
        );
        let text = rows::texts(
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
fn a_request_that_is_escalated_is_told_to_the_supervisors_and_whoever_works_on_it() {
    run(async |app| {
        let student = app.sign_in(role::STUDENT).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        // What is overdue in the demo is told first.
        let then = Utc::now() + Duration::days(60);
        worker::run_once(&app.superuser_url, then).await?;
        let request = ask(app, &student).await?;
        let (assignee, user) = staff(app).await?;
        let path = format!("/v1/requests/{request}/assign");
        app.post(&admin, &path, json!({"staff_id": assignee}))
            .await?
            .expect(200);
        outbox::empty(app).await?;
        worker::run_once(&app.superuser_url, then).await?;
        let mut expected = supervisors(app).await?;
        expected.push(user);
        expected.sort_unstable();
        expected.dedup();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|user| ("request_escalated".to_owned(), user))
            .collect();
        assert_eq!(outbox::queued(app).await?, expected);
        // Once.
        outbox::empty(app).await?;
        worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(outbox::queued(app).await?, []);
        Ok(())
    });
}

#[test]
fn stock_that_runs_low_is_told_to_the_supervisors() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        outbox::empty(app).await?;
        let body = json!({"centre_id": home, "item_name": "Lamp", "category": "misc", "quantity": 9, "low_stock_at": 3});
        let item = people::id(
            &app.post(&admin, "/v1/inventory", body)
                .await?
                .expect(201)
                .json(),
        )?;
        assert_eq!(outbox::queued(app).await?, []);
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
        assert_eq!(outbox::queued(app).await?, expected);
        Ok(())
    });
}

#[test]
fn who_borrows_is_told_until_when_and_reminded_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let body =
            json!({"centre_id": home, "item_name": "Tablet", "category": "laptop", "quantity": 2});
        let item = people::id(
            &app.post(&admin, "/v1/inventory", body)
                .await?
                .expect(201)
                .json(),
        )?;
        let borrower = app.user(0, role::TUTOR).id;
        let due = (Utc::now() + Duration::days(2)).date_naive();
        // What is overdue in the demo by then is told first.
        let then = Utc::now() + Duration::days(5);
        worker::run_once(&app.superuser_url, then).await?;
        outbox::empty(app).await?;
        let body = json!({"user_id": borrower, "due_on": due.to_string()});
        app.post(&admin, &format!("/v1/inventory/{item}/loans"), body)
            .await?
            .expect(201);
        assert_eq!(
            outbox::queued(app).await?,
            [("loan_made".to_owned(), borrower)]
        );

        outbox::empty(app).await?;
        worker::run_once(&app.superuser_url, Utc::now()).await?;
        assert_eq!(outbox::queued(app).await?, []);
        let report = worker::run_once(&app.superuser_url, then).await?;
        assert_eq!(report.reminded, 1, "{report}");
        assert_eq!(
            outbox::queued(app).await?,
            [("loan_overdue".to_owned(), borrower)]
        );
        assert_eq!(
            worker::run_once(&app.superuser_url, then).await?.reminded,
            0
        );
        Ok(())
    });
}
