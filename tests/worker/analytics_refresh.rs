//! Tests access to the materialized views, and refreshes that block nobody and write only changes.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::analytics::{self, View};
use serde_json::Value;
use tests::{Application, Role, Session, analytics::refresh, fixtures, queries, role, run};
use tokio_postgres::error::SqlState;

/// Returns the ids that a caller reads, or none if the role may not read them.
async fn read(
    app: &Application,
    session: &Session,
    name: &str,
    column: &str,
) -> Result<Option<BTreeSet<String>>> {
    let path = format!("/v1/analytics/{name}?limit=200");
    let reply = app.get(session, &path).await?;
    if reply.status == 403 {
        return Ok(None);
    }
    let body = reply.expect(200).json();
    assert_eq!(body["next_cursor"], Value::Null);
    let ids = body["data"]
        .as_array()
        .context("rows")?
        .iter()
        .filter_map(|row| row[column].as_str().map(str::to_owned));
    Ok(Some(ids.collect()))
}

/// Returns the condition on `r` for a role's scope, by student, centre or tutor, or none if it sees nothing.
fn scope(role: Role, name: &str) -> Option<&'static str> {
    Some(match (name, role) {
        (_, role::ADMIN) | ("centre-financials", role::FINANCE) => "true",
        ("student-progress", role::SUPERVISOR | role::ASSESSOR)
        | ("tutor-load", role::SUPERVISOR) => {
            "r.centre_id = (select u.centre_id from lms.users as u where u.id = $2)"
        }
        ("centre-financials", role::SUPERVISOR) => {
            "r.id = (select u.centre_id from lms.users as u where u.id = $2)"
        }
        ("student-progress", role::PARENT) => {
            "(r.parent_id = $2 or r.id in (select g.student_id from lms.guardians as g where g.user_id = $2 and g.deleted_at is null))"
        }
        ("student-progress", role::TUTOR) => {
            "r.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $2)"
        }
        ("student-progress", role::STUDENT) | ("tutor-load", role::TUTOR) => "r.user_id = $2",
        _ => return None,
    })
}

#[test]
fn analytics_are_limited_to_the_roles_scope_and_the_tenant() {
    run(async |app| {
        refresh(app).await?;
        for tenant in 0..2 {
            for role in role::ALL {
                let session = app.sign_in_to(tenant, role).await?;
                for (name, column, table) in [
                    ("student-progress", "student_id", "lms.students as r"),
                    ("tutor-load", "tutor_id", "lms.tutors as r"),
                    (
                        "centre-financials",
                        "centre_id",
                        "(select c.* from lms.centres as c where exists (select from lms.finance_records as f where f.centre_id = c.id)) as r",
                    ),
                ] {
                    let expected = match scope(role, name) {
                        None => None,
                        Some(scope) => Some(
                            queries::fetch_texts(
                                app,
                                &format!(
                                    "select r.id::text from {table}
                                    where r.tenant_id = $1 and r.deleted_at is null and {scope}
                                    and $2::uuid is not null"
                                ),
                                &[&session.tenant, &session.user],
                            )
                            .await?
                            .into_iter()
                            .collect::<BTreeSet<_>>(),
                        ),
                    };
                    let seen = read(app, &session, name, column).await?;
                    let who = format!("{} of tenant {tenant}, {name}", role.name());
                    assert_eq!(seen, expected, "{who}");
                    if let (role::ADMIN, Some(seen)) = (role, seen) {
                        assert!(!seen.is_empty(), "{who}");
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn views_are_readable_only_through_their_functions() {
    run(async |app| {
        let application = database::connect(&app.application_url).await?;
        let superuser = app.superuser().await?;
        for view in View::ALL {
            let sql = format!("select from lms_private.{}", view.name());
            let rejected = application.query(&sql, &[]).await.err().context("rows")?;
            assert_eq!(rejected.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
            // The schema's owner and the migrator are left out. They are members of both roles,
            // whose views and functions they migrate.
            let readers: Vec<String> = superuser
                .query(
                    "select r.rolname::text
                    from pg_roles as r
                    where not r.rolsuper
                      and r.rolname not like 'pg\\_%'
                      and has_table_privilege(r.oid, to_regclass('lms_private.' || $1), 'select')
                      and not pg_has_role(r.oid, 'lms_owner', 'usage')
                    order by r.rolname",
                    &[&view.name()],
                )
                .await?
                .iter()
                .map(|row| row.get(0))
                .collect();
            assert_eq!(readers, ["lms_definer", "lms_refresher"]);
        }
        Ok(())
    });
}

#[test]
fn a_refresh_neither_blocks_nor_waits_for_readers_and_writers() {
    run(async |app| {
        refresh(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = fixtures::demo_student(app).await?;
        let assessment_count = async || -> Result<Value> {
            let path = format!("/v1/analytics/student-progress?student_id={student}");
            Ok(app.get(&admin, &path).await?.expect(200).json()["data"][0]["assessments"].clone())
        };
        let before = assessment_count().await?.as_i64().context("a count")?;
        let (mut reader, mut writer) = (app.superuser().await?, app.superuser().await?);
        let reading = reader.transaction().await?;
        reading
            .query("select from lms_private.mv_student_progress", &[])
            .await?;
        let writing = writer.transaction().await?;
        let insert = "insert into lms.assessments (tenant_id, student_id, type, score) values ($1, $2, 'reading', 50)";
        writing.execute(insert, &[&admin.tenant, &student]).await?;

        // A statement that has to wait for a lock would fail.
        let client = app.superuser().await?;
        client.batch_execute("set lock_timeout = '1ms'").await?;
        for view in View::ALL {
            analytics::refresh(&client, view).await?;
        }
        reading
            .query("select from lms_private.mv_student_progress", &[])
            .await?;
        reading.commit().await?;
        writing.execute(insert, &[&admin.tenant, &student]).await?;
        writing.commit().await?;
        assert_eq!(assessment_count().await?, before);
        refresh(app).await?;
        assert_eq!(assessment_count().await?, before + 2);

        // During a refresh, views are read and their sources are written.
        let mut refresher = app.superuser().await?;
        let refreshing = refresher.transaction().await?;
        refreshing
            .execute("select lms.refresh_view('mv_student_progress')", &[])
            .await?;
        assert_eq!(assessment_count().await?, before + 2);
        let body = serde_json::json!({"student_id": student, "type": "reading", "score": 60});
        app.post(&admin, "/v1/assessments", body).await?.expect(201);
        refreshing.commit().await?;
        Ok(())
    });
}

/// Returns the location of each row of a view and the transaction that wrote it.
async fn row_versions(app: &Application, view: View) -> Result<BTreeSet<String>> {
    let sql = format!(
        "select r.ctid || ' ' || r.xmin from lms_private.{} as r",
        view.name()
    );
    Ok(queries::fetch_texts(app, &sql, &[])
        .await?
        .into_iter()
        .collect())
}

async fn refreshed_at(app: &Application, view: View) -> Result<DateTime<Utc>> {
    let row = app
        .superuser()
        .await?
        .query_one(
            "select refreshed_at from lms_private.view_refreshes where view = $1",
            &[&view.name()],
        )
        .await?;
    Ok(row.get(0))
}

#[test]
fn a_refresh_updates_its_time_and_only_changed_rows() {
    run(async |app| {
        refresh(app).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let student = fixtures::demo_student(app).await?;
        let shown_refresh_time = async || -> Result<Value> {
            let path = "/v1/analytics/student-progress?limit=1";
            Ok(app.get(&admin, path).await?.expect(200).json()["refreshed_at"].clone())
        };
        for view in View::ALL {
            let (rows, time) = (
                row_versions(app, view).await?,
                refreshed_at(app, view).await?,
            );
            assert!(!rows.is_empty(), "{}", view.name());
            let before = shown_refresh_time().await?;
            analytics::refresh(&app.superuser().await?, view).await?;
            assert_eq!(row_versions(app, view).await?, rows, "{}", view.name());
            assert!(refreshed_at(app, view).await? > time, "{}", view.name());
            assert_eq!(
                shown_refresh_time().await? == before,
                view != View::StudentProgress
            );
        }
        let before = row_versions(app, View::StudentProgress).await?;
        let body = serde_json::json!({"student_id": student, "type": "reading", "score": 61});
        app.post(&admin, "/v1/assessments", body).await?.expect(201);
        refresh(app).await?;
        let after = row_versions(app, View::StudentProgress).await?;
        assert_eq!(after.difference(&before).count(), 1);
        assert_eq!(before.difference(&after).count(), 1);
        Ok(())
    });
}

#[test]
fn concurrent_refreshes_are_serialized_and_an_unknown_view_is_rejected() {
    run(async |app| {
        let refresh_all = async || -> Result<()> {
            let client = app.superuser().await?;
            for view in View::ALL {
                analytics::refresh(&client, view).await?;
            }
            Ok(())
        };
        tokio::try_join!(refresh_all(), refresh_all(), refresh_all())?;
        let client = app.superuser().await?;
        let rejected = client
            .execute("select lms.refresh_view($1)", &[&"event_log"])
            .await
            .err()
            .context("a refresh")?;
        assert_eq!(rejected.code(), Some(&SqlState::INVALID_PARAMETER_VALUE));
        Ok(())
    });
}
