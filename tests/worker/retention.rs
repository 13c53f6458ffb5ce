//! Tests that deleted rows can be restored for a time and are then purged by `lms worker`.

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use tests::{Application, Session, finance_records, fixtures, queries, role, run};
use uuid::Uuid;
use worker::Report;

/// Runs the purge as of some days from now.
async fn purge_in_days(app: &Application, days: i64) -> Result<Report> {
    let then: DateTime<Utc> = Utc::now() + Duration::days(days);
    worker::run_once(&app.superuser_url, then).await
}

async fn exists(app: &Application, table: &str, id: Uuid) -> Result<bool> {
    Ok(queries::count(app, &format!("lms.{table} where id = $1"), &[&id]).await? == 1)
}

async fn delete(app: &Application, session: &Session, table: &str, id: Uuid) -> Result<()> {
    app.delete(session, &format!("/v1/{table}/{id}"))
        .await?
        .expect(204);
    Ok(())
}

/// Restores a row and returns the HTTP status.
async fn restore(app: &Application, session: &Session, table: &str, id: Uuid) -> Result<u16> {
    let path = format!("/v1/{table}/{id}/restore");
    Ok(app.post(session, &path, json!({})).await?.status)
}

async fn assessment(app: &Application, session: &Session, student: Uuid) -> Result<Uuid> {
    let body = json!({"student_id": student, "type": "reading", "score": 40});
    let created = app.post(session, "/v1/assessments", body).await?;
    fixtures::parse_id(&created.expect(201).json())
}

#[test]
fn a_row_can_be_restored_for_30_days_and_is_then_purged() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let row = assessment(app, &admin, student).await?;
        delete(app, &admin, "assessments", row).await?;
        purge_in_days(app, 29).await?;
        assert_eq!(restore(app, &admin, "assessments", row).await?, 200);

        delete(app, &admin, "assessments", row).await?;
        let report = purge_in_days(app, 31).await?;
        assert!(report.removed >= 1 && !report.has_failures(), "{report}");
        assert!(!exists(app, "assessments", row).await?);
        app.get(&admin, &format!("/v1/assessments/{row}"))
            .await?
            .expect(404);
        assert_eq!(restore(app, &admin, "assessments", row).await?, 404);
        let purged = "lms.event_log
            where entity = 'assessments' and entity_id = $1 and kind = 'assessment.purged'
              and state = '{}' and actor is null and request_id = 'retention'";
        assert_eq!(queries::count(app, purged, &[&row]).await?, 1);
        assert!(exists(app, "students", student).await?);
        assert_eq!(purge_in_days(app, 31).await?.removed, 0);
        Ok(())
    });
}

#[test]
fn a_regulated_tenant_retains_rows_for_seven_years() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = fixtures::demo_student(app).await?;
        let row = assessment(app, &admin, student).await?;
        delete(app, &admin, "assessments", row).await?;
        app.superuser()
            .await?
            .batch_execute(
                "set session_replication_role = replica;
                update lms.tenants set retention_class = 'regulated'",
            )
            .await?;
        purge_in_days(app, 7 * 365).await?;
        assert!(exists(app, "assessments", row).await?);
        purge_in_days(app, 7 * 365 + 3).await?;
        assert!(!exists(app, "assessments", row).await?);
        Ok(())
    });
}

#[test]
fn a_referenced_row_is_purged_after_its_references() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let assessed = fixtures::create_student(app, &admin, own_centre).await?;
        let paying = fixtures::create_student(app, &admin, own_centre).await?;
        for student in [assessed, paying] {
            app.patch(
                &admin,
                &format!("/v1/students/{student}"),
                json!({"assigned_tutor_id": tutor}),
            )
            .await?
            .expect(200);
        }
        let row = assessment(app, &admin, assessed).await?;
        let mut payment = finance_records::payment_body(app, own_centre, "20").await?;
        payment["student_id"] = json!(paying);
        finance_records::create(app, &finance, &payment).await?;
        for student in [assessed, paying] {
            delete(app, &admin, "students", student).await?;
        }
        let report = purge_in_days(app, 31).await?;
        assert!(!report.has_failures(), "{report}");
        assert!(exists(app, "students", assessed).await?);
        assert!(exists(app, "students", paying).await?);

        // Referencing rows are purged first, in the same run.
        delete(app, &admin, "assessments", row).await?;
        let report = purge_in_days(app, 32).await?;
        assert!(!report.has_failures(), "{report}");
        assert!(!exists(app, "assessments", row).await?);
        assert!(!exists(app, "students", assessed).await?);
        purge_in_days(app, 3000).await?;
        assert!(exists(app, "students", paying).await?);
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        assert_eq!(restore(app, &admin, "students", paying).await?, 200);
        assert_eq!(fixtures::count_wrong_student_counts(app).await?, 0);
        Ok(())
    });
}

#[test]
fn rows_of_a_user_are_purged_with_the_user() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let user = fixtures::create_user(app, &admin, "support", own_centre).await?;
        queries::execute(
            app,
            "insert into lms.sessions (tenant_id, user_id, expires_at)
            values ($1, $2, now() + interval '1 hour')",
            &[&admin.tenant, &user],
        )
        .await?;
        let body = json!({"user_id": user, "type": "email", "message": "Welcome."});
        app.post(&admin, "/v1/notifications", body)
            .await?
            .expect(201);
        delete(app, &admin, "users", user).await?;
        let report = purge_in_days(app, 31).await?;
        assert!(!report.has_failures(), "{report}");
        assert!(!exists(app, "users", user).await?);
        let events = queries::fetch_texts(
            app,
            "select e.kind
            from lms.event_log as e
            where e.request_id = 'retention'
              and e.entity in ('users', 'notifications', 'sessions')
              and (
                e.entity_id = $1
                or exists (
                  select from lms.event_log as before
                  where before.entity_id = e.entity_id and before.state ->> 'user_id' = $1::uuid::text
                )
              )
            order by e.kind",
            &[&user],
        )
        .await?;
        assert_eq!(
            events,
            ["notification.purged", "session.purged", "user.purged"]
        );
        Ok(())
    });
}

/// Counts the rows of a class in the tables derived from it, deleted ones included.
async fn class_row_counts(app: &Application, class: Uuid) -> Result<[i64; 3]> {
    let mut counts = [0; 3];
    for (count, table) in counts
        .iter_mut()
        .zip(["occurrences", "enrolments", "attendances"])
    {
        let from = format!("lms.{table} where class_id = $1");
        *count = queries::count(app, &from, &[&class]).await?;
    }
    Ok(counts)
}

#[test]
fn a_class_is_purged_completely_or_not_at_all() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::create_tutor(app, &admin, own_centre, 5).await?;
        let student = fixtures::create_student(app, &admin, own_centre).await?;
        let day = (Utc::now() + Duration::days(2)).format("%Y-%m-%d");
        let body = json!({
            "centre_id": own_centre,
            "tutor_id": tutor,
            "student_ids": [student],
            "schedule": {
                "start": format!("{day}T10:00:00"),
                "end": format!("{day}T11:00:00"),
                "time_zone": "UTC",
                "recurring": {"rule": "FREQ=DAILY;COUNT=3"},
            },
        });
        let created = app.post(&admin, "/v1/classes", body).await?.expect(201);
        let class = fixtures::parse_id(&created.json())?;
        assert_eq!(class_row_counts(app, class).await?, [3, 1, 3]);
        let body =
            json!({"centre_id": own_centre, "type": "it", "details": "The screen stays dark."});
        let request_reply = app.post(&admin, "/v1/requests", body).await?.expect(201);
        let request = fixtures::parse_id(&request_reply.json())?;
        queries::execute(
            app,
            "update lms.requests set class_id = $2 where id = $1",
            &[&request, &class],
        )
        .await?;
        delete(app, &admin, "classes", class).await?;
        purge_in_days(app, 31).await?;
        assert_eq!(class_row_counts(app, class).await?, [3, 1, 3]);
        assert_eq!(restore(app, &admin, "classes", class).await?, 200);

        queries::execute(
            app,
            "update lms.requests set class_id = null where id = $1",
            &[&request],
        )
        .await?;
        delete(app, &admin, "classes", class).await?;
        let report = purge_in_days(app, 31).await?;
        assert!(!report.has_failures(), "{report}");
        assert!(!exists(app, "classes", class).await?);
        assert_eq!(class_row_counts(app, class).await?, [0, 0, 0]);
        let purged = "lms.event_log where request_id = 'retention' and kind = 'attendance.purged'";
        assert_eq!(queries::count(app, purged, &[]).await?, 3);
        Ok(())
    });
}

#[test]
fn a_legal_hold_prevents_purging_the_rows_of_a_person() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let on_hold = fixtures::create_student(app, &admin, own_centre).await?;
        let not_on_hold = fixtures::create_student(app, &admin, own_centre).await?;
        let mut of = Vec::new();
        for student in [on_hold, not_on_hold] {
            let row = assessment(app, &admin, student).await?;
            let sql = "select user_id from lms.students where id = $1";
            let user = queries::fetch_id(app, sql, &[&student]).await?;
            if student == on_hold {
                let hold = json!({"user_id": user, "reason": "A claim is pending."});
                app.post(&admin, "/v1/legal-holds", hold).await?.expect(201);
            }
            delete(app, &admin, "assessments", row).await?;
            delete(app, &admin, "students", student).await?;
            delete(app, &admin, "users", user).await?;
            of.push((row, user));
        }
        let report = purge_in_days(app, 31).await?;
        assert!(!report.has_failures(), "{report}");
        for (student, (row, user), is_retained) in
            [(on_hold, of[0], true), (not_on_hold, of[1], false)]
        {
            assert_eq!(exists(app, "assessments", row).await?, is_retained);
            assert_eq!(exists(app, "students", student).await?, is_retained);
            assert_eq!(exists(app, "users", user).await?, is_retained);
        }
        Ok(())
    });
}

#[test]
fn many_rows_are_purged_in_batches_and_a_failing_table_does_not_block_others() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = fixtures::demo_student(app).await?;
        let row = assessment(app, &admin, student).await?;
        delete(app, &admin, "assessments", row).await?;
        app.superuser()
            .await?
            .batch_execute(&format!(
                "create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
                create trigger refuse before delete on lms.assessments for each row execute function public.refuse();
                set session_replication_role = replica;
                insert into lms.gamification (tenant_id, student_id, points, deleted_at)
                select '{}', '{student}', 1, now() from generate_series(1, 1500)",
                admin.tenant
            ))
            .await?;
        let report = purge_in_days(app, 31).await?;
        let failed: Vec<(&str, &str)> = report
            .not_removed
            .iter()
            .map(|failed| (failed.tenant.as_str(), failed.table.as_str()))
            .collect();
        assert_eq!(failed, [("aurora", "assessments")], "{report}");
        assert!(report.to_string().contains("refused"), "{report}");
        assert!(report.removed >= 1500, "{report}");
        let batches = queries::fetch_texts(
            app,
            "select count(*)::text
            from lms.event_log
            where kind = 'gamification.purged'
            group by at
            order by at",
            &[],
        )
        .await?;
        assert_eq!(batches, ["1000", "500"]);
        Ok(())
    });
}

#[test]
fn the_ledger_and_the_event_log_are_never_purged() {
    run(async |app| {
        let sql = "select t from lms_private.retained_tables() as t";
        let tables = queries::fetch_texts(app, sql, &[]).await?;
        for one in ["users", "students", "classes", "requests", "assessments"] {
            assert!(tables.iter().any(|table| table == one), "{one}");
        }
        for one in [
            "tenants",
            "finance_records",
            "journal_entries",
            "finance_totals",
            "payroll_runs",
            "payroll_items",
            "event_log",
            "event_heads",
        ] {
            assert!(!tables.iter().any(|table| table == one), "{one}");
        }
        // Each table has the index that the purge uses.
        for table in &tables {
            let found = queries::count(
                app,
                "pg_indexes where schemaname = 'lms' and indexname = 'idx_' || $1::text || '_deleted'",
                &[table],
            )
            .await?;
            assert_eq!(found, 1, "{table}");
        }
        Ok(())
    });
}
