//! Tests that `lms worker` escalates overdue requests once, with concurrent workers too.

use anyhow::Result;
use chrono::{Duration, Utc};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Application, Session, fixtures, help_desk, queries, role, run};

async fn read(app: &Application, session: &Session, request: &Value) -> Result<Value> {
    let reply = app.get(session, &help_desk::request_path(request)).await?;
    Ok(reply.expect(200).json())
}

#[test]
fn overdue_requests_are_escalated_once_by_concurrent_workers() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let staff = help_desk::create_staff_member(app, &admin, "supervisor", own_centre).await?;
        let now = Utc::now();
        // Overdue requests of the demo data are escalated first, so that no later report has them.
        worker::run_once(&app.superuser_url, now).await?;
        let mut late = Vec::new();
        for (priority, raised) in [("low", "medium"), ("medium", "high"), ("high", "high")] {
            let mut body = help_desk::request_body(own_centre);
            body["priority"] = json!(priority);
            let request = help_desk::create_request_from(app, &admin, body).await?;
            help_desk::make_overdue(app, &request).await?;
            late.push((request, raised));
        }
        let (assigned, _) = &late[0];
        let path = format!("{}/assign", help_desk::request_path(assigned));
        app.post(&admin, &path, json!({"staff_id": staff}))
            .await?
            .expect(200);
        let done = help_desk::create_request_in_status(app, &admin, "resolved").await?;
        help_desk::make_overdue(app, &done).await?;
        let in_time = help_desk::create_request(app, &admin).await?;
        let before = [
            read(app, &admin, &done).await?,
            read(app, &admin, &in_time).await?,
        ];
        let due: Vec<Value> = join_all(late.iter().map(|(request, _)| read(app, &admin, request)))
            .await
            .into_iter()
            .map(|request| request.map(|request| request["due_at"].clone()))
            .collect::<Result<_>>()?;

        let rounds = (0..4).map(|_| worker::run_once(&app.superuser_url, now));
        let mut escalated = Vec::new();
        for report in join_all(rounds).await {
            let report = report?;
            assert!(report.failed.is_empty(), "{report}");
            escalated.extend(report.escalated);
        }
        escalated.sort_by_key(|one| one.number);
        let expected: Vec<worker::Escalation> = late
            .iter()
            .map(|(request, raised)| worker::Escalation {
                tenant: "aurora".to_owned(),
                number: request["number"].as_i64().unwrap_or_default(),
                priority: (*raised).to_owned(),
                is_assigned: request == assigned,
            })
            .collect();
        assert_eq!(escalated, expected);
        for ((request, raised), due) in late.iter().zip(due) {
            let now = read(app, &admin, request).await?;
            assert_eq!(now["priority"], *raised);
            assert!(now["escalated_at"].is_string());
            assert_eq!(now["due_at"], due, "escalation keeps the due time");
            assert_eq!(now["updated_by"], Value::Null);
            let events = queries::fetch_texts(
                app,
                "select request_id from lms.event_log
                where entity_id = $1 and state ->> 'escalated_at' is not null",
                &[&fixtures::parse_id(request)?],
            )
            .await?;
            assert_eq!(events, ["worker"]);
        }
        let after = [
            read(app, &admin, &done).await?,
            read(app, &admin, &in_time).await?,
        ];
        assert_eq!(after, before);
        let again = worker::run_once(&app.superuser_url, now).await?;
        assert!(again.escalated.is_empty(), "{again}");
        Ok(())
    });
}

#[test]
fn a_request_with_a_new_due_time_may_be_escalated_again() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = help_desk::create_request(app, &admin).await?;
        help_desk::make_overdue(app, &request).await?;
        let escalation_count = async |now| -> Result<usize> {
            let number = request["number"].as_i64().unwrap_or_default();
            let report = worker::run_once(&app.superuser_url, now).await?;
            let escalations = report
                .escalated
                .iter()
                .filter(|one| one.tenant == "aurora" && one.number == number);
            Ok(escalations.count())
        };
        let now = Utc::now();
        assert_eq!(escalation_count(now).await?, 1);
        let path = help_desk::request_path(&request);
        let eased = app
            .patch(&admin, &path, json!({"priority": "low"}))
            .await?
            .expect(200)
            .json();
        assert_eq!(eased["escalated_at"], Value::Null);
        assert_eq!(escalation_count(now).await?, 0);
        assert_eq!(escalation_count(now + Duration::days(30)).await?, 1);
        Ok(())
    });
}

#[test]
fn a_failed_escalation_is_reported_and_does_not_block_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        worker::run_once(&app.superuser_url, Utc::now()).await?;
        let mut requests = Vec::new();
        for _ in 0..2 {
            let request = help_desk::create_request(app, &admin).await?;
            help_desk::make_overdue(app, &request).await?;
            requests.push(request);
        }
        let broken = fixtures::parse_id(&requests[0])?;
        app.superuser()
            .await?
            .batch_execute(&format!(
                "create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
                create trigger refuse before update on lms.requests
                for each row when (old.id = '{broken}') execute function public.refuse()"
            ))
            .await?;
        let report = worker::run_once(&app.superuser_url, Utc::now()).await?;
        let failed: Vec<_> = report
            .failed
            .iter()
            .map(|failure| (failure.tenant.as_str(), failure.what, failure.id))
            .collect();
        assert_eq!(failed, [("aurora", "request", broken)], "{report}");
        assert!(
            report.to_string().contains("not escalated: refused"),
            "{report}"
        );
        let escalated: Vec<Value> = report
            .escalated
            .iter()
            .map(|one| json!(one.number))
            .collect();
        assert_eq!(escalated, [requests[1]["number"].clone()], "{report}");
        assert_eq!(
            read(app, &admin, &requests[0]).await?["escalated_at"],
            Value::Null
        );
        Ok(())
    });
}
